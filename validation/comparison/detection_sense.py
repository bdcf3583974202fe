"""Whether detections can be a detector's, whatever they are compared with.

Scores lie in [0, 1] and differ, boxes have their corners in order and lie on the image, and
another image gives other detections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.record.detections import Detections

# Fewer detections may have one score by chance, in a file of 8 bits.
_MANY = 20
# An exporter's default of 10 slots is taken on any photograph with many objects.
_MANY_SLOTS = 50
# A box of which less lies on the image is one beside it.
_INSIDE = 0.5


@dataclass(frozen=True)
class DetectionSense:
    """What the detections of a run are in themselves.

    Args:
        images: How many were looked at.
        detections: On all of them.
        not_finite: Detections with NaN or infinity in box or score.
        lowest_score: 0 without detections.
        highest_score: 0 without detections.
        one_score: Many detections, and all of them with one and the same score.
        same_everywhere: Every image gives the same detections, and there are some.
        turned: Detections whose corners are exchanged: the lower one above the upper.
        shown: Detections from the operating score on.
        beside: Of those shown, how many lie beside the image with more than half of their area.
        full: Images on which every one of many slots is taken by a detection that is shown.
    """

    images: int
    detections: int
    not_finite: int
    lowest_score: float
    highest_score: float
    one_score: bool
    same_everywhere: bool
    turned: int
    shown: int
    beside: int
    full: int


def detection_sense(
    found: Mapping[str, Detections], min_score: float, capacity: int
) -> DetectionSense:
    """Look at all detections of a run.

    Args:
        found: By image, with scores from the file's own threshold on.
        min_score: From which an app shows a detection.
        capacity: Slots for detections on an image.
    """
    each = list(found.values())
    boxes = np.concatenate([np.empty((0, 4)), *(one.boxes for one in each)])
    scores = np.concatenate([np.empty(0), *(one.scores for one in each)])
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(scores)
    boxes, known = boxes[finite], scores[finite]
    shown = known >= min_score
    return DetectionSense(
        images=len(each),
        detections=len(scores),
        not_finite=int(np.count_nonzero(~finite)),
        lowest_score=float(known.min(initial=1.0)) if known.size else 0.0,
        highest_score=float(known.max(initial=0.0)),
        one_score=len(known) >= _MANY and bool((known == known[0]).all()),
        same_everywhere=_are_same(each),
        turned=int(np.count_nonzero((boxes[:, 2:] < boxes[:, :2]).any(axis=1))),
        shown=int(np.count_nonzero(shown)),
        beside=int(np.count_nonzero(_share_inside(boxes[shown]) < _INSIDE)),
        full=sum(bool(np.count_nonzero(one.scores >= min_score) >= capacity) for one in each)
        if capacity >= _MANY_SLOTS
        else 0,
    )


def _are_same(each: list[Detections]) -> bool:
    return len(each) > 1 and len(each[0]) > 0 and all(one == each[0] for one in each[1:])


def _share_inside(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each box's area, how much lies on the image; 1 of a box without area."""
    cut = np.clip(boxes, 0, 1)
    area, inside = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0), axis=1) for b in (boxes, cut))
    return np.asarray(np.divide(inside, area, out=np.ones_like(area), where=area > 0))
