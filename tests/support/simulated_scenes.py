"""Objects of many images as two models see them, drawn at random: for how sure a difference is."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches


@dataclass(frozen=True)
class Scenes:
    """Objects of many images as two models see them: the second loses some and is less sure."""

    images: int
    object_images: NDArray[np.int32]
    rows: tuple[tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]], ...]


@functools.cache
def scenes(images: int, seed: int, loss: float = 0.15, blind_share: float = 0.0) -> Scenes:
    """Hard images are hard for both, and most of what one makes of an object the other does.

    Args:
        images: How many.
        seed: Of the draws.
        loss: By how much the second model's scores of objects are lower.
        blind_share: Of the images on which the second model finds nothing at all.
    """
    random = np.random.default_rng(seed)
    hard = random.normal(0, 0.7, images)
    counts = 1 + random.poisson(2.0, images)
    object_images = np.repeat(np.arange(images, dtype=np.int32), counts)
    elsewhere = np.repeat(np.arange(images, dtype=np.int32), random.poisson(3.0, images))
    own = np.concatenate([object_images, elsewhere])
    is_object = np.arange(len(own)) < len(object_images)
    shared = random.normal(0, 1, len(own)) + np.where(is_object, 1.2 - hard[own], 0.0)
    blind = random.random(images) < blind_share if blind_share else np.zeros(images, bool)
    rows = []
    for side, lost in enumerate((0.0, loss)):
        seen = shared + random.normal(0, 0.4, len(own)) - lost * is_object
        kept = np.flatnonzero((seen > -0.5) & ~(blind[own] & bool(side)))
        kept = kept[np.lexsort((-seen[kept], own[kept]))]
        rows.append((own[kept], seen[kept], is_object[kept]))
    return Scenes(images, object_images, tuple(rows))


def matches_of(drawn: Scenes, first: int, images: int) -> list[Matches]:
    """Both sides on some of the images."""
    low, high = np.searchsorted(drawn.object_images, [first, first + images])
    with_objects, counts = np.unique(drawn.object_images[low:high] - first, return_counts=True)
    sides = []
    for own, scores, is_right in drawn.rows:
        part = slice(*np.searchsorted(own, [first, first + images]))
        one = CategoryMatches(
            own[part] - np.int32(first),
            scores[part],
            is_right[part].astype(np.uint16)[np.newaxis],
            np.zeros((1, part.stop - part.start), np.uint16),
            with_objects,
            counts.astype(np.int32)[np.newaxis],
        )
        sides.append(Matches(np.arange(images), np.array([1]), np.array([0.5]), ("all",), (one,)))
    return sides
