"""The table of the first page: one row a file, and which of them leads its model."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

from run_pages import render_run

from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.policy.preference import Prefer
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole, Header
from validation.record.types import ModelKey
from validation.report.files_table import Shown, files_table
from validation.report.index import Figure, IndexModel, IndexRow
from validation.signoff.shipping import Choice, Shipping

Write = Callable[..., Path]

_ROW = IndexRow(
    key=ModelKey("m", "float"),
    given="",
    href="model-m.html#float",
    status=Status.PASS,
    ap_reference=Figure(),
    ap=Figure(),
    ap_delta=Figure(),
    ap_interval="",
    ap50=Figure(),
    parity=Figure(),
    parity_limit="",
    parity_of="",
    unmatched=Figure(),
    size=Figure(),
    file="",
    p50=Figure(),
    p95=Figure(),
    p50_beside=Figure(),
)


def _model(name: str, **statuses: Status) -> IndexModel:
    rows = (
        dataclasses.replace(_ROW, key=ModelKey(name, variant), status=status)
        for variant, status in statuses.items()
    )
    return IndexModel(name, f"model-{name}.html", Status.PASS, tuple(rows))


def _chosen(model: str, variant: str) -> Shipping:
    file = Artefact(model, ArtefactRole.TFLITE, variant, "x.tflite", "d4" * 32, 1)
    return Shipping(model, Choice(file, (), Status.PASS, Prefer.SMALLEST, True, 2, 1), {})


def _none(model: str) -> Shipping:
    return Shipping(model, None, {})


def test_the_file_to_ship_leads_its_model() -> None:
    """Where nothing is to be shipped, the worst file does; no model leads twice."""
    models = (
        _model("a", float=Status.PASS, int8=Status.WARN),
        _model("b", float=Status.WARN, int8=Status.FAIL, raw=Status.FAIL),
    )
    table = files_table(models, (_chosen("a", "float"), _none("b")))
    leading = [(each.row.key.model, each.row.label) for each in table.rows if each.shipping]
    assert leading == [("a", "float"), ("b", "int8")]
    assert table.leading == 2
    assert table.statuses == ((Status.FAIL, 2), (Status.WARN, 2), (Status.PASS, 1))
    assert [each.is_first for each in table.rows] == [True, False, True, False, False]
    assert [each.severity for each in table.rows] == [3, 2, 2, 0, 0]


def test_of_many_models_one_row_each_is_shown_at_first() -> None:
    """A dozen is not many yet. What keeps the run from being signed is never hidden by that."""
    models = [_model(f"m{number}", float=Status.PASS, raw=Status.PASS) for number in range(13)]
    shippings = [_none(each.model) for each in models]
    assert files_table(models, shippings).at_first is Shown.LEADING
    assert files_table(models[:12], shippings[:12]).at_first is Shown.ALL
    for status, shown in (
        (Status.WARN, Shown.LEADING),
        (Status.UNKNOWN, Status.UNKNOWN),
        (Status.FAIL, Status.FAIL),
    ):
        models[3] = _model("m3", float=Status.PASS, int8=status)
        assert files_table(models, shippings).at_first is shown
    alike = [_model(f"m{number}", float=Status.FAIL) for number in range(13)]
    assert files_table(alike, shippings).at_first is Shown.LEADING


def test_a_run_of_nothing() -> None:
    """Has no rows and no verdicts."""
    table = files_table((), ())
    assert (table.rows, table.statuses, table.leading) == ((), (), 0)


def test_every_file_is_a_row_of_the_page(
    write_run: Write, header: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """In the order of the run, with numbers for whoever sorts, and names as text."""
    named = ("one", "two <b>", "three")
    found = [
        dataclasses.replace(entry, model=name)
        for name in named
        for entry in entries
        if hasattr(entry, "model")
    ]
    keys = tuple(ModelKey(name, each) for name in named for each in ("float", "int8"))
    run = write_run(found, header=dataclasses.replace(header, selection=keys))
    page = render_run(run, policy).read_text()
    body = page[page.index('<table class="files" data-sort>') :]
    body = body[body.index("<tbody>") : body.index("</tbody>")]
    rows = re.findall("<tr.*?</tr>", body, re.DOTALL)
    assert len(rows) == len(keys)
    assert body.count("two &lt;b&gt;") == 2
    assert [re.search('class="(pass|fail)', row).group(1) for row in rows] == ["pass", "fail"] * 3  # type: ignore[union-attr]
    for order in ("0.1694", "-0.0254", "12180000", "9.75"):
        assert rows[0].count(f'data-order="{order}"') == 1
    # What can be chosen: all, one a model, and each verdict that there is.
    chosen = re.findall('type="radio" name="rows" id="([^"]*)"( checked)?', page)
    assert chosen == [
        ("rows-all", " checked"),
        ("rows-leading", ""),
        ("rows-fail", ""),
        ("rows-pass", ""),
    ]
