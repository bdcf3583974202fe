"""What every anchor of an SSD should answer for one labelled image.

Matching is that of Liu et al. (https://arxiv.org/abs/1512.02325, section 2.2), with a gap
between what counts as found and what counts as missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.graphs.boxes import encode

Boxes = NDArray[np.float32]
Scales = tuple[float, float, float, float]

BACKGROUND = 0
# An anchor that lies in a crowd by this share of its area may find one of many or none.
_INSIDE_CROWD = 0.5


@dataclass(frozen=True)
class MatchRule:
    """When an anchor answers for a box, by their intersection over union.

    Args:
        matched: From here on it does.
        unmatched: Below, it answers for the background; in between it is not asked.
    """

    matched: float = 0.5
    unmatched: float = 0.45


@dataclass(frozen=True)
class AnchorTargets:
    """Targets of all anchors for one image, or with a first axis more for a batch.

    Args:
        boxes: float32 [A, 4], encodings; 0 where no box is matched.
        classes: int32 [A], from 1; 0 is the background.
        asked: float32 [A], 0 where the class is not to be judged, else 1.
    """

    boxes: Boxes
    classes: NDArray[np.int32]
    asked: NDArray[np.float32]


def intersections(boxes: Boxes, anchors: Boxes) -> NDArray[np.float32]:
    """Shared area of each box with each anchor.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax.
        anchors: float32 [A, 4], likewise.

    Returns:
        float32 [N, A], in squares of the boxes' unit.
    """
    low = np.maximum(boxes[:, None, :2], anchors[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], anchors[None, :, 2:])
    shared: NDArray[np.float32] = np.maximum(high - low, 0).prod(axis=2)
    return shared


def overlaps(boxes: Boxes, anchors: Boxes) -> NDArray[np.float32]:
    """Intersection over union of each box with each anchor; 0 where both are empty.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax.
        anchors: float32 [A, 4], likewise.

    Returns:
        float32 [N, A], 0 to 1.
    """
    shared = intersections(boxes, anchors)
    union = _areas(boxes)[:, None] + _areas(anchors)[None] - shared
    ratio: NDArray[np.float32] = np.divide(
        shared, union, out=np.zeros_like(shared), where=union > 0
    )
    return ratio


def assign(overlap: NDArray[np.float32], rule: MatchRule) -> NDArray[np.intp]:
    """Which box each anchor answers for.

    An anchor takes the box it overlaps most. Each box then gets its best anchor whatever the
    overlap, the largest overlap first, so that two boxes never share one.

    Args:
        overlap: float32 [N, A] of N boxes, no more than anchors.
        rule: When an overlap is enough.

    Returns:
        [A], the box's index; -1 for the background; -2 for an anchor that is not asked.
    """
    boxes, anchors = overlap.shape
    if boxes == 0:
        return np.full(anchors, -1)
    best = overlap.max(axis=0)
    chosen = np.where(best >= rule.matched, overlap.argmax(axis=0), -2)
    chosen[best < rule.unmatched] = -1
    left = overlap.copy()
    for _ in range(boxes):
        box, anchor = np.unravel_index(left.argmax(), left.shape)
        chosen[anchor] = box
        left[box], left[:, anchor] = -1, -1
    return chosen


def anchor_targets(
    boxes: Boxes,
    classes: NDArray[np.int32],
    crowd: NDArray[np.bool_],
    anchors: Boxes,
    scales: Scales,
    rule: MatchRule,
) -> AnchorTargets:
    """Targets of all anchors for one image.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax; 1 is the image's height or width.
        classes: int32 [N], from 1.
        crowd: bool [N]; no anchor answers for a crowd, and none inside is asked.
        anchors: float32 [A, 4], in the boxes' unit.
        scales: Of the box coder, see `validation.graphs.boxes.encode`.
        rule: When an anchor answers for a box.
    """
    single, crowds = boxes[~crowd], boxes[crowd]
    chosen = assign(overlaps(single, anchors), rule)
    share = intersections(crowds, anchors) / _areas(anchors)
    chosen[(chosen < 0) & (share > _INSIDE_CROWD).any(axis=0)] = -2
    matched = chosen >= 0
    encodings = np.zeros_like(anchors)
    encodings[matched] = encode(single[chosen[matched]], anchors[matched], scales)
    labels = np.full(len(anchors), BACKGROUND, np.int32)
    labels[matched] = classes[~crowd][chosen[matched]]
    return AnchorTargets(encodings, labels, (chosen != -2).astype(np.float32))


def stacked(targets: list[AnchorTargets]) -> AnchorTargets:
    """The targets of several images as those of one batch."""
    return AnchorTargets(
        np.stack([each.boxes for each in targets]),
        np.stack([each.classes for each in targets]),
        np.stack([each.asked for each in targets]),
    )


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas
