"""What arrays say of an image and category is what pycocotools' own matching says of it."""

from __future__ import annotations

import numpy as np
import pytest

from validation.coco import matching
from validation.coco.annotations import CocoAnnotation
from validation.coco.in_pixels import CocoDetections
from validation.coco.matches import matches_bytes
from validation.coco.pair_matching import PairMatcher

_IMAGES, _CATEGORIES = range(1, 41), (1, 2, 3)


def _objects(rng: np.random.Generator, crowded: float) -> list[CocoAnnotation]:
    """Six on each image, some of which overlap others of their category."""
    found = []
    for image in _IMAGES:
        corners = rng.uniform(0, 300, (6, 2))
        sides = rng.uniform(10, 150, (6, 2))
        for (x, y), (width, height) in zip(corners.tolist(), sides.tolist(), strict=True):
            found.append(
                CocoAnnotation(
                    image,
                    int(rng.integers(1, 4)),
                    (x, y, width, height),
                    width * height * rng.uniform(0.3, 1),
                    bool(rng.random() < crowded),
                )
            )
    return found


def _found(rng: np.random.Generator, objects: list[CocoAnnotation]) -> CocoDetections:
    """Twelve of each object, near it, half of them in its category; scores are often equal."""
    near = [item for item in objects for _ in range(12)]
    boxes = np.array([item.bbox for item in near])
    boxes = np.maximum(boxes + rng.normal(0, 8, boxes.shape), 0)
    own = np.array([item.category_id for item in near])
    classes = np.where(rng.random(len(near)) < 0.5, own, rng.integers(1, 4, len(near)))
    return CocoDetections(
        np.array([item.image_id for item in near], np.int64),
        classes.astype(np.int64),
        boxes,
        boxes[:, 2] * boxes[:, 3],
        np.round(rng.random(len(near)), 1),
    )


@pytest.mark.parametrize("crowded", [0.0, 0.1])
@pytest.mark.parametrize("seed", range(5))
def test_arrays_are_pycocotools(monkeypatch: pytest.MonkeyPatch, seed: int, crowded: float) -> None:
    """To the last bit, where objects of a category overlap each other and where they do not."""
    rng = np.random.default_rng(seed)
    objects = _objects(rng, crowded)
    found = _found(rng, objects)

    asked: list[int] = []
    own_bits = PairMatcher.bits

    def counted(self, *arguments):  # type: ignore[no-untyped-def]
        asked[-1] += 1
        return own_bits(self, *arguments)

    def matched() -> bytes:
        asked.append(0)
        matches = matching.match(_IMAGES, objects, found, _CATEGORIES, 20)
        return matches_bytes(matches)

    monkeypatch.setattr(PairMatcher, "bits", counted)
    by_arrays = matched()
    monkeypatch.setattr(
        matching,
        "_contested",
        lambda overlaps, objects: np.unique(objects.each_pair[overlaps.objects]),
    )
    by_pycocotools = matched()
    assert by_arrays == by_pycocotools
    some, every = asked
    assert 0 < some < every
