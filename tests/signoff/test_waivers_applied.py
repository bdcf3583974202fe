"""What waivers leave of a judgement: nothing is accepted that they do not name."""

from __future__ import annotations

import dataclasses

import pytest

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.findings import Cause
from validation.signoff.rules import judge
from validation.signoff.waivers import Waived, Waiver, apply_waivers, problems_of

_KEY, _OTHER = ModelKey("m", "int8"), ModelKey("m", "float")
_BAD = Measure("drop", 2.0, Limit("max", 1.0, "test"))
_UNKNOWN = Measure("images", 1, Limit("min", 20, "test", beyond=Status.UNKNOWN))
_GOOD = Measure("gain", 0.0, Limit("max", 1.0, "test"))
_POLICY = Policy((), {}, {"accuracy": ("*",)}, "")
_TODAY = "2026-01-03"
_DAY = "2026-06-30"
_WAIVER = Waiver("m", "int8", "accuracy", "calibrated anew", _DAY, "John Doe")


def _result(*measures: Measure, key: ModelKey = _KEY, check: str = "accuracy") -> CheckResult:
    return CheckResult.judged(check, key, measures)


def _applied(*results: CheckResult, waivers: tuple[Waiver, ...], exit_code: int = 1) -> Waived:
    header = Header("run", "now", (_KEY,), {}, {}, {}, "")
    record = Record(header, results, footer=Footer("then", 1.0, len(results), exit_code))
    return apply_waivers(record, judge(record, _POLICY), waivers, _TODAY)


@pytest.mark.parametrize(("measure", "status"), [(_BAD, Status.FAIL), (_UNKNOWN, Status.UNKNOWN)])
def test_what_is_not_accepted_keeps_its_status(measure: Measure, status: Status) -> None:
    """Without a waiver, with one of another check, and beside one that is used."""
    other = dataclasses.replace(_WAIVER, check="latency")
    code = int(status is Status.FAIL)
    for waivers in ((), (other,)):
        assert _applied(_result(measure), waivers=waivers, exit_code=code).status is status
    both = (_result(_BAD), _result(measure, key=_OTHER))
    left = _applied(*both, waivers=(_WAIVER,))
    assert (left.status, [each.key for each in left.open]) == (status, [_OTHER])


def test_a_failure_outranks_what_is_not_known() -> None:
    """Both are left: it is a FAIL."""
    results = (_result(_UNKNOWN), _result(_BAD, key=_OTHER))
    assert _applied(*results, waivers=()).status is Status.FAIL


def test_a_waiver_covers_its_own_problems() -> None:
    """And is listed with these alone."""
    float_waiver = dataclasses.replace(_WAIVER, variant="float")
    found = _applied(_result(_BAD), _result(_BAD, key=_OTHER), waivers=(_WAIVER, float_waiver))
    assert found.status is Status.PASS
    assert [[each.key for each in own] for own in found.covered] == [[_KEY], [_OTHER]]


@pytest.mark.parametrize(
    ("exit_code", "status", "cause"),
    [
        (1, Status.PASS, None),
        (2, Status.UNKNOWN, Cause.INTERRUPTED),
        (3, Status.UNKNOWN, Cause.EXIT_CODE),
    ],
)
def test_how_the_session_ended_cannot_be_accepted(
    exit_code: int, status: Status, cause: Cause | None
) -> None:
    """A failed check explains an exit code of 1, and no other."""
    found = _applied(_result(_BAD), waivers=(_WAIVER,), exit_code=exit_code)
    assert found.status is status
    assert [each.cause for each in found.unwaivable] == ([] if cause is None else [cause])


def test_problems_of_a_finding() -> None:
    """Each measure outside of its limit; of a result that no measure explains the result itself."""
    (finding,) = judge(
        Record(
            Header("run", "now", (_KEY,), {}, {}, {}, ""),
            (_result(_GOOD, _BAD, _UNKNOWN),),
            footer=Footer("then", 1.0, 1, 1),
        ),
        _POLICY,
    ).run.findings
    assert [(each.measure, each.status) for each in problems_of(finding)] == [
        ("drop", Status.FAIL),
        ("images", Status.UNKNOWN),
    ]
    failed = dataclasses.replace(finding, result=CheckResult.failed("accuracy", _KEY, "no file"))
    (own,) = problems_of(failed)
    assert (own.measure, own.status) == ("", Status.FAIL)
