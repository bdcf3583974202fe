"""Which detections overlap which objects of their category: an image at a time, by pycocotools.

Its IoU of two boxes does not depend on what else it is asked for, so that one call has all boxes of
an image, whatever their categories: most images have one or two objects of several categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask

from validation.isolation.activity import alive


@dataclass(frozen=True)
class Boxes:
    """Boxes on a range of images.

    Args:
        pairs: int64 [N], ascending: index of the category times the number of images, and the
            image's index.
        boxes: float64 [N, 4] as x, y, width, height.
    """

    pairs: NDArray[np.int64]
    boxes: NDArray[np.float64]

    def by_image(self, images: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows in the order of images, and the end of each image's rows among them."""
        of_rows = self.pairs % max(images, 1)
        order = np.argsort(of_rows, kind="stable")
        return order, np.searchsorted(of_rows[order], np.arange(images), side="right")


@dataclass(frozen=True)
class Overlaps:
    """Detections and objects of one image and category that may match at some IoU.

    Args:
        rows: int64 [N], ascending, of the detections.
        objects: int64 [N], of the objects; of one detection ascending.
        ious: float64 [N].
    """

    rows: NDArray[np.int64]
    objects: NDArray[np.int64]
    ious: NDArray[np.float64]

    def take(self, which: NDArray[Any]) -> Overlaps:
        """Some of them: indices or a mask."""
        return Overlaps(self.rows[which], self.objects[which], self.ious[which])


def overlaps_of(
    found: Boxes, objects: Boxes, crowds: NDArray[np.bool_], images: int, least: float
) -> Overlaps:
    """All pairs of a detection and an object of its category whose IoU is not below the least.

    Args:
        found: The detections.
        objects: The objects.
        crowds: bool [objects]. pycocotools divides by the detection's own area there.
        images: Their number.
        least: IoU; as pycocotools compares, NaN is not below it.
    """
    rows, row_ends = found.by_image(images)
    columns, column_ends = objects.by_image(images)
    boxes, truth = found.boxes[rows], objects.boxes[columns]
    is_crowd = crowds[columns].astype(np.uint8)
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    row, column = 0, 0
    for row_end, column_end in zip(row_ends.tolist(), column_ends.tolist(), strict=True):
        if row < row_end and column < column_end:
            # Objects one behind the other: pycocotools' own order in memory.
            flat = mask.iou(
                boxes[row:row_end], truth[column:column_end], is_crowd[column:column_end]
            ).ravel(order="F")
            near = np.flatnonzero(~(flat < least))
            if near.size:
                at_object, at_row = np.divmod(near, row_end - row)
                parts.append((rows[at_row + row], columns[at_object + column], flat[near]))
        row, column = row_end, column_end
        alive()
    if not parts:
        return Overlaps(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    all_rows, all_objects, ious = (np.concatenate(each) for each in zip(*parts, strict=True))
    own = np.flatnonzero(found.pairs[all_rows] == objects.pairs[all_objects])
    every = Overlaps(all_rows[own], all_objects[own], ious[own])
    return every.take(np.lexsort((every.objects, every.rows)))
