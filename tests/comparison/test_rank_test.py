"""Wilcoxon's test and the estimate that belongs to it, against what is counted by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.rank_test import (
    pseudo_median,
    pseudo_median_interval,
    signed_rank_p,
)

# Sums and exponents of twelve numbers lose less.
_ROUNDING = 1e-12
_VALUES = st.lists(st.floats(-10, 10).map(lambda each: round(each, 3)), min_size=1, max_size=9)


def _ranks(sizes: np.ndarray) -> np.ndarray:
    """Mean ranks, the slow way."""
    return np.array([(sizes < each).sum() + ((sizes == each).sum() + 1) / 2 for each in sizes])


def _by_all_signs(values: np.ndarray) -> float:
    """How many of all ways to choose the signs lie at least as far out."""
    some = values[values != 0]
    if not some.size:
        return 1.0
    ranks = _ranks(np.abs(some))
    middle = ranks.sum() / 2
    away = abs(ranks[some > 0].sum() - middle)
    sums = [np.dot(signs, ranks) for signs in itertools.product((0, 1), repeat=len(some))]
    return float(np.mean([abs(each - middle) >= away - _ROUNDING for each in sums]))


@given(_VALUES)
@settings(max_examples=150, deadline=None)
def test_p_is_that_of_all_signs(values: list[float]) -> None:
    """Ties and zeros included: nothing is approximated."""
    array = np.array(values)
    assert signed_rank_p(array) == pytest.approx(_by_all_signs(array), abs=_ROUNDING)


@given(_VALUES)
@settings(max_examples=100, deadline=None)
def test_sides_are_alike(values: list[float]) -> None:
    """With the sides swapped p is the same, the estimate and its interval are mirrored."""
    array = np.array(values)
    low, high = pseudo_median_interval(array)
    assert signed_rank_p(array) == signed_rank_p(-array)
    assert pseudo_median(array) == pytest.approx(-pseudo_median(-array), abs=_ROUNDING)
    assert pseudo_median_interval(-array) == (-high, -low)
    assert low <= pseudo_median(array) <= high


@given(_VALUES, st.floats(-5, 5))
@settings(max_examples=60, deadline=None)
def test_a_shift_shifts(values: list[float], by: float) -> None:
    """What is added to every difference is added to the estimate."""
    array = np.array(values)
    assert pseudo_median(array + by) == pytest.approx(pseudo_median(array) + by, abs=1e-9)


@pytest.mark.parametrize(("pairs", "is_bounded"), [(5, False), (6, True)])
def test_too_few_pairs_have_no_interval(pairs: int, is_bounded: bool) -> None:
    """Of five pairs even all on one side happen once in sixteen times."""
    low, high = pseudo_median_interval(np.arange(float(pairs)))
    assert (math.isfinite(low), math.isfinite(high)) == (is_bounded, is_bounded)


def test_a_known_table() -> None:
    """At 20 pairs tables give 52 as the critical sum of ranks for 5 % on two sides."""
    ranks = np.arange(1.0, 21)
    at, beyond = ranks.copy(), ranks.copy()
    at[[19, 18, 12]] *= -1  # 20 + 19 + 13 = 52
    beyond[[19, 18, 13]] *= -1  # 53
    assert signed_rank_p(at) <= 0.05 < signed_rank_p(beyond)


def test_interval_covers() -> None:
    """Of differences around a middle it leaves that out in no more than 5 % of the draws."""
    generator = np.random.default_rng(19)
    draws = generator.laplace(0.3, 1.0, (2000, 24))
    inside = [low <= 0.3 <= high for low, high in map(pseudo_median_interval, draws)]
    # Three standard errors of 2,000 draws at 95 %.
    assert np.mean(inside) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 2000)
