"""Images that count several times count as if they were there several times."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from drawn_matches import drawn_matches
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import precision, weighted_precision


def _repeated(matches: Matches, weights: NDArray[np.uint8]) -> Matches:
    """Each image as often as its weight says; copies of a detection keep together by score."""

    def rows(one: CategoryMatches) -> CategoryMatches:
        ranked = one.ranked()
        times, objects = weights[ranked.images], weights[one.object_images]
        return dataclasses.replace(
            ranked,
            images=np.repeat(ranked.images, times),
            scores=np.repeat(ranked.scores, times),
            matched=np.repeat(ranked.matched, times, axis=1),
            ignored=np.repeat(ranked.ignored, times, axis=1),
            object_images=np.repeat(one.object_images, objects),
            objects=np.repeat(one.objects, objects, axis=1),
        )

    return dataclasses.replace(matches, categories=tuple(map(rows, matches.categories)))


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_repetitions(seed: int) -> None:
    """At every IoU, of every size, with what is ignored, and where a category is missing."""
    matches = drawn_matches(seed)
    random = np.random.default_rng(seed)
    weights = random.poisson(1.0, (len(matches.image_ids), 12)).astype(np.uint8)
    weights[:, 0] = 1
    weights[matches.categories[-1].object_images, 1] = 0
    ious = len(matches.ious)
    got = [weighted_precision(one.ranked(), ious, weights) for one in matches.categories]
    for number in range(weights.shape[1]):
        expected = precision(_repeated(matches, weights[:, number]))
        for column, one in enumerate(got):
            of_category = expected[:, :, column].mean(axis=1).T
            # -1 where there is nothing to find.
            of_category = np.where(of_category == -1, np.nan, of_category)
            np.testing.assert_allclose(one[..., number], of_category, rtol=0, atol=1e-12)
    assert np.isnan(got[-1][:, :, 1]).all()


def test_recalls_that_are_exactly_a_point() -> None:
    """100 objects, found one by one: pycocotools misses some of its own points by a rounding."""
    rows = 100
    one = CategoryMatches(
        np.arange(rows, dtype=np.int32),
        np.linspace(1, 0.1, rows),
        # A miss behind each hit, so that precision falls and each point of recall tells.
        (np.arange(rows) % 2 == 0).astype(np.uint16)[np.newaxis],
        np.zeros((1, rows), np.uint16),
        np.arange(rows, dtype=np.int32),
        np.ones((1, rows), np.int32),
    )
    matches = Matches(np.arange(rows), np.array([1]), np.array([0.5]), ("all",), (one,))
    got = weighted_precision(one.ranked(), 1, np.ones((rows, 1), np.uint8))
    assert got[0, 0, 0] == pytest.approx(precision(matches).mean(), abs=1e-13)
