"""Matches drawn at random, without images and boxes: of any size, in no time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches

_AREAS = ("all", "small", "medium", "large")


def drawn_matches(
    seed: int, *, images: int = 40, categories: int = 3, ious: int = 10, found: float = 0.7
) -> Matches:
    """Objects of all sizes, some of them a crowd; detections near them and elsewhere.

    Args:
        seed: Of what is found; the objects are always the same.
        images: Some of them without objects, some without detections.
        categories: The last has few objects.
        ious: How many, from 0.5 up.
        found: Share of the objects.
    """
    objects, random = np.random.default_rng(0), np.random.default_rng(seed)
    each = []
    for category in range(categories):
        count = 3 if category == categories - 1 else 2 * images
        image = np.sort(objects.integers(0, images, count)).astype(np.int32)
        size, is_crowd = objects.integers(1, 4, count), objects.random(count) < 0.1
        each.append(_category(random, image, size, is_crowd, images, ious, found))
    return Matches(
        np.arange(images, dtype=np.int64) + 100,
        np.arange(categories, dtype=np.int64) + 1,
        np.linspace(0.5, 0.95, 10)[:ious],
        _AREAS,
        tuple(each),
    )


def _category(
    random: np.random.Generator,
    image: NDArray[np.int32],
    size: NDArray[np.int64],
    is_crowd: NDArray[np.bool_],
    images: int,
    ious: int,
    found: float,
) -> CategoryMatches:
    hit = np.flatnonzero(random.random(len(image)) < found)
    misses = random.integers(0, images, len(image)).astype(np.int32)
    own_image = np.concatenate([image[hit], misses])
    # Up to which IoU each matches; none for a miss.
    reach = np.concatenate([random.integers(1, ious + 1, len(hit)), np.zeros(len(misses), int)])
    of_object = np.concatenate([size[hit], np.zeros(len(misses), int)])
    in_crowd = np.concatenate([is_crowd[hit], np.zeros(len(misses), bool)])
    own_size = random.integers(1, 4, len(own_image))
    scores = random.permutation(len(own_image)) / len(own_image) * (0.5 + 0.5 * (reach > 0))
    bit = np.arange(ious)[:, np.newaxis]
    is_match = bit < reach
    matched, ignored = [], []
    for area in range(len(_AREAS)):
        out_of_object = in_crowd if area == 0 else in_crowd | (of_object != area)
        out_of_own = area > 0 and own_size != area
        matched.append((is_match << bit).sum(axis=0).astype(np.uint16))
        left_out = np.where(is_match, out_of_object, out_of_own)
        ignored.append((left_out.astype(int) << bit).sum(axis=0).astype(np.uint16))
    order = np.lexsort((-scores, own_image))
    with_objects = np.unique(image)
    counts = np.zeros((len(_AREAS), len(with_objects)), np.int32)
    for area in range(len(_AREAS)):
        counting = ~is_crowd if area == 0 else ~is_crowd & (size == area)
        np.add.at(counts[area], np.searchsorted(with_objects, image[counting]), 1)
    return CategoryMatches(
        own_image[order],
        scores[order],
        np.stack(matched)[:, order],
        np.stack(ignored)[:, order],
        with_objects,
        counts,
    )
