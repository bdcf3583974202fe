"""Which measures of a file's checks are no longer what they were, and which way that is worse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.baseline import BASELINE_CHECK, Aspect, AspectChange, Outcome, Why
from validation.record.baseline_facts import SubjectFacts

# Judged as aspects of their own: samples of two runs are not comparable, and AP has an interval.
_WHOLE_CHECKS = ("latency", BASELINE_CHECK)
_OTHERWISE_JUDGED: Mapping[str, frozenset[str]] = {
    "accuracy": frozenset({"ap", "ap50", "ap_drop", "ap_gain", "ap50_drop", "lowest_ap"}),
}
_GROWS = {"max": Outcome.WORSE, "min": Outcome.BETTER}
_SHRINKS = {"max": Outcome.BETTER, "min": Outcome.WORSE}


def compared_numbers(
    before: SubjectFacts,
    now: SubjectFacts,
    limits: Mapping[tuple[str, str], Limit | None],
    policy: Policy,
) -> Iterator[AspectChange]:
    """Those that have moved, come or gone; one entry that says so where none has.

    Args:
        before: Of the baseline.
        now: Of this run.
        limits: Of this run's measures, by check and measure: which way is worse.
        policy: By which share of its limit a figure has to move.
    """
    share, compared, moved = policy.setting("baseline_number_share"), 0, 0
    was = {each.check: each.values for each in before.checks}
    for check in now.checks:
        one, other = was.get(check.check, {}), check.values
        # A check that measured nothing says so by its status.
        if check.check in _WHOLE_CHECKS or not one or not other:
            continue
        left_out = _OTHERWISE_JUDGED.get(check.check, frozenset())
        for name in dict.fromkeys([*one, *other]):
            if name in left_out:
                continue
            compared += 1
            limit = limits.get((check.check, name))
            outcome, why = _moved(name, one, other, limit, share)
            if outcome is not Outcome.SAME:
                moved += 1
                what = f"{check.check}.{name}"
                yield AspectChange(
                    Aspect.NUMBER, outcome, what, one.get(name), other.get(name), why=why
                )
    if not moved:
        outcome = Outcome.SAME if compared else Outcome.UNKNOWN
        yield AspectChange(Aspect.NUMBER, outcome, why=None if compared else Why.NOT_MEASURED)


def _moved(
    name: str, one: Mapping[str, Any], other: Mapping[str, Any], limit: Limit | None, share: float
) -> tuple[Outcome, Why | None]:
    if name not in one:
        return Outcome.CHANGED, Why.NEW
    if name not in other:
        return Outcome.UNKNOWN, Why.GONE
    return _number(one[name], other[name], limit, share), None


def _number(one: Any, other: Any, limit: Limit | None, share: float) -> Outcome:
    if _plain(one) == _plain(other) or (_is_nan(one) and _is_nan(other)):
        return Outcome.SAME
    relation = limit.relation if limit is not None else ""
    if relation in _GROWS and _is_known(one) is not _is_known(other):
        # NaN, infinity and None keep no limit, in whichever direction it holds.
        return Outcome.BETTER if _is_known(other) else Outcome.WORSE
    if relation == "equal" or not (_is_known(one) and _is_known(other)):
        return Outcome.CHANGED
    bound = limit.bound if limit is not None and _is_number(limit.bound) else None
    scale = abs(bound) if bound else max(abs(one), abs(other))
    if abs(other - one) <= share * scale:
        return Outcome.SAME
    return (_GROWS if other > one else _SHRINKS).get(relation, Outcome.CHANGED)


def _is_known(value: Any) -> bool:
    """A number that can be compared with others."""
    return _is_number(value) and math.isfinite(value)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """Tuples as the lists that JSON makes of them."""
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value
