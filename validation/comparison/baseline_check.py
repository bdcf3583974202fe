"""Whether a file is still what it was in the baseline: what has changed, held against limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from validation.policy.load import Policy
from validation.record.baseline import (
    BASELINE_CHECK,
    Aspect,
    AspectChange,
    BaselineComparison,
    Outcome,
    Why,
)
from validation.record.baseline_words import counted, describe_change, why_text
from validation.record.types import CheckResult, Measure

# A message names so many changes; the page has all of them.
_MOST_NAMED = 3
_FIRST_NAMED = (Aspect.AP, Aspect.LATENCY)


def check_baseline(comparison: BaselineComparison, policy: Policy, accepted: str) -> CheckResult:
    """What is worse than in the baseline is judged; what is better is said.

    Args:
        comparison: Of the file.
        policy: Its limits: in_baseline, names_changed, shapes_changed, checks_worse,
            numbers_worse, ap_loss, ap_without_interval, size_growth, latency_growth,
            slow_calls_growth.
        accepted: Reason for which the baseline is replaced by this run, so that nothing is judged;
            empty where it is not.
    """
    key, message = comparison.key, _message(comparison)
    if accepted:
        replaced = f"not judged, as this run replaces the baseline ({accepted}); {message}"
        return CheckResult.unknown(BASELINE_CHECK, key, replaced)
    measures = [
        *Measure.limited(dict(_values(comparison)), policy, BASELINE_CHECK, key),
        *_of_ap(comparison, policy),
        *_gains(comparison),
    ]
    return CheckResult.judged(BASELINE_CHECK, key, tuple(measures), message=message)


def _values(comparison: BaselineComparison) -> Iterator[tuple[str, Any]]:
    """Those without an interval; what is not known has none."""
    is_new = any(comparison.of(Aspect.SUBJECT))
    yield "in_baseline", int(not is_new)
    if is_new:
        return
    yield "names_changed", _count(comparison, Aspect.NAMES, Outcome.CHANGED)
    yield "shapes_changed", _count(comparison, Aspect.SHAPES, Outcome.CHANGED)
    yield "checks_worse", _count(comparison, Aspect.CHECK, Outcome.WORSE)
    yield "numbers_worse", _count(comparison, Aspect.NUMBER, Outcome.WORSE)
    for change in comparison.of(Aspect.SIZE):
        if change.estimate is not None:
            yield "size_growth", max(change.estimate, 0.0)
    for change in comparison.of(Aspect.AP):
        if _is_without_interval(change):
            # Figures of other images may be equal by chance.
            is_other = change.why is Why.OTHER_IMAGES or change.before != change.after
            yield "ap_without_interval", int(is_other)
    for change in comparison.of(Aspect.LATENCY):
        if change.outcome is not Outcome.UNKNOWN:
            yield "latency_growth", max(change.estimate or 0.0, 0.0)
    for change in comparison.of(Aspect.SLOW_CALLS):
        if change.outcome is not Outcome.UNKNOWN:
            yield "slow_calls_growth", max(change.estimate or 0.0, 0.0)


def _count(comparison: BaselineComparison, aspect: Aspect, outcome: Outcome) -> int:
    return sum(change.outcome is outcome for change in comparison.of(aspect))


def _of_ap(comparison: BaselineComparison, policy: Policy) -> Iterator[Measure]:
    """Loss and gain, each with the interval that is judged; none where AP was not compared."""
    for change in comparison.of(Aspect.AP):
        if change.estimate is None or _is_without_interval(change):
            continue
        loss = -change.estimate
        interval = None
        if change.interval is not None:
            interval = (max(-change.interval[1], 0.0), max(-change.interval[0], 0.0))
        key = comparison.key
        limit = policy.limit(BASELINE_CHECK, "ap_loss", key.model, key.variant)
        yield Measure("ap_loss", max(loss, 0.0), limit, interval)


def _is_without_interval(change: AspectChange) -> bool:
    """It was measured in both runs, and how sure the difference is cannot be said."""
    if change.why is Why.TOO_FEW_IMAGES:
        return change.interval is None
    return change.why in (Why.NO_MATCHES, Why.OTHER_IMAGES)


def _gains(comparison: BaselineComparison) -> Iterator[Measure]:
    """What got better, and how sure the latency is: no limit judges it."""
    better = comparison.with_outcome(Outcome.BETTER)
    yield Measure("better", len(better))
    for change in comparison.of(Aspect.LATENCY):
        if change.noise_floor is not None:
            yield Measure("latency_noise_floor", change.noise_floor)


def _message(comparison: BaselineComparison) -> str:
    """What has changed, worst first, and what is not known: AP and latency before the rest."""
    order = (Outcome.WORSE, Outcome.CHANGED, Outcome.BETTER)
    moved = [each for outcome in order for each in comparison.with_outcome(outcome)]
    parts = [counted(Counter(each.outcome for each in comparison.changes))]
    parts += [f"{each.outcome}: {describe_change(each)}" for each in moved[:_MOST_NAMED]]
    if len(moved) > _MOST_NAMED:
        parts.append(f"and {len(moved) - _MOST_NAMED} more")
    unknown: list[AspectChange] = sorted(
        comparison.with_outcome(Outcome.UNKNOWN), key=lambda each: each.aspect not in _FIRST_NAMED
    )
    parts += [f"{_name(each)} is not known: {why_text(each)}" for each in unknown[:_MOST_NAMED]]
    if len(unknown) > _MOST_NAMED:
        parts.append(f"and {len(unknown) - _MOST_NAMED} more are not known")
    return "; ".join(parts)


def _name(change: AspectChange) -> str:
    """Latency needs no number of threads here."""
    named = change.what and change.aspect is not Aspect.LATENCY
    return f"{change.aspect} {change.what}" if named else str(change.aspect)
