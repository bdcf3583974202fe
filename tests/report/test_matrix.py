"""The convertibility matrix: derived from the record, and silent about what it cannot know."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from run_pages import render_run

from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    ConversionError,
    DownloadFailed,
    GraphConfigMismatch,
    GraphError,
    IntegrityError,
    NotSsdGraph,
    UnsafeArchive,
    ValidationError,
)
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole, Footer, Header, Stage, Step
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey, Timing
from validation.report.matrix import Cell, Converts, Matrix, MatrixRow
from validation.report.views import build_report
from validation.signoff.rules import judge

Write = Callable[..., Path]

FLOAT, INT8, RAW = (ModelKey("person", variant) for variant in ("float", "int8", "raw"))
FETCHED = Step("person", Stage.FETCH, "fetch", 0.5, True)
FILE = Artefact(
    "person", ArtefactRole.TFLITE, "float", "person-float.tflite", "00" * 32, 12_180_000
)
NO_NODE = NotSsdGraph("no Postprocessor", where="x.pb", next_step="freeze it again")
NO_NODE_LINE = "NotSsdGraph: no Postprocessor (x.pb); freeze it again"


def matrix_of(header: Header, entries: Iterable[Entry], policy: Policy) -> Matrix:
    entries = tuple(entries)
    results = tuple(entry for entry in entries if isinstance(entry, CheckResult))
    record = Record(
        header=header,
        results=results,
        timings=tuple(entry for entry in entries if isinstance(entry, Timing)),
        artefacts=tuple(entry for entry in entries if isinstance(entry, Artefact)),
        steps=tuple(entry for entry in entries if isinstance(entry, Step)),
        footer=Footer("later", 60.0, len(results), 0),
    )
    return build_report(record, judge(record, policy), policy).matrix


def rows_of(matrix: Matrix) -> dict[str, MatrixRow]:
    return {str(row.index.key): row for model, rows in matrix.models for row in rows}


def contract(key: ModelKey, measured: int = 1) -> CheckResult:
    """A tflite_contract check that came to its end."""
    return CheckResult.judged(
        "tflite_contract", key, (Measure("inputs", measured, Limit("equal", 1, "one image")),)
    )


def test_converted_row(header: Header, entries: tuple[Entry, ...], policy: Policy) -> None:
    """A file in the record is a conversion; the row gathers what was found on it."""
    matrix = matrix_of(header, (*entries, contract(FLOAT)), policy)
    row = rows_of(matrix)["person-float"]
    assert (row.converts, row.error) == (Converts.YES, "")
    assert row.names is Status.PASS
    assert row.parity == Cell("3.6e-04 (\u2264 0.001)", order="0.00036")
    assert row.index.parity_of == "box_encodings_max_abs_diff \u2264 0.001"
    assert row.unmatched == Cell("0 of 128", order="0")
    assert row.index.size.text == "12.18 MB"
    assert row.latency == Cell("9.75 / 13.40", order="9.75")
    assert matrix.summary == "1 model, 2 files asked for: 1 converted, 0 refused, 1 not tried."
    assert matrix.refused == matrix.not_tried == ()


def test_facts(header: Header, entries: tuple[Entry, ...], policy: Policy) -> None:
    """What the figures depend on stands on top; a folder is named without where it lies."""
    header = dataclasses.replace(
        header,
        versions={"tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"},
        machine={"processor": "A chip", "cores": "2"},
        options={"zoo": "home/me/models", "labelled images": "coco-tiny, 80 images"},
    )
    assert dict(matrix_of(header, entries, policy).facts) == {
        "TensorFlow": "2.21.0",
        "LiteRT": "2.3.0",
        "Date": "2026-01-02 03:04:05 UTC",
        "Machine": "A chip, 2 cores",
        "Threads": "1",
        "Zoo": "models",
        "Labelled images": "coco-tiny, 80 images",
    }
    bare = dataclasses.replace(header, versions={}, machine={}, options={})
    facts = dict(matrix_of(bare, (), policy).facts)
    assert facts.pop("Threads") == "latency was not measured"
    assert facts.pop("Date") == "2026-01-02 03:04:05 UTC"
    assert set(facts.values()) == {"\u2014"}


@pytest.mark.parametrize("check", ["tflite_contract", "export_contract"])
@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ConversionError("the converter refused"), "ConversionError: the converter refused"),
        (NO_NODE, NO_NODE_LINE),
        (ValueError("none"), "ValueError: none"),
        (AssertionError(), "AssertionError:"),
    ],
)
def test_refused(header: Header, policy: Policy, check: str, error: Exception, line: str) -> None:
    """An error that ended the export or the conversion is a no, and is shown once."""
    failed = [CheckResult.stopped(name, FLOAT, error) for name in (check, "raw_parity", "latency")]
    matrix = matrix_of(header, [FETCHED, *failed], policy)
    row = rows_of(matrix)["person-float"]
    assert row.converts is Converts.NO
    assert row.error == line
    assert row.names is None
    assert {row.parity, row.unmatched, row.latency} == {Cell("\u2014")}
    assert row.index.status is Status.FAIL
    (stopped,) = matrix.refused
    assert (stopped.model, stopped.variants, stopped.error) == ("person", ("float",), line)


def test_conversion_error_before_export_error(header: Header, policy: Policy) -> None:
    """Where both failed, the conversion's error is shown."""
    failed = [
        CheckResult.stopped("export_contract", FLOAT, GraphError("first")),
        CheckResult.stopped("tflite_contract", FLOAT, ConversionError("second")),
    ]
    row = rows_of(matrix_of(header, failed, policy))["person-float"]
    assert row.error == "ConversionError: second"


def test_one_error_of_several_variants(header: Header, policy: Policy) -> None:
    """One cause is one line; another cause is another."""
    header = dataclasses.replace(
        header,
        selection=(
            ModelKey("person", "float"),
            ModelKey("person", "int8"),
            ModelKey("person", "raw"),
        ),
    )
    failed = [CheckResult.stopped("tflite_contract", key, NO_NODE) for key in (FLOAT, INT8)]
    other = CheckResult.stopped("tflite_contract", RAW, ValueError("x"))
    refused = [
        (stopped.variants, stopped.error)
        for stopped in matrix_of(header, [*failed, other], policy).refused
    ]
    assert refused == [(("float", "int8"), NO_NODE_LINE), (("raw",), "ValueError: x")]


@pytest.mark.parametrize(
    ("error", "obtained", "expected"),
    [
        (DownloadFailed, False, Converts.NOT_TRIED),
        (IntegrityError, False, Converts.NOT_TRIED),
        (UnsafeArchive, False, Converts.NOT_TRIED),
        (ArtefactMissing, False, Converts.NOT_TRIED),
        (ArtefactError, True, Converts.NOT_TRIED),
        (ArtefactMissing, True, Converts.NO),
        (GraphConfigMismatch, False, Converts.NO),
    ],
)
def test_archive_that_was_not_obtained(
    header: Header, policy: Policy, error: type[ValidationError], obtained: bool, expected: Converts
) -> None:
    """A missing network says nothing about a model; an archive without a graph does."""
    other = Step("another", Stage.FETCH, "fetch", 0.5, True)
    failed = CheckResult.stopped("tflite_contract", FLOAT, error("no such thing"))
    matrix = matrix_of(header, [FETCHED if obtained else other, failed], policy)
    assert rows_of(matrix)["person-float"].converts is expected
    listed = matrix.refused if expected is Converts.NO else matrix.not_tried
    assert [stopped.error for stopped in listed] == [f"{error.__name__}: no such thing"]
    assert len(matrix.refused + matrix.not_tried) == 1


def test_nothing_is_not_tried(header: Header, policy: Policy) -> None:
    """A row without evidence is no refusal and no success."""
    matrix = matrix_of(header, (), policy)
    row = rows_of(matrix)["person-float"]
    assert (row.converts, row.error, row.names) == (Converts.NOT_TRIED, "", None)
    assert (row.index.size.text, row.index.status) == ("\u2014", Status.UNKNOWN)
    assert matrix.summary.endswith("0 converted, 0 refused, 2 not tried.")


def test_other_failures_are_no_refusal(header: Header, policy: Policy) -> None:
    """Only an error of the export or the conversion is a no, not any FAIL with a colon."""
    found = [
        contract(FLOAT, measured=2),
        CheckResult.stopped("raw_parity", FLOAT, ValueError("shapes")),
        CheckResult.failed("tflite_contract", INT8, "Silence: it cannot count"),
    ]
    found[0] = dataclasses.replace(found[0], message="inputs: expected 1, got 2")
    rows = rows_of(matrix_of(header, found, policy))
    assert {row.converts for row in rows.values()} == {Converts.NOT_TRIED}
    assert {row.error for row in rows.values()} == {""}
    assert rows["person-float"].names is Status.FAIL


def test_rows_are_sorted_by_the_worst_names(header: Header, policy: Policy) -> None:
    """A broken contract comes before a kept one; what was not looked at has no place."""
    rows = rows_of(matrix_of(header, (contract(FLOAT), contract(INT8, 2)), policy))
    assert rows["person-int8"].names_order < rows["person-float"].names_order
    rows = rows_of(matrix_of(header, (contract(FLOAT),), policy))
    assert rows["person-int8"].names_order == ""


def test_status_beside_a_figure(header: Header, entries: tuple[Entry, ...], policy: Policy) -> None:
    """A figure whose check did not pass says so, also where there is no figure."""
    found: list[Entry] = [
        FILE,
        dataclasses.replace(FILE, variant="int8"),
        contract(INT8, measured=2),
    ]
    found += [entry for entry in entries if getattr(entry, "check", "") == "raw_parity"]
    found += [
        CheckResult.unknown("latency", INT8, "not timed"),
        CheckResult.stopped("end_to_end_parity", INT8, ValueError("no image")),
    ]
    row = rows_of(matrix_of(header, found, policy))["person-int8"]
    assert row.converts is Converts.YES
    assert row.names is Status.FAIL
    assert row.parity == Cell("0.31 (\u2264 0.001)", Status.FAIL, "0.31")
    assert row.unmatched == Cell("\u2014", Status.FAIL)
    assert row.latency == Cell("\u2014", Status.UNKNOWN)


def test_limit_is_never_rounded_into_the_value(header: Header, policy: Policy) -> None:
    """Value and limit differ in the text when they differ; the warning's bound stays out."""
    limit = Limit("max", 0.001, "why", warn=0.0005)
    measures = (Measure("boxes_max_abs_diff", 0.00100001, limit),)
    result = CheckResult.judged("raw_parity", FLOAT, measures)
    row = rows_of(matrix_of(header, [FILE, result], policy))["person-float"]
    assert row.parity == Cell("0.00100001 (\u2264 0.001)", Status.FAIL, "0.00100001")


def test_first_words(header: Header, policy: Policy) -> None:
    """A cell holds the start of an error, the list one line of bounded length."""
    error = RuntimeError("the converter\nrefused " + "a rather long name " * 40)
    failed = CheckResult.stopped("tflite_contract", FLOAT, error)
    unbroken = CheckResult.stopped("tflite_contract", INT8, RuntimeError("x" * 500))
    matrix = matrix_of(header, [failed, unbroken], policy)
    rows = rows_of(matrix)
    assert rows["person-float"].error == (
        "RuntimeError: the converter refused a rather long name a rather \u2026"
    )
    assert all(len(row.error) <= 66 for row in rows.values())
    for stopped in matrix.refused:
        assert "\n" not in stopped.error
        assert 300 < len(stopped.error) <= 402


def test_reference_has_no_row(header: Header, policy: Policy) -> None:
    """The archive's own graph is not converted; a model with nothing else has no rows."""
    header = dataclasses.replace(
        header,
        selection=(
            ModelKey("bare", "reference"),
            ModelKey("person", "float"),
        ),
    )
    reference = contract(ModelKey("person", "reference"))
    matrix = matrix_of(header, [reference], policy)
    assert list(rows_of(matrix)) == ["person-float"]
    assert [model.model for model, _ in matrix.models] == ["person"]


def test_order_is_that_of_the_selection(header: Header, policy: Policy) -> None:
    """Models and variants stand in the order of the run, not of the alphabet."""
    selection = tuple(ModelKey(*each) for each in (("z", "raw"), ("z", "float"), ("a", "raw")))
    header = dataclasses.replace(header, selection=selection)
    assert tuple(rows_of(matrix_of(header, (), policy))) == tuple(map(str, selection))


def test_page(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> None:
    """The page of a run shows rows, errors and legend, and is linked from the index."""
    failed = CheckResult.stopped("tflite_contract", INT8, ConversionError("<op> is not known"))
    index = render_run(write_run([*entries, contract(FLOAT), failed]), policy)
    text = (index.parent / "matrix.html").read_text(encoding="utf-8")
    for expected in (
        "1 model, 2 files asked for: 1 converted, 1 refused, 0 not tried.",
        "3.6e-04 (\u2264 0.001)",
        "<small>ConversionError: &lt;op&gt; is not known</small>",
        "<b>person</b> int8: ConversionError: &lt;op&gt; is not known",
        'href="model-person.html#float"',
        'href="index.html"',
        "<h2>Refused</h2>",
    ):
        assert expected in text
    assert "<h2>Not tried</h2>" not in text
    assert 'href="matrix.html"' in index.read_text(encoding="utf-8")


def test_page_of_an_empty_run(write_run: Write, header: Header, policy: Policy) -> None:
    """A run that tested nothing has a matrix that says so."""
    nothing = dataclasses.replace(header, selection=())
    index = render_run(write_run([], header=nothing), policy)
    text = (index.parent / "matrix.html").read_text(encoding="utf-8")
    assert "No model was tested." in text
    assert "0 models, 0 files asked for" in text
