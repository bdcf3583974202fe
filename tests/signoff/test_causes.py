"""Each cause once: what is the same wherever it happened, and which of several is the worst."""

from __future__ import annotations

import math

import pytest

from validation.policy.limits import Limit, Status
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.causes import FindingGroup, Span, grouped_findings, grouped_reasons
from validation.signoff.findings import Cause, Finding

_KEYS = tuple(ModelKey("m", variant) for variant in ("float", "int8", "dynamic"))
_AT_MOST = Limit("max", 40.0, "why", warn=33.0)


def _finding(key: ModelKey, *measures: Measure, message: str = "") -> Finding:
    result = CheckResult.judged("latency", key, measures, message=message)
    decisive = tuple(each for each in measures if each.status is result.status)
    return Finding(result.status, Cause.RESULT, key, "latency", result, decisive)


def _latencies(*values: float) -> list[Finding]:
    return [
        _finding(key, Measure("p95_ms", value, _AT_MOST))
        for key, value in zip(_KEYS, values, strict=False)
    ]


def test_where_only_figures_differ_it_is_one_cause() -> None:
    """One line with the worst, the range, and how many files it touches."""
    assert grouped_reasons(_latencies(35.0, 39.0, 34.0)) == [
        "m-float latency, m-int8 latency and 1 more: worst of 3 files m-int8: p95_ms is 39, "
        "inside its limit (at most 40) but beyond 33; p95_ms 34.00 ms to 39.00 ms"
    ]


def test_messages_with_figures_are_one_cause() -> None:
    """Of several messages that of the worst is shown."""
    findings = [
        _finding(key, Measure("drop", drop, Limit("max", 0.01, "why")), message=f"AP {1 - drop}")
        for key, drop in zip(_KEYS, (0.25, 0.5), strict=False)
    ]
    (group,) = grouped_findings(findings)
    assert group.text.startswith("worst of 2 files m-int8: AP 0.5; drop is 0.5")
    assert group.spans == (Span("drop", 0.25, 0.5),)
    assert list(group.touched) == list(_KEYS[:2])


def test_another_status_or_measure_is_another_cause() -> None:
    """Beyond its limit, inside of it, and another measure."""
    other = _finding(_KEYS[2], Measure("p50_ms", 35.0, _AT_MOST))
    groups = grouped_findings([*_latencies(41.0, 35.0), other])
    assert [(group.status, len(group.findings)) for group in groups] == [
        (Status.FAIL, 1),
        (Status.WARN, 1),
        (Status.WARN, 1),
    ]


def test_too_few_images_is_another_cause_than_a_warning() -> None:
    """Undecided by its interval, and beyond the value that warns."""
    limit = Limit("max", 0.02, "why", warn=0.01)
    undecided = _finding(_KEYS[0], Measure("lost_share", 0.0, limit, interval=(0.0, 0.06)))
    warned = _finding(_KEYS[1], Measure("lost_share", 0.015, limit, interval=(0.012, 0.019)))
    assert len(grouped_findings([undecided, warned])) == 2


@pytest.mark.parametrize(
    ("limits", "values", "worst"),
    [
        (("max", "max"), (5.0, 9.0), 1),
        (("min", "min"), (0.5, 0.25), 1),
        (("max", "max"), (9.0, math.nan), 1),
        (("equal", "equal"), (2, 3), 0),
    ],
)
def test_the_worst(limits: tuple[str, str], values: tuple[float, float], worst: int) -> None:
    """The furthest beyond its limit; a value that is not a number is worse than any."""
    findings = tuple(
        _finding(key, Measure("value", value, Limit(relation, 1.0, "why")))
        for key, relation, value in zip(_KEYS, limits, values, strict=False)
    )
    assert FindingGroup(findings).worst is findings[worst]


@pytest.mark.parametrize(
    ("limits", "values", "worst"),
    [
        # As a share of each limit: 3 of 2 is more than 15 of 12.
        ((Limit("max", 2.0, "why"), Limit("max", 12.0, "why")), (3.0, 15.0), 0),
        # A limit of 0 has no shares.
        ((Limit("max", 0.0, "why"), Limit("max", 1.0, "why")), (0.5, 9.0), 0),
        ((Limit("max", -4.0, "why"), Limit("max", -1.0, "why")), (-2.0, 1.0), 1),
        # What is inside its limit is held against the value that warns.
        ((_AT_MOST, _AT_MOST), (34.0, 39.0), 1),
        ((Limit("max", 40.0, "why", warn=10.0), _AT_MOST), (30.0, 39.0), 0),
    ],
)
def test_the_worst_is_measured_by_its_limit(
    limits: tuple[Limit, Limit], values: tuple[float, float], worst: int
) -> None:
    """What counts is how far a value is beyond what it should be."""
    findings = tuple(
        _finding(key, Measure("value", value, limit))
        for key, value, limit in zip(_KEYS, values, limits, strict=False)
    )
    assert FindingGroup(findings).worst is findings[worst]
    assert FindingGroup(findings[::-1]).worst is findings[worst]


def test_a_range_is_of_numbers() -> None:
    """NaN and infinity are no ends of it."""
    (group,) = grouped_findings(_latencies(45.0, math.inf, 50.0))
    assert group.spans == (Span("p95_ms", 45.0, 50.0),)


def test_checks_of_a_cause() -> None:
    """Each once, and nothing of a finding that is about no check."""
    unfinished = Finding(Status.UNKNOWN, Cause.UNFINISHED)
    group = FindingGroup((*_latencies(45.0, 50.0), unfinished))
    assert group.checks == ("latency",)
