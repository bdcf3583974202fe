"""Ranges of FakeQuant nodes that values show to be wrong, each by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from validation.comparison.fake_quant_ranges import CHECK
from validation.errors import first_few
from validation.export.fake_quant_facts import FakeQuantFacts, MeasuredRange
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place, of_subject
from validation.record.types import CheckResult, Measure, ModelKey

_OUTSIDE, _UNUSED = "activation_outside_share", "activation_range_factor"
_FEW = 3


def with_measured(
    result: CheckResult, measured: Sequence[MeasuredRange], policy: Policy
) -> CheckResult:
    """The lint's result, with what images show of the ranges.

    Args:
        result: Of `check_fake_quant`.
        measured: Of every range that is sound; () where nothing was run.
        policy: Its limits of a share outside, and of how many times too wide a range may be.
    """
    if not measured:
        return result
    worst = {
        _OUTSIDE: max(each.outside_share for each in measured),
        _UNUSED: max(each.factor for each in measured),
    }
    measures = Measure.limited(worst, policy, CHECK, result.key)
    faults = [
        f"{each.name} [{each.minimum:.4g}, {each.maximum:.4g}] is given {_given(each)}"
        for each in measured
        if _is_wrong(each, policy, result.key)
    ]
    words = [result.message] if result.message else []
    words += [f"ranges that do not fit their values: {first_few(faults, _FEW)}"] if faults else []
    return CheckResult.judged(
        result.check,
        result.key,
        (*result.measures, *measures),
        where=result.where,
        message="; ".join(words),
    )


def range_faults(
    facts: FakeQuantFacts,
    measured: Sequence[MeasuredRange],
    policy: Policy,
    key: ModelKey,
    place: Place,
) -> tuple[Diagnosis, ...]:
    """One diagnosis for each range that is empty, or that the values on its way do not fit.

    Args:
        facts: Of the graph.
        measured: See `with_measured`.
        policy: See `with_measured`.
        key: Model and variant.
        place: What the ranges are of.
    """
    found = []
    for each in (*facts.weights, *facts.ranges):
        ends = each.minimum, each.maximum
        if not all(map(math.isfinite, ends)):
            found.append(_diagnosis(FaultKind.NOT_FINITE, place, each.name, None, None))
        elif each.minimum >= each.maximum:
            fault, wanted = FaultKind.FAKE_QUANT_RANGE, "a range with two ends"
            found.append(_diagnosis(fault, place, each.name, wanted, list(ends)))
    for other in measured:
        if _is_wrong(other, policy, key):
            fault, got = FaultKind.FAKE_QUANT_RANGE, [other.minimum, other.maximum]
            found.append(_diagnosis(fault, place, other.name, f"about {_given(other)}", got))
    return of_subject(found, key)


def _is_wrong(measured: MeasuredRange, policy: Policy, key: ModelKey) -> bool:
    values = {_OUTSIDE: measured.outside_share, _UNUSED: measured.factor}
    measures = Measure.limited(values, policy, CHECK, key)
    return any(each.status is not Status.PASS for each in measures)


def _given(measured: MeasuredRange) -> str:
    return f"{measured.low:.4g} to {measured.high:.4g}"


def _diagnosis(
    fault: FaultKind, place: Place, where: str, expected: object, got: object
) -> Diagnosis:
    return Diagnosis("", "", fault, place, DiagnosedBy.ABSOLUTE, where, expected, got)
