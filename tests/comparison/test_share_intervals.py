"""Intervals of shares hold their level, also of few, of clustered and of many shares at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from validation.comparison.share_intervals import (
    LEVEL,
    exact_interval,
    joint_level,
    share_interval,
)


def _at_least(hits: int, trials: int, share: float) -> float:
    return sum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k)
        for k in range(hits, trials + 1)
    )


@pytest.mark.parametrize(("hits", "trials"), [(1, 10), (9, 11), (5, 5), (40, 300)])
@pytest.mark.parametrize("level", [0.95, 0.9995])
def test_lower_end_is_where_so_many_hits_become_likely(
    hits: int, trials: int, level: float
) -> None:
    """By the binomial sum itself: a share below gives as many hits in less than the tail."""
    low, _ = exact_interval(hits, trials, level)
    assert _at_least(hits, trials, low) == pytest.approx((1 - level) / 2, rel=1e-6)


@pytest.mark.parametrize(("hits", "trials"), [(0, 9), (1, 10), (9, 11), (40, 300)])
def test_upper_end_is_the_mirror_image(hits: int, trials: int) -> None:
    """Hits and misses change places."""
    low, high = exact_interval(hits, trials, 0.95)
    other_low, other_high = exact_interval(trials - hits, trials, 0.95)
    assert (low, high) == pytest.approx((1 - other_high, 1 - other_low), abs=1e-9)
    assert low <= hits / trials <= high


def test_nothing_and_everything() -> None:
    """None of none may be any share; none of some is not certainly none."""
    nobody = np.zeros(4)
    assert share_interval(nobody, nobody) == (0, 1)
    assert share_interval(nobody, np.ones(4))[1] == pytest.approx(1 - 0.025 ** (1 / 4))
    assert share_interval(np.ones(4), np.ones(4))[0] == pytest.approx(0.025 ** (1 / 4))


def test_an_image_is_one_witness() -> None:
    """Twenty hits of one image say less than twenty of twenty images."""
    spread_hits, spread = np.ones(20), np.full(20, 2.0)
    lumped_hits, lumped = np.repeat([10.0, 0.0], [2, 18]), np.repeat([20.0, 20 / 18], [2, 18])
    low, high = share_interval(spread_hits, spread)
    wide_low, wide_high = share_interval(lumped_hits, lumped * 40 / lumped.sum())
    assert wide_low < low < 0.5 < high < wide_high
    everything = share_interval(np.array([9.0]), np.array([9.0]), joint_level(30))
    assert everything[0] < 0.001


def _false_alarms(level: float, generator: np.random.Generator, shares: int) -> float:
    """How often the lower end of any of many shares lies above the true one."""
    truth, alarms, tries = 0.08, 0, 50
    for _ in range(tries):
        worst = 0.0
        for _ in range(shares):
            trials = generator.integers(1, 6, 25).astype(float)
            # What is lost of an image is lost together: a correlation of 0.3.
            chances = generator.beta(truth * 7 / 3, (1 - truth) * 7 / 3, 25)
            hits = generator.binomial(trials.astype(int), chances).astype(float)
            if hits.sum() > truth * trials.sum():  # the others cannot raise an alarm
                worst = max(worst, share_interval(hits, trials, level)[0])
        alarms += worst > truth
    return alarms / tries


def test_the_noisiest_of_many_is_no_finding() -> None:
    """With a joint level one family in twenty raises a false alarm; without, more do."""
    shares = 20
    generator = np.random.default_rng(5)
    assert _false_alarms(joint_level(shares), generator, shares) <= 0.05
    assert _false_alarms(LEVEL, generator, shares) > 0.15


def test_a_single_interval_covers_the_truth() -> None:
    """As often as it says, where detections of an image go together; counted one by one, not."""
    generator = np.random.default_rng(11)
    truth, tries, inside, plainly = 0.1, 300, 0, 0
    for _ in range(tries):
        trials = generator.integers(1, 5, 80)
        chances = generator.beta(truth * 3, (1 - truth) * 3, 80)
        hits = generator.binomial(trials, chances).astype(float)
        low, high = share_interval(hits, trials.astype(float))
        inside += low <= truth <= high
        low, high = exact_interval(hits.sum(), trials.sum(), LEVEL)
        plainly += low <= truth <= high
    assert inside / tries >= 0.93
    assert plainly < inside - 0.02 * tries
