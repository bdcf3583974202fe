"""Whether paired differences lie on one side of 0, and by how much: Wilcoxon's signed-rank test.

Exact, with the estimate of Hodges and Lehmann and the interval that belongs to the test. A few
disturbed pairs move none of them: that is why latencies are judged by ranks and not by means.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

# One in so many lies beyond each end of a 95 % interval.
_TAIL = 40


def signed_rank_p(differences: _Array) -> float:
    """How probable such ranks, or ones further out, are where each sign is as likely.

    Exact by the ranks that there are: equal sizes share theirs, and a difference of 0 is left out.

    Args:
        differences: One a pair.

    Returns:
        Two-sided; 1 where no pair differs.
    """
    some = differences[differences != 0]
    if not some.size:
        return 1.0
    doubled = _doubled_ranks(np.abs(some))
    total = int(doubled.sum())
    positive = int(doubled[some > 0].sum())
    counts = _subset_sums(tuple(sorted(doubled.tolist())))
    tail = sum(counts[: min(positive, total - positive) + 1])
    return min(1.0, float(2 * tail / 2 ** len(some)))


def pseudo_median(differences: _Array) -> float:
    """The estimate of Hodges and Lehmann: the median of the means of all pairs of them."""
    return float(np.median(_means_of_pairs(differences)))


def pseudo_median_interval(differences: _Array) -> tuple[float, float]:
    """What the signed-rank test does not refuse as the middle of the differences: 95 % of the time.

    It covers at least so often where differences are as likely above the middle as below.

    Args:
        differences: One a pair.

    Returns:
        Without bounds where there are too few pairs for that confidence.
    """
    means = np.sort(_means_of_pairs(differences))
    left_out = _left_out(len(differences))
    if left_out is None:
        return -math.inf, math.inf
    return float(means[left_out]), float(means[-1 - left_out])


def _means_of_pairs(differences: _Array) -> _Array:
    rows, columns = np.triu_indices(len(differences))
    return (differences[rows] + differences[columns]) / 2


def _doubled_ranks(sizes: _Array) -> NDArray[np.int64]:
    """Twice the ranks, whole numbers also where equal sizes share the mean of theirs."""
    ordered = np.sort(sizes)
    first = np.searchsorted(ordered, sizes, side="left")
    last = np.searchsorted(ordered, sizes, side="right")
    return first + last + 1


@functools.lru_cache(maxsize=64)
def _subset_sums(values: tuple[int, ...]) -> tuple[int, ...]:
    """How many of the subsets have each sum, from 0 to that of all."""
    counts = [1]
    for value in values:
        longer = counts + [0] * value
        for place, count in enumerate(counts):
            longer[place + value] += count
        counts = longer
    return tuple(counts)


@functools.cache
def _left_out(pairs: int) -> int | None:
    """How many means of pairs lie outside of the interval at each end; None: too few pairs."""
    counts = _subset_sums(tuple(range(1, pairs + 1)))
    within = 2**pairs // _TAIL
    tail = 0
    left_out: int | None = None
    for place, count in enumerate(counts):
        tail += count
        if tail > within:
            break
        left_out = place
    return left_out
