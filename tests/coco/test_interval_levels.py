"""Intervals of a higher level than usual: wider, further on the side of a skew, right at looks."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from simulated_scenes import Scenes, matches_of, scenes

from validation.coco.bootstrap import ap_differences
from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import mean_present, precision
from validation.comparison.group_sequential import planned_looks
from validation.comparison.share_intervals import LEVEL
from validation.record.ap_difference import Difference

_REPLICATES = 200


def _ap(sides: list[Matches], level: float) -> Difference:
    return ap_differences(sides[0], sides[1], _REPLICATES, 0, level)[0]


def test_a_higher_level_reaches_further() -> None:
    """At either end; what it is about stays the same."""
    sides = matches_of(scenes(400, seed=3), 0, 400)
    found = [_ap(sides, level) for level in (LEVEL, 0.98, 0.9999)]
    assert len({(each.reference, each.subject, each.standard_error) for each in found}) == 1
    lows, highs = [each.low for each in found], [each.high for each in found]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    assert len({*lows, *highs}) == 6
    # Two hundred replicates have no tail of one in twenty thousand.
    far = NormalDist().inv_cdf(0.99995) * found[2].standard_error
    assert found[2].low <= found[2].value - far
    assert found[2].high >= found[2].value + far


def _one_image_lost(images: int) -> list[Matches]:
    """Both sides find the object of every image; the second nothing on the last one."""
    of_object = np.arange(images, dtype=np.int32)
    objects = np.ones((1, images), np.int32)
    sides = []
    for count in (images, images - 1):
        own = CategoryMatches(
            of_object[:count],
            np.full(count, 0.9),
            np.ones((1, count), np.uint16),
            np.zeros((1, count), np.uint16),
            of_object,
            objects,
        )
        sides.append(Matches(np.arange(images), np.array([1]), np.array([0.5]), ("all",), (own,)))
    return sides


def test_a_loss_of_one_image_is_skewed() -> None:
    """On the side of the loss further than a normal distribution: others may have more of it."""
    found = _ap(_one_image_lost(101), 0.9875)
    normal = NormalDist().inv_cdf(0.99375) * found.standard_error
    assert found.low < found.value - 1.5 * normal
    assert found.high < found.value + 1.1 * normal
    # One of 101 is lost; the exact interval of that share ends at 6.5 %.
    assert -0.065 < found.low < -0.05


def _wrong(drawn: Scenes, limit: float, pairs: int, levels: list[float]) -> float:
    """Share of pairs that a look passes or fails, whose true loss is the limit itself."""
    counts, wrong = (100, 200, 400), 0
    for pair in range(pairs):
        for images, level in zip(counts, levels, strict=True):
            ap = _ap(matches_of(drawn, pair * counts[-1], images), level)
            if not ap.low <= -limit <= ap.high:
                wrong += 1
                break
    return wrong / pairs


def test_looks_are_wrong_as_seldom_as_one() -> None:
    """Three looks at drawn scenes: five of a hundred, and with today's level at each far more."""
    population = 60_000
    one, two = (
        mean_present(precision(side))
        for side in matches_of(scenes(population, seed=1), 0, population)
    )
    pairs = 150
    drawn = scenes(pairs * 400, seed=6)
    levels = [each.level for each in planned_looks((100, 200, 400), 1.0)]
    assert _wrong(drawn, one - two, pairs, levels) <= 0.06
    assert _wrong(drawn, one - two, pairs, [LEVEL] * 3) > 0.08


@pytest.mark.parametrize("level", [LEVEL, 0.99])
def test_nothing_drawn_is_not_known(level: float) -> None:
    """NaN stays NaN at any level, and is no interval of zero width."""
    from validation.coco.bootstrap import bias_corrected

    assert all(math.isnan(end) for end in bias_corrected(np.array([]), 0.0, level))
