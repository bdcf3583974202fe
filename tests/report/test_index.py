"""The rows of the first page, and where the time went."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from run_pages import pages_of, render_run

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Artefact, Footer, Header, Stage, Step
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.report.index import Figure, IndexRow, index_model
from validation.report.time_table import time_table
from validation.signoff.rules import judge

FLOAT = ModelKey("person", "float")


def record_of(header: Header, entries: Iterable[Entry], seconds: float | None = 60.0) -> Record:
    entries = tuple(entries)
    results = tuple(entry for entry in entries if isinstance(entry, CheckResult))
    return Record(
        header=header,
        results=results,
        timings=tuple(entry for entry in entries if isinstance(entry, Timing)),
        accuracies=tuple(entry for entry in entries if isinstance(entry, Accuracy)),
        artefacts=tuple(entry for entry in entries if isinstance(entry, Artefact)),
        steps=tuple(entry for entry in entries if isinstance(entry, Step)),
        footer=None if seconds is None else Footer("later", seconds, len(results), 0),
    )


def rows_of(record: Record, policy: Policy) -> dict[str, IndexRow]:
    (verdict,) = judge(record, policy).models
    view = index_model(record, verdict, "model-person.html")
    assert (view.model, view.href) == ("person", "model-person.html")
    return {row.label: row for row in view.rows}


def test_row(header: Header, entries: tuple[Entry, ...], policy: Policy) -> None:
    """A row gathers what several entries say about one variant."""
    row = rows_of(record_of(header, entries), policy)["float"]
    assert row.status is Status.PASS
    assert (row.ap_reference.text, row.ap.text, row.ap_delta.text) == (
        "0.1948",
        "0.1694",
        "-0.0254",
    )
    assert row.worse
    assert row.ap50.text == "0.4487"
    assert row.parity.text == "3.6e-04"
    assert row.parity_of == "box_encodings_max_abs_diff \u2264 0.001"
    assert row.unmatched == Figure("0 of 128", 0)
    assert row.size == Figure("12.18 MB", 12_180_000)
    assert (row.p50.text, row.p95.text, row.p50_beside.text) == ("9.75", "13.40", "5.75")
    assert row.href == "model-person.html#float"


def test_row_without_evidence(header: Header, policy: Policy) -> None:
    """A variant that left nothing is a row of dashes."""
    rows = rows_of(record_of(header, ()), policy)
    assert list(rows) == ["float", "int8"]
    row = rows["int8"]
    assert row.status is Status.UNKNOWN
    cells = (row.ap_reference, row.ap, row.ap_delta, row.ap50, row.parity, row.unmatched)
    assert {*cells, row.size, row.p50, row.p95, row.p50_beside} == {Figure("\u2014", None)}


@pytest.mark.parametrize(
    ("value", "order"),
    [
        (None, ""),
        (0.25, "0.25"),
        (7, "7"),
        (math.nan, "Infinity"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_what_rows_are_sorted_by(value: float | None, order: str) -> None:
    """The number as a script reads it; nothing without a measurement, the far end for NaN."""
    assert Figure("as it is written", value).order == order


def test_reference_is_the_first_row(
    header: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """The archive's own graph stands on top, without a difference to itself."""
    archive = CheckResult.judged(
        "archive", ModelKey("person", "reference"), (Measure("ok", True, Limit("equal", True, "")),)
    )
    rows = rows_of(record_of(header, (*entries, archive)), policy)
    assert list(rows) == ["reference", "float", "int8"]
    assert (rows["reference"].ap.text, rows["reference"].ap_delta.text) == ("0.1948", "\u2014")


def test_other_images_have_no_difference(
    header: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """AP of other images is shown, but not held against the reference."""
    changed = [
        dataclasses.replace(entry, images=40)
        if isinstance(entry, Accuracy) and entry.variant == "float"
        else entry
        for entry in entries
    ]
    row = rows_of(record_of(header, changed), policy)["float"]
    assert (row.ap.text, row.ap_delta.text) == ("0.1694", "\u2014")


def test_ap_of_the_check_when_nothing_else_says_it(header: Header, policy: Policy) -> None:
    """Without an accuracy entry, the measure of the check is shown."""
    result = CheckResult.judged("accuracy", FLOAT, (Measure("ap", 0.1912, Limit("min", 0.1, "")),))
    row = rows_of(record_of(header, (result,)), policy)["float"]
    assert row.ap == Figure("0.1912", 0.1912)


@pytest.mark.parametrize(
    ("values", "worst"),
    [
        ({"boxes": (0.5, 1.0), "scores": (0.09, 0.1)}, "0.09"),
        ({"boxes": (0.5, 1.0), "scores": (math.nan, 0.1)}, "NaN"),
        ({"boxes": (0.5, 0.0), "scores": (0.05, 0.1)}, "0.05"),
    ],
)
def test_worst_parity(
    header: Header, policy: Policy, values: dict[str, tuple[float, float]], worst: str
) -> None:
    """The output nearest to its limit is shown, not the one with the largest number."""
    measures = tuple(
        Measure(name, value, Limit("max", bound, "")) for name, (value, bound) in values.items()
    )
    result = CheckResult.judged("raw_parity", FLOAT, measures)
    assert rows_of(record_of(header, (result,)), policy)["float"].parity.text == worst


def test_latency_names_its_threads(
    write_run: Callable[..., Path], entries: tuple[Entry, ...], policy: Policy
) -> None:
    """Every figure says how many threads it was measured with; no column stands empty."""
    text = pages_of(render_run(write_run(entries), policy))["index.html"].text
    assert "p50, ms 1 thread" in text
    assert "p50, ms 2 threads" in text
    assert "12.18 MB 9.75 13.40 5.75" in text


def test_latency_of_one_kind_has_no_column_beside(
    write_run: Callable[..., Path], entries: tuple[Entry, ...], policy: Policy
) -> None:
    """Without a second number of threads, or without any latency, the table says no more."""
    one = [each for each in entries if not isinstance(each, Timing) or each.threads == 1]
    text = pages_of(render_run(write_run(one), policy))["index.html"].text
    assert "p50, ms 1 thread" in text
    assert "2 threads" not in text


def test_unmatched_without_total(header: Header, policy: Policy) -> None:
    """The number of compared detections may be missing."""
    measures = (Measure("unmatched_detections", 3, Limit("max", 5, "")),)
    result = CheckResult.judged("end_to_end_parity", FLOAT, measures)
    assert rows_of(record_of(header, (result,)), policy)["float"].unmatched == Figure("3", 3)


def test_time_table(header: Header, entries: tuple[Entry, ...]) -> None:
    """Steps, checks less the steps in them, and the remainder that nothing accounts for."""
    table = time_table(record_of(header, entries))
    rows = [(step, seconds, table.percent(seconds), old) for _, step, seconds, old in table.steps]
    assert rows == [
        ("export", 7.25, 12, False),
        ("checks", pytest.approx(3.0), 5, False),
        ("fetch", 0.02, 0, True),
    ]
    seconds = (table.accounted, table.total, table.remainder)
    assert seconds == pytest.approx((10.27, 60.0, 49.73))


def test_time_table_of_parallel_steps(header: Header) -> None:
    """Steps side by side take longer than the run; there is no remainder to name."""
    steps = [
        Step("person", Stage.EXPORT, "export", 50.0, False),
        Step("", Stage.LOAD, "load data set", 30.0, False),
    ]
    table = time_table(record_of(header, steps))
    assert table.remainder == -20
    assert table.steps[1][0] == "session"


def test_time_table_of_a_crash(header: Header) -> None:
    """Without footer the whole is unknown; shares are of what is known."""
    table = time_table(
        record_of(header, [Step("person", Stage.EXPORT, "export", 5.0, False)], seconds=None)
    )
    assert (table.total, table.remainder, table.percent(5.0)) == (None, None, 100)
    assert time_table(record_of(header, (), seconds=None)).steps == ()


def test_many_steps_unfold(write_run: Callable[..., Path], policy: Policy) -> None:
    """The shorter steps are kept apart, none is lost; side by side they leave no remainder."""
    steps = [
        Step("person", Stage.EXPORT, f"step {number}", float(number), False)
        for number in range(1, 21)
    ]
    page = render_run(write_run(steps), policy).read_text()
    shown, _, folded = page.partition("<summary>8 shorter steps</summary>")
    assert "<td>step 20</td>" in shown
    assert "<td>step 9</td>" in shown
    assert "<td>step 8</td>" in folded
    assert "<td>step 1</td>" in folded
    assert '<td class="n">\u2014<small>steps ran side by side</small>' in shown
