"""What calls of two files by turns say, by the policy: how much longer, and how many are slow."""

from __future__ import annotations

from validation.comparison.latency_shift import LatencyShift, latency_shift
from validation.comparison.slow_calls import SlowCalls, slow_calls
from validation.policy.load import Policy
from validation.record.baseline import LatencyTrial


def judged_trial(trial: LatencyTrial, policy: Policy) -> tuple[LatencyShift, SlowCalls]:
    """Both facts, of the same blocks.

    Args:
        trial: As it was measured, or as a record has it.
        policy: Says from what on a call is slow.

    Raises:
        RecordError: Samples that cannot be compared.
    """
    shift = latency_shift(trial.blocks)
    factor = policy.setting("baseline_slow_factor")
    least = int(policy.setting("baseline_slow_calls"))
    return shift, slow_calls(trial.blocks, shift, factor, least)
