"""What GitHub Actions is told: one line for each cause, which no name can turn into another."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from validation.policy.limits import Limit, Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult, Measure, ModelKey
from validation.report.workflow_commands import workflow_commands
from validation.signoff.findings import Cause, Finding, Verdict
from validation.signoff.rules import Judgement

_LIMIT = Limit("max", 0.01, "one point")
_COMMAND = re.compile(r"::(error|warning) title=([^:,]*)::(.*)")


def _finding(key: ModelKey, status: Status, check: str = "accuracy", message: str = "") -> Finding:
    measure = Measure("ap_drop", 0.08, _LIMIT)
    result = CheckResult(check, key.model, key.variant, status, (measure,), message=message)
    measures = (measure,) if status is Status.FAIL else ()
    return Finding(status, Cause.RESULT, key, check, result, measures)


def _commands(*findings: Finding) -> list[tuple[str, ...]]:
    lines = workflow_commands(Judgement(Verdict(Status.FAIL, findings), ()))
    found = [_COMMAND.fullmatch(line) for line in lines]
    # The runner undoes the escapes as a browser does those of an address.
    return [tuple(map(urllib.parse.unquote, each.groups())) for each in found if each]


def test_one_for_each_cause() -> None:
    """Eight files with one fault are one line, and UNKNOWN is an error, as its exit code says."""
    keys = [ModelKey(f"m{number}", "int8") for number in range(8)]
    commands = _commands(
        *(_finding(key, Status.FAIL) for key in keys),
        _finding(keys[0], Status.UNKNOWN, "latency", "not measured"),
        _finding(keys[0], Status.WARN, "evidence", "few images"),
    )
    assert commands == [
        (
            "error",
            "FAIL: accuracy",
            "m0-int8, m1-int8, m2-int8, m3-int8 and 4 more: "
            "ap_drop is 0.08, should be at most 0.01",
        ),
        ("error", "UNKNOWN: latency", "m0-int8: not measured"),
        ("warning", "WARN: evidence", "m0-int8: few images"),
    ]


def test_what_is_wrong_is_said() -> None:
    """Behind what happened, with the next step."""
    key = ModelKey("m", "int8")
    wrong = Diagnosis("m", "int8", FaultKind.MIRRORED, Place.FEED, DiagnosedBy.HYPOTHESIS)
    ((_, _, message),) = _commands(replace(_finding(key, Status.FAIL), diagnoses=(wrong,)))
    assert message.endswith(
        "; diagnosis: feed: images are mirrored; next step: feed the image as it is"
    )


def test_no_more_than_are_shown() -> None:
    """GitHub shows ten errors of a step: the last one counts those that are left."""
    key = ModelKey("m", "int8")
    commands = _commands(
        *(_finding(key, Status.UNKNOWN, "latency", f"cause {n}") for n in range(30))
    )
    assert len(commands) == 10
    assert commands[-1] == ("error", "validation", "21 more causes, see the log")


def test_a_run_that_passed_says_nothing() -> None:
    """A note of a PASS is no warning."""
    assert workflow_commands(Judgement(Verdict(Status.PASS), ())) == ()


@given(st.text(min_size=1), st.text(st.characters(codec="utf-8"), min_size=1))
def test_names_stay_inside(name: str, message: str) -> None:
    """One line, one command; what the runner reads back is what the terminal would show."""
    finding = _finding(ModelKey(name, "int8"), Status.UNKNOWN, "latency", message)
    judgement = Judgement(Verdict(Status.UNKNOWN, (finding,)), ())
    (line,) = workflow_commands(judgement)
    assert line.isprintable()
    found = _COMMAND.fullmatch(line)
    assert found is not None
    assert found[2] == "UNKNOWN%3A latency"
    assert "::" not in found[2]
