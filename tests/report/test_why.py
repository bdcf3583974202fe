"""Why the verdict is what it is: each cause once, linked to where more is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from run_pages import pages_of, render_run

from validation.errors import ArtefactError
from validation.isolation.crash import Crash, Ending, ended_before, ended_in
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.lines import Entry
from validation.record.types import CheckResult, Measure, ModelKey
from validation.report.why import Headline, Link, Why, headline, why_rows
from validation.signoff.causes import Span, grouped_findings
from validation.signoff.findings import Cause, Finding, Verdict
from validation.specs.variants import VARIANTS

FLOAT, INT8, RAW = (ModelKey("m", variant) for variant in ("float", "int8", "raw"))
PAGES = {"m": "model-m.html"}
LIMIT = Limit("max", 1, "why")


def _finding(key: ModelKey, check: str, value: float = 2.0, message: str = "") -> Finding:
    result = CheckResult.judged(check, key, (Measure("value", value, LIMIT),), message=message)
    return Finding(result.status, Cause.RESULT, key, check, result, result.measures)


def _stopped(key: ModelKey, check: str, error: Exception) -> Finding:
    return Finding(Status.FAIL, Cause.RESULT, key, check, CheckResult.stopped(check, key, error))


def _rows(*findings: Finding) -> tuple[Why, ...]:
    return why_rows(Verdict(findings[0].status, findings), PAGES)


def test_what_one_check_found_alike_is_one_case() -> None:
    """With a link to its place for each file that it touches."""
    (row,) = _rows(_finding(FLOAT, "accuracy"), _finding(INT8, "accuracy"))
    (case,) = row.cases
    assert (row.status, row.title) == (Status.FAIL, "accuracy")
    assert case.touched == (
        Link("float", "model-m.html#float-accuracy"),
        Link("int8", "model-m.html#int8-accuracy"),
    )
    assert [each.name for each in case.measures] == ["value"]
    assert row.full == (
        "m-float: accuracy: value is 2, should be at most 1",
        "m-int8: accuracy: value is 2, should be at most 1",
    )


def test_a_case_says_what_is_wrong() -> None:
    """The most direct first, and where the others are."""
    tried = Diagnosis("m", "float", FaultKind.NMS, Place.EXPORT, DiagnosedBy.HYPOTHESIS)
    direct = replace(tried, fault=FaultKind.EPSILON, by=DiagnosedBy.FILE_DIFF)
    said = replace(_finding(FLOAT, "accuracy"), diagnoses=(tried, direct))
    (row,) = _rows(said)
    (case,) = row.cases
    assert case.diagnoses == (direct, tried)
    assert case.further == Link("1 more diagnosis", "model-m.html#diagnosis")
    (alone,) = _rows(replace(said, diagnoses=(direct,)))[0].cases
    assert (alone.diagnoses, alone.further) == ((direct,), None)
    # One that was stopped by an error has its text alone.
    stopped = replace(_stopped(RAW, "latency", ArtefactError("gone")), diagnoses=(tried,))
    assert _rows(stopped)[0].cases[0].diagnoses == (tried,)


def test_one_check_with_other_figures_is_one_case() -> None:
    """With the worst of them, the range of all, and every file that it touches."""
    (row,) = _rows(
        _finding(FLOAT, "accuracy", 2.0, "AP 0.4"), _finding(INT8, "accuracy", 3.0, "AP 0.3")
    )
    (case,) = row.cases
    assert (case.text, case.worst) == ("AP 0.3", Link("int8", "model-m.html#int8-accuracy"))
    assert [each.value for each in case.measures] == [3.0]
    assert case.spans == (Span("value", 2.0, 3.0),)
    assert [each.text for each in case.touched] == ["float", "int8"]
    assert [line.partition(": ")[0] for line in row.full] == ["m-float", "m-int8"]


def test_what_is_beyond_another_limit_is_another_case_of_its_row() -> None:
    """Another measure is another case; another check is another row, and so is another weight."""
    warned = Finding(
        Status.WARN, Cause.RESULT, RAW, "accuracy", CheckResult.unknown("accuracy", RAW, "few")
    )
    other = CheckResult.judged("accuracy", INT8, (Measure("other", 3.0, LIMIT),))
    rows = _rows(
        _finding(FLOAT, "accuracy", 2.0),
        Finding(Status.FAIL, Cause.RESULT, INT8, "accuracy", other, other.measures),
        _finding(INT8, "latency", 3.0),
        warned,
    )
    assert [(row.status, row.title, len(row.cases)) for row in rows] == [
        (Status.FAIL, "accuracy", 2),
        (Status.FAIL, "latency", 1),
        (Status.WARN, "accuracy", 1),
    ]


def test_an_error_that_stopped_many_checks_is_said_once() -> None:
    """It leads to the file as a whole."""
    error = ArtefactError("the archive is damaged")
    stopped = [_stopped(key, check, error) for key in (FLOAT, INT8) for check in ("a", "b", "c")]
    (row,) = _rows(*stopped)
    assert row.title == "3 checks"
    assert row.cases[0].text == "ArtefactError: the archive is damaged"
    assert row.touched == (
        Link("float", "model-m.html#float"),
        Link("int8", "model-m.html#int8"),
    )
    assert len(row.full) == 6


def test_a_crash_and_what_was_not_tried_again_are_one_cause() -> None:
    """In the words of the crash itself; another crash is another cause."""
    crash = Crash(Ending.SIGNAL, 11, step="run int8", kept="crashes/a")
    other = Crash(Ending.SIGNAL, 11, step="run int8", kept="crashes/b")
    groups = grouped_findings(
        [
            _stopped(INT8, "a", ended_in("this check", crash)),
            _stopped(INT8, "b", ended_before(crash)),
            _stopped(INT8, "c", ended_before(other)),
        ]
    )
    assert [group.checks for group in groups] == [("a", "b"), ("c",)]
    assert "the process of this check was ended by signal 11 (SIGSEGV)" in groups[0].text
    assert groups[0].touched == {INT8: ("a", "b")}


def test_few_measures_stand_beside_a_message() -> None:
    """How many others decided is said; all of them are in the full text."""
    measures = tuple(Measure(name, 2.0, LIMIT) for name in "abcd")
    result = CheckResult.judged("parity", FLOAT, measures, message="far off")
    (row,) = _rows(Finding(Status.FAIL, Cause.RESULT, FLOAT, "parity", result, measures))
    (case,) = row.cases
    assert (case.text, [each.name for each in case.measures], case.more) == (
        "far off",
        ["a", "b"],
        2,
    )
    assert all(f"{name} is 2, should be at most 1" in row.full[0] for name in "abcd")


def test_headline() -> None:
    """The worst causes alone, of the same files together; what is left out is counted."""
    verdict = Verdict(
        Status.FAIL,
        (
            _finding(FLOAT, "a"),
            _finding(INT8, "a"),
            *(_finding(RAW, check) for check in "bcd"),
            Finding(Status.UNKNOWN, Cause.UNFINISHED),
        ),
    )
    assert headline(verdict, why_rows(verdict, PAGES)) == Headline(
        "Not to be signed:",
        (
            ((Link("a", "model-m.html#float-a"),), "of 2 files"),
            ((Link("b", "model-m.html#raw-b"), Link("c", "model-m.html#raw-c")), "of raw"),
        ),
        1,
    )


def test_headline_of_the_run_itself() -> None:
    """What is about no file is said in words, and leads nowhere."""
    verdict = Verdict(Status.UNKNOWN, (Finding(Status.UNKNOWN, Cause.UNFINISHED),))
    said = headline(verdict, why_rows(verdict, PAGES))
    assert said.causes == (((Link("the run did not end: its record has no footer", ""),), ""),)
    assert headline(Verdict(Status.PASS), ()) == Headline("All required checks passed.", (), 0)


def test_links_lead_to_the_check(
    write_run: Callable[..., Path], entries: tuple[Entry, ...], policy: Policy
) -> None:
    """From the sentence beside the verdict and from the list below it."""
    pages = pages_of(render_run(write_run(entries), policy))
    href = "model-person.html#int8-raw_parity"
    assert pages["index.html"].values("href").count(href) == 2
    assert "int8-raw_parity" in pages["model-person.html"].values("id")


def test_every_file_is_linked_whatever_its_figures(
    write_run: Callable[..., Path], policy: Policy
) -> None:
    """The worst is shown with its figures and the range of all; each file leads to its place."""
    keys = [ModelKey("person", variant) for variant in ("float", "int8", "raw", "dynamic")]
    results = [
        CheckResult.judged("latency", key, (Measure("value", 2.0 + number, LIMIT),))
        for number, key in enumerate(keys)
    ]
    pages = pages_of(render_run(write_run(results), policy))
    links = pages["index.html"].values("href")
    assert all(f"model-person.html#{key.variant}-latency" in links for key in keys)
    assert "worst of 4 files, dynamic : value 5" in pages["index.html"].text
    assert "all of them: value 2 to 5" in pages["index.html"].text


@pytest.mark.parametrize("values", [(2.0,) * 9, (2.0, 3.0, *(4.0,) * 8)])
def test_many_files_of_one_cause_are_all_linked(
    write_run: Callable[..., Path], policy: Policy, values: tuple[float, ...]
) -> None:
    """Six beside the cause; the others are counted there and unfold."""
    keys = [ModelKey("person", variant) for variant in list(VARIANTS)[: len(values)]]
    results = [
        CheckResult.judged("latency", key, (Measure("value", value, LIMIT),))
        for key, value in zip(keys, values, strict=True)
    ]
    page = pages_of(render_run(write_run(results), policy))["index.html"]
    links = page.values("href")
    assert [key for key in keys if f"model-person.html#{key.variant}-latency" not in links] == []
    count = len(values) - 6
    assert f"and {count} more" in page.text
    assert f"{count} more files " in page.text
