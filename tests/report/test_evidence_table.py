"""The first page shows what verdicts rest on, once for files with the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from run_pages import pages_of, render_run

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.report.evidence_table import evidence_table

FLOAT, INT8 = ModelKey("person", "float"), ModelKey("person", "int8")
GIVEN = ModelKey("person", "int8", "detect.tflite")
_LIMITS = {
    "images": Limit("min", 50, "few", beyond=Status.UNKNOWN),
    "canaries": Limit("min", 0, "", 1),
}


def _result(key: ModelKey, values: Mapping[str, int], message: str = "") -> CheckResult:
    measures = tuple(Measure(name, value, _LIMITS.get(name)) for name, value in values.items())
    return CheckResult.judged("evidence", key, measures, message=message)


def _table_of(header: Header, *results: CheckResult) -> list[tuple[object, ...]]:
    rows = evidence_table(Record(header, results=results)).rows
    return [(each.files, each.status, each.values, each.message) for each in rows]


def test_files_with_the_same_share_a_row(header: Header) -> None:
    """A file with less has its own, also where its form is a variant's."""
    found = _table_of(
        header,
        _result(FLOAT, {"images": 80, "canaries": 4}),
        _result(INT8, {"images": 80, "canaries": 4}),
        _result(GIVEN, {"images": 8, "canaries": 4, "routes": 1}, "no second route"),
    )
    assert found == [
        (("float", "int8"), Status.PASS, ("80", "4", "\u2014"), ""),
        (("detect.tflite",), Status.UNKNOWN, ("8", "4", "1"), "no second route"),
    ]


def test_what_was_found_nowhere_has_no_column(header: Header) -> None:
    """It is named in one sentence; what one file has is a column of all."""
    limit = Limit("max", 0, "", beyond=Status.WARN)

    def result(key: ModelKey, assumed: int) -> CheckResult:
        values = {"images": 80, "feed_assumed": assumed, "outputs_assumed": 0}
        limits = {**dict.fromkeys(values, limit), **_LIMITS}
        measures = tuple(Measure(name, value, limits[name]) for name, value in values.items())
        return CheckResult.judged("evidence", key, measures)

    table = evidence_table(Record(header, results=(result(FLOAT, 0), result(GIVEN, 1))))
    assert table.columns == ("images", "feed assumed")
    assert table.nowhere == ("outputs assumed",)
    assert [row.values for row in table.rows] == [("80", "0"), ("80", "1")]


def test_a_pass_that_its_measures_contradict(header: Header) -> None:
    """The row says what the judge makes of it, not what the record claims."""
    forged = dataclasses.replace(_result(FLOAT, {"images": 8}), status=Status.PASS)
    assert [status for _, status, *_ in _table_of(header, forged)] == [Status.UNKNOWN]


def test_it_is_on_the_first_page(
    write_run: Callable[..., Path], entries: tuple[Entry, ...], policy: Policy
) -> None:
    """With what is lacking."""
    found = (*entries, _result(FLOAT, {"images": 80, "canaries": 0}, "no canary"))
    text = pages_of(render_run(write_run(found), policy))["index.html"].text
    assert (
        "What the verdicts rest on, file by file Model and files Enough images canaries "
        "What is lacking person float WARN 80 0 no canary" in text
    )


def test_without_the_check_there_is_no_table(
    write_run: Callable[..., Path], entries: tuple[Entry, ...], policy: Policy
) -> None:
    """An empty table would look like a finding."""
    text = pages_of(render_run(write_run(entries), policy))["index.html"].text
    assert "What the verdicts rest on, file by file" not in text
