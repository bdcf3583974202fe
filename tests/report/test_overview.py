"""The table of models: what stands beside what, and what is left empty."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from run_pages import render_run

from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Header
from validation.record.types import ModelKey
from validation.report.index import IndexModel, IndexRow, overview_columns

_DASH = "\u2014"
_ROW = IndexRow(
    key=ModelKey("m", "float"),
    given="",
    anchor="float",
    status=Status.PASS,
    ap_reference="0.5000",
    ap="0.4990",
    ap_interval="",
    ap_delta="-0.0010",
    worse=True,
    ap50="0.7000",
    parity="1e-05",
    parity_limit="",
    parity_of="",
    unmatched="0 of 9",
    size="1.20 MB",
    file="",
    p50="2.10",
    p95="2.50",
    p50_beside=_DASH,
)


def _row(variant: str, file: str = "", **changes: object) -> IndexRow:
    key = ModelKey("m", variant, file)
    return dataclasses.replace(_ROW, key=key, **changes)  # type: ignore[arg-type]


def _model(name: str, *rows: IndexRow, status: Status = Status.PASS) -> IndexModel:
    own = (dataclasses.replace(row, key=dataclasses.replace(row.key, model=name)) for row in rows)
    return IndexModel(name, f"model-{name}.html", status, tuple(own))


def test_columns_are_the_variants_of_all_models() -> None:
    """In the harness's own order; a variant that it does not know comes last, not lost."""
    models = (
        _model("b", _row("uint8"), _row("odd")),
        _model("a", _row("reference"), _row("int8"), _row("float")),
    )
    columns = overview_columns(models)
    assert [each.label for each in columns] == ["float", "int8", "uint8", "odd"]
    assert overview_columns(()) == ()
    assert models[0].row(columns[0]) is None
    assert models[0].row(columns[2]) == models[0].rows[0]


def test_given_files_have_columns_of_their_own() -> None:
    """After the variants; one name in two forms is two columns, and neither is a variant's."""
    models = (
        _model("a", _row("float", "x.tflite"), _row("int8"), _row("float")),
        _model("b", _row("int8", "x.tflite"), _row("float", "x.tflite")),
    )
    columns = overview_columns(models)
    assert [(each.label, each.variant) for each in columns] == [
        ("float", "float"),
        ("int8", "int8"),
        ("x.tflite", "float"),
        ("x.tflite", "int8"),
    ]
    rows = [[model.row(each) for each in columns] for model in models]
    assert rows == [
        [models[0].rows[2], models[0].rows[1], models[0].rows[0], None],
        [None, None, models[1].rows[1], models[1].rows[0]],
    ]


def test_the_graphs_ap_is_of_whichever_row_has_it() -> None:
    """A dash where none does."""
    bare = _row("raw", ap_reference=_DASH)
    assert _model("a", bare, _row("int8")).ap_reference == "0.5000"
    assert _model("a", bare).ap_reference == _DASH


def test_nothing_measured(write_run: Callable[..., Path], policy: Policy) -> None:
    """Dashes without a unit, and no difference."""
    page = render_run(write_run(()), policy).read_text()
    (cell, _) = re.findall('<td class="n unknown">.*?</td>', page, re.DOTALL)
    assert re.sub("<[^>]*>", " ", cell).split() == ["UNKNOWN", _DASH, _DASH, _DASH]


def test_every_model_has_one_row_on_the_first_page(
    write_run: Callable[..., Path],
    header: Header,
    entries: tuple[Entry, ...],
    policy: Policy,
) -> None:
    """Whatever the number of variants; a verdict other than PASS is said by its word."""
    named = ("one", "two <b>", "three")
    found = [
        dataclasses.replace(entry, model=name)
        for name in named
        for entry in entries
        if hasattr(entry, "model")
    ]
    selected = dataclasses.replace(
        header,
        selection=tuple(ModelKey(name, each) for name in named for each in ("float", "int8")),
    )
    run = write_run(found, header=selected)
    page = render_run(run, policy).read_text()
    table = page[page.index('<table class="overview">') :]
    table = table[: table.index("</table>")]
    body = table[table.index("<tbody>") :]
    assert body.count("<tr>") == len(named)
    assert "two &lt;b&gt;" in body
    assert body.count("0.1948") == len(named)
    assert body.count("0.1694") == body.count("-0.0254") == body.count("12.18 MB") == len(named)
    assert body.count("9.75 ms") == len(named)
    # The int8 cells fail, and with them their models.
    assert body.count('<td class="n fail">') == len(named)
    assert body.count(">FAIL<") == 2 * len(named)
    # The table of variants folds where there are several models to compare.
    assert "<details open>" not in page
    alone = [entry for entry in found if entry.model == "one"]
    one = dataclasses.replace(
        header,
        selection=(
            ModelKey("one", "float"),
            ModelKey("one", "int8"),
        ),
    )
    shutil.rmtree(run)
    assert "<details open>" in render_run(write_run(alone, header=one), policy).read_text()
