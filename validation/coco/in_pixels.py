"""Detections as COCO has them: boxes in pixels, category ids, all images in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.coco.annotations import CocoImage
from validation.record.detections import Detections

# The upper end of COCO's area ranges, in square pixels.
_LARGEST_AREA = 1e5**2


@dataclass(frozen=True)
class CocoDetections:
    """The detections of scored categories on some images, one row each.

    Rows are in the order of images, and of one image in the model's own.

    Args:
        image_ids: int64 [N].
        category_ids: int64 [N].
        boxes: float64 [N, 4] as x, y, width, height in pixels, inside the image.
        areas: float64 [N], square pixels.
        scores: float64 [N].
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of detections."""
        return len(self.scores)

    def take(self, which: slice | NDArray[Any]) -> CocoDetections:
        """Some of the rows: a slice, indices or a mask."""
        return CocoDetections(
            self.image_ids[which],
            self.category_ids[which],
            self.boxes[which],
            self.areas[which],
            self.scores[which],
        )


def in_pixels(
    images: Sequence[CocoImage],
    found: Mapping[int, Detections],
    categories: Mapping[int, int | None],
) -> CocoDetections:
    """The detections of scored categories, their boxes cut to the images.

    Args:
        images: Ascending, with their sizes.
        found: By image id, for every image.
        categories: Category id of each class id that occurs, None for what is not scored.
    """
    each = [found[image.id] for image in images]
    counts = [len(one) for one in each]
    # Of no image at all there are still arrays of the right shape.
    each.append(Detections((), (), ()))
    classes, positions = distinct(np.concatenate([one.classes for one in each]))
    category_of = [categories[key] for key in classes.tolist()]
    scored = np.array([key is not None for key in category_of], bool)[positions]
    category_ids = np.array([key or 0 for key in category_of], np.int64)[positions[scored]]
    image_ids = np.array([image.id for image in images], np.int64).repeat(counts)[scored]
    sizes = np.array([(image.height, image.width) * 2 for image in images]).reshape(-1, 4)
    boxes = np.concatenate([one.boxes for one in each])[scored]
    ymin, xmin, ymax, xmax = (np.clip(boxes, 0, 1) * sizes.repeat(counts, axis=0)[scored]).T
    # pycocotools ignores an unmatched box whose area is in no range. An inverted or a
    # gigantic box is a miss all the same, so its sides and area are kept inside the ranges.
    width, height = np.maximum(xmax - xmin, 0), np.maximum(ymax - ymin, 0)
    return CocoDetections(
        image_ids,
        category_ids,
        np.stack([xmin, ymin, width, height], axis=1),
        np.minimum(width * height, _LARGEST_AREA),
        np.concatenate([one.scores for one in each])[scored],
    )


def distinct(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The distinct ones, ascending, and for each value its place among them; see `np.unique`."""
    if not len(values) or values.min() < 0 or values.max() >= len(values):
        return np.unique(values, return_inverse=True)
    # Class ids are few and small: no need to sort as many values as there are detections.
    places = np.zeros(int(values.max()) + 1, np.intp)
    places[values] = 1
    present = np.flatnonzero(places)
    places[present] = np.arange(len(present))
    return present.astype(np.int64), places[values]
