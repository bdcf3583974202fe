"""What of a file's latency is no longer as it was: how long calls take, and how many are slow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from validation.comparison.latency_shift import LatencyShift
from validation.comparison.slow_calls import SlowCalls
from validation.policy.load import Policy
from validation.record.baseline import Aspect, AspectChange, KeyPart, Outcome, Why
from validation.record.baseline_facts import SubjectFacts


def latency_change(
    before: SubjectFacts,
    now: SubjectFacts,
    shift: LatencyShift | None,
    differs: tuple[KeyPart, ...],
    has_file: bool,
    policy: Policy,
) -> AspectChange:
    """By how much longer calls take, or why that is not known.

    Args:
        before: Of the baseline.
        now: Of this run.
        shift: Of calls by turns; None where there are none.
        differs: What is not the same, so that latencies are not comparable.
        has_file: The baseline's file is at hand.
        policy: From what on a change counts.
    """
    medians = [_median(side) for side in (before, now)]

    def change(outcome: Outcome, why: Why | None = None, **found: Any) -> AspectChange:
        one, other = found.pop("medians", medians)
        return AspectChange(Aspect.LATENCY, outcome, _threads(now), one, other, why=why, **found)

    if differs:
        return change(Outcome.UNKNOWN, Why.OTHER_KEY, differs=differs)
    if before.sha256 and before.sha256 == now.sha256:
        return change(Outcome.SAME, Why.SAME_FILE)
    if shift is None:
        return change(Outcome.UNKNOWN, Why.NOT_MEASURED if has_file else Why.NO_FILE)
    found: dict[str, Any] = {
        "medians": (shift.before_ms, shift.after_ms),
        "interval": (shift.low, shift.high),
        "estimate": shift.estimate,
        "p_value": shift.p_value,
        "noise_floor": shift.noise_floor,
    }
    share = policy.setting("baseline_latency_share")
    return change(*_outcome(shift, share, policy.setting("baseline_p_value")), **found)


def slow_calls_change(
    now: SubjectFacts, found: SlowCalls | None, differs: tuple[KeyPart, ...], policy: Policy
) -> Iterator[AspectChange]:
    """How many more calls are slow; nothing where that was not timed: the latency says why.

    Args:
        now: Of this run.
        found: Of calls by turns; None where there are none.
        differs: What is not the same, so that latencies are not comparable.
        policy: From what on a change counts.
    """
    if found is None or differs:
        return
    share = policy.setting("baseline_slow_share")
    outcome, why = _outcome(found, share, policy.setting("baseline_p_value"))
    yield AspectChange(
        Aspect.SLOW_CALLS,
        outcome,
        _threads(now),
        found.before,
        found.after,
        interval=(found.low, found.high),
        estimate=found.estimate,
        p_value=found.p_value,
        noise_floor=found.noise_floor,
        why=why,
    )


def _outcome(
    found: LatencyShift | SlowCalls, share: float, level: float
) -> tuple[Outcome, Why | None]:
    """What counts reaches the share, is more than noise, and is sure by the rank test."""
    if math.isinf(found.noise_floor):
        return Outcome.UNKNOWN, Why.TOO_FEW_SAMPLES
    if found.noise_floor > share and not _is_beyond_noise(found, share):
        return Outcome.UNKNOWN, Why.NOISE
    counts = abs(found.estimate) >= max(share, found.noise_floor)
    if counts and found.p_value < level:
        return (Outcome.WORSE if found.estimate > 0 else Outcome.BETTER), None
    if -share <= found.low and found.high <= share:
        return Outcome.SAME, Why.WITHIN_SHARE
    return Outcome.UNKNOWN, Why.TOO_FEW_SAMPLES


def _is_beyond_noise(shift: LatencyShift | SlowCalls, share: float) -> bool:
    """The nearer end of the interval is further out than share and noise together."""
    return max(shift.low, -shift.high) > share + shift.noise_floor


def _median(side: SubjectFacts) -> float | None:
    return side.latencies[0].p50_ms if side.latencies else None


def _threads(side: SubjectFacts) -> str:
    return side.latencies[0].describe() if side.latencies else ""
