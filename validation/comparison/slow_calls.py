"""How many calls of a file are slow that are not slow of another one: of calls made by turns.

A latency is judged by each block's quickest call, and that of a file that is slow in some of its
calls only is as quick as ever. What tells such a file from a busy machine, where a third of all
calls and more is interrupted, is the baseline's file beside it: as many of its calls are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.latency_shift import LatencyShift
from validation.comparison.rank_test import (
    pseudo_median,
    pseudo_median_interval,
    signed_rank_p,
)
from validation.record.baseline import LatencyBlock


@dataclass(frozen=True)
class SlowCalls:
    """What was found; shares of calls, of which 0.2 is one call of five.

    The baseline's file, which is there twice, is the control: estimate, interval and noise floor
    are shares of the calls that are not slow of it (Abbott's formula). So one call of five that a
    file is slow in is 0.2, however many calls the machine interrupts.

    Args:
        estimate: Of the calls that are not slow of the baseline's file: how many are of this run's.
        low: Lower end of the 95 % interval of it.
        high: Its upper end.
        p_value: Of the rank test that both have as many.
        noise_floor: The most that the baseline's file may differ from itself by: the end of its own
            95 % interval that is further from 0. What a file that takes longer is interrupted more
            often by is added.
        before: Slow ones of all calls of the baseline's file.
        after: Of this run's.
        pairs: How many there are; of few calls a block several blocks make one.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    noise_floor: float
    before: float
    after: float
    pairs: int


def slow_calls(
    blocks: Sequence[LatencyBlock], shift: LatencyShift, factor: float, least_calls: int
) -> SlowCalls:
    """Count slow calls, block by block, and judge pairs of the shares.

    A call is slow that takes so many times as long as the quickest one of the block. This one is
    looked for in all three arms, as a block of a slow model has one call of each; a file that is
    slower as a whole is measured by its own time.

    Args:
        blocks: At least one, with calls that took some time.
        shift: Of the same blocks.
        factor: How many times as long; above 1.
        least_calls: Of each arm in a pair. The shares of fewer are as good as yes or no, and the
            median of pairs does not see a call of five.
    """
    ratio = 1 + shift.estimate
    slow = np.array([_slow(block, ratio, factor) for block in blocks], np.float64)
    calls = np.array([_counts(block) for block in blocks], np.float64)
    starts = _starts(calls.min(axis=1), least_calls)
    slow, calls = np.add.reduceat(slow, starts), np.add.reduceat(calls, starts)
    once, today, again = (slow / calls).T
    before = float(slow[:, [0, 2]].sum() / calls[:, [0, 2]].sum())
    after = float(slow[:, 1].sum() / calls[:, 1].sum())
    if before == 1:
        # Nothing is left that could become slow.
        return SlowCalls(0.0, -math.inf, math.inf, 1.0, math.inf, before, after, len(starts))
    more = (today - (once + again) / 2) / (1 - before)
    low, high = pseudo_median_interval(more)
    own = pseudo_median_interval((again - once) / (1 - before))
    # An interruption meets a call in proportion to its length at most.
    exposed = before / (1 - before) * abs(shift.estimate)
    return SlowCalls(
        estimate=pseudo_median(more),
        low=low,
        high=high,
        p_value=signed_rank_p(more),
        noise_floor=max(-own[0], own[1]) + exposed,
        before=before,
        after=after,
        pairs=len(starts),
    )


def _slow(block: LatencyBlock, ratio: float, factor: float) -> list[int]:
    """How many calls of each arm are slow."""
    baseline, again = block.baseline_ms, block.again_ms
    today = [call / ratio for call in block.today_ms]
    bound = factor * min(*baseline, *again, *today)
    return [sum(call > bound for call in arm) for arm in (baseline, today, again)]


def _counts(block: LatencyBlock) -> list[int]:
    return [len(arm) for arm in (block.baseline_ms, block.today_ms, block.again_ms)]


def _starts(calls: NDArray[np.float64], least: int) -> list[int]:
    """Where pairs begin; blocks at the end that are too few for one belong to the last."""
    starts, held = [0], 0.0
    for place, own in enumerate(calls):
        if held >= least:
            starts.append(place)
            held = 0.0
        held += own
    return starts if held >= least or len(starts) == 1 else starts[:-1]
