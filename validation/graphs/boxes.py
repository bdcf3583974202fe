"""The faster-rcnn box coder in NumPy: boxes relative to anchors.

Its inverse is `validation.postprocess.decode`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]

# Added to every side, so that an empty box has a logarithm; the OD API's value.
_SMALLEST_SIDE = np.float32(1e-8)


def center_size(boxes: Boxes) -> Boxes:
    """Corners (ymin, xmin, ymax, xmax) as (centre y, centre x, height, width).

    The order of the operations is the OD API's, so that the rounding is the same.

    Args:
        boxes: float32 [N, 4].

    Returns:
        float32 [N, 4].
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    size = high - low
    return np.concatenate([low + size / np.float32(2), size], axis=1)


def corners(centers: Boxes) -> Boxes:
    """The inverse of `center_size`.

    Args:
        centers: float32 [N, 4] as centre y, centre x, height, width.

    Returns:
        float32 [N, 4] as ymin, xmin, ymax, xmax.
    """
    middle, half = centers[:, :2], centers[:, 2:] / np.float32(2)
    return np.concatenate([middle - half, middle + half], axis=1)


def encode(boxes: Boxes, anchors: Boxes, scales: tuple[float, float, float, float]) -> Boxes:
    """Boxes as offsets from their anchors (Ren et al. 2015, section 3.1.2).

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax.
        anchors: float32 [N, 4], the anchor of each box, likewise.
        scales: Of centre y, centre x, height and width.

    Returns:
        float32 [N, 4] as ty, tx, th, tw.
    """
    box, anchor = center_size(boxes), center_size(anchors)
    sides, anchor_sides = box[:, 2:] + _SMALLEST_SIDE, anchor[:, 2:] + _SMALLEST_SIDE
    offsets = (box[:, :2] - anchor[:, :2]) / anchor_sides
    growth = np.log(sides / anchor_sides)
    return np.concatenate([offsets, growth], axis=1) * np.array(scales, np.float32)
