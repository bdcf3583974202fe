"""Boundaries are the published ones, and looks keep the error of a single one."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.comparison.group_sequential import (
    ERROR,
    boundaries,
    looks_at,
    planned_looks,
    unseen_share,
    upper_tail,
)
from validation.comparison.share_intervals import LEVEL
from validation.policy.load import load_policy

_NORMAL = NormalDist()
_FIFTHS = tuple(k / 5 for k in range(1, 6))


def _obrien_fleming(share: float) -> float:
    return 2 - 2 * _NORMAL.cdf(_NORMAL.inv_cdf(1 - 0.0125) / math.sqrt(share))


def _pocock(share: float) -> float:
    return 0.025 * math.log(1 + (math.e - 1) * share)


# Reboussin, DeMets, Kim and Lan, Controlled Clinical Trials 21 (2000): five equal looks,
# two-sided 0.05 by two ends of 0.025.
@pytest.mark.parametrize(
    ("spending", "published"),
    [
        (_obrien_fleming, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
        (_pocock, (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
    ],
)
def test_published_boundaries(
    spending: Callable[[float], float], published: tuple[float, ...]
) -> None:
    """Of both spending functions of Lan and DeMets, to the digits that are printed."""
    found = boundaries(_FIFTHS, tuple(map(spending, _FIFTHS)))
    assert found == pytest.approx(published, abs=2e-4)


def test_information_may_be_in_any_unit() -> None:
    """Images or shares of them."""
    spent = tuple(map(_pocock, _FIFTHS))
    images = tuple(5000 * each for each in _FIFTHS)
    assert boundaries(images, spent) == pytest.approx(boundaries(_FIFTHS, spent), abs=1e-9)


@pytest.mark.parametrize(
    ("images", "looks"),
    [
        (5000, (250, 500, 1000, 2000, 4000, 5000)),
        (600, (250, 500, 600)),
        (250, (250,)),
        (80, (80,)),
        # 1,000 of 1,010 would leave nothing to save.
        (1010, (250, 500, 1010)),
    ],
)
def test_when_is_looked(images: int, looks: tuple[int, ...]) -> None:
    """Doubled, and last at all."""
    assert looks_at(250, images) == looks


def test_a_single_look_is_today_s_interval() -> None:
    """To the last bit: nothing changes for whoever has few images."""
    (look,) = planned_looks((80,), 1.0)
    assert (look.level, look.spent) == (LEVEL, ERROR)


def test_every_look_has_a_wider_interval_than_a_single_one() -> None:
    """And all error is spent at the end."""
    looks = planned_looks(looks_at(250, 5000), 1.0)
    assert all(each.level > LEVEL for each in looks)
    assert [each.spent for each in looks] == sorted(each.spent for each in looks)
    assert looks[-1].spent == pytest.approx(ERROR)
    assert looks[0].level == pytest.approx(1 - 2 * 0.05 * ERROR)


def _first_crossings(
    counts: tuple[int, ...], bounds: tuple[float, ...], runs: int
) -> NDArray[np.float64]:
    """Share of runs that have crossed one side's boundary until each look; the truth is 0."""
    random = np.random.default_rng(4)
    steps = np.diff([0, *counts])
    sums = np.cumsum(random.normal(0, np.sqrt(steps), (runs, len(steps))), axis=1)
    crossed = sums / np.sqrt(counts) >= np.array(bounds)
    return np.maximum.accumulate(crossed, axis=1).mean(axis=0)


@pytest.mark.parametrize("images", [600, 5000, 100_000])
def test_error_is_spent_as_planned(images: int) -> None:
    """Simulated: the chance of ever being wrong is that of one end of a single interval."""
    power = load_policy().setting("until_decided_power")
    counts = looks_at(250, images)
    looks = planned_looks(counts, power)
    bounds = tuple(_NORMAL.inv_cdf((1 + each.level) / 2) for each in looks)
    found = _first_crossings(counts, bounds, 400_000)
    expected = np.array([each.spent for each in looks])
    assert np.all(np.abs(found - expected) < 5 * np.sqrt(expected / 400_000))


def test_looking_again_and_again_at_a_single_level_is_wrong_more_often() -> None:
    """What the wider intervals are for: six looks of today's level."""
    counts = looks_at(250, 5000)
    assert _first_crossings(counts, (1.959964,) * len(counts), 100_000)[-1] > 0.08


def test_tails_and_what_no_image_shows() -> None:
    """By their definitions: the rule of three for one end of 95 %."""
    assert upper_tail(1.959964) == pytest.approx(0.025, rel=1e-6)
    assert unseen_share(1000, 0.90) == pytest.approx(3 / 1000, rel=0.01)
    assert (1 - unseen_share(250, 0.95)) ** 250 == pytest.approx(0.025)
