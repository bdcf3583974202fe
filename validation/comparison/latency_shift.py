"""By how much one file takes longer than another, of calls that were made by turns.

Each block of calls gives one pair, so that what slows the machine for a while slows both sides. Of
each arm's calls in a block the quickest one counts: other processes make calls longer and never
shorter. On two cores with a load of 11, medians of ten calls leave a noise floor of 4 to 26 %,
minima one of 1 to 2 %. The baseline's file is there twice: what it differs from itself by is noise,
of the machine and of where in memory an interpreter came to lie.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from validation.comparison.rank_test import (
    pseudo_median,
    pseudo_median_interval,
    signed_rank_p,
)
from validation.errors import RecordError
from validation.record.baseline import LatencyBlock

_ARMS = ("baseline_ms", "today_ms", "again_ms")


@dataclass(frozen=True)
class LatencyShift:
    """What was found; shares of the baseline's time, of which 0.1 is 10 % longer.

    Args:
        estimate: By which this run's file takes longer.
        low: Lower end of the 95 % interval of it.
        high: Its upper end.
        p_value: Of the rank test that both take equally long.
        noise_floor: The most that the baseline's file may differ from itself by: the end of its own
            95 % interval that is further from 0.
        before_ms: Of the baseline's file: the median of the blocks' quickest calls.
        after_ms: Of this run's.
        blocks: How many pairs there are.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    noise_floor: float
    before_ms: float
    after_ms: float
    blocks: int


def latency_shift(blocks: Sequence[LatencyBlock]) -> LatencyShift:
    """Judge pairs of one block each, on logarithms: twice as long is as far as half as long.

    Args:
        blocks: At least one.

    Raises:
        RecordError: No block, or one of calls that took no time.
    """
    arms = [[getattr(block, arm) for block in blocks] for arm in _ARMS]
    if not blocks or not all(calls and min(calls) > 0 for arm in arms for calls in arm):
        raise RecordError(
            "samples of a latency that cannot be compared",
            expected="blocks of calls that each took some time",
            got=f"{len(blocks)} blocks",
        )
    once, today, again = (np.log([min(calls) for calls in arm]) for arm in arms)
    shifts = today - (once + again) / 2
    low, high = pseudo_median_interval(shifts)
    own = pseudo_median_interval(again - once)
    return LatencyShift(
        estimate=math.expm1(pseudo_median(shifts)),
        low=math.expm1(low),
        high=_share(high),
        p_value=signed_rank_p(shifts),
        noise_floor=_share(max(-own[0], own[1])),
        before_ms=_median([*arms[0], *arms[2]]),
        after_ms=_median(arms[1]),
        blocks=len(blocks),
    )


def _share(logarithm: float) -> float:
    return math.inf if math.isinf(logarithm) else math.expm1(logarithm)


def _median(calls: Sequence[Sequence[float]]) -> float:
    return float(np.median([min(each) for each in calls]))
