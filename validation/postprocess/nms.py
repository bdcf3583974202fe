"""Non-maximum suppression in the two forms that TFLite's post-processing op has.

The order is part of the contract: of equal scores the lower anchor comes first, and
in regular NMS the lower class before that.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.specs.contracts import PostprocessAttributes


@dataclass(frozen=True)
class Selection:
    """What survived, best first: one entry for each detection.

    Args:
        anchors: Row of the box, [K].
        classes: Zero-based class without background, [K, S]: S slots for each box.
        scores: float32 [K, S].
    """

    anchors: NDArray[np.intp]
    classes: NDArray[np.intp]
    scores: NDArray[np.float32]


def fast_nms(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], attributes: PostprocessAttributes
) -> Selection:
    """One pass over all anchors, whatever their class, by each anchor's best score.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax.
        scores: float32 [N, C], without background; NaN never wins.
        attributes: Thresholds and numbers of slots.

    Returns:
        At most max_detections boxes with their S = min(max_classes_per_detection, C)
        best classes; the second and later ones are not held to the score threshold.
    """
    kept = suppress(
        boxes,
        np.fmax.reduce(scores, axis=1),
        score_threshold=attributes.nms_score_threshold,
        iou_threshold=attributes.nms_iou_threshold,
        limit=attributes.max_detections,
    )
    # Stable on the negated scores: lower class first among equals, NaN last.
    order = np.argsort(-scores[kept], axis=1, kind="stable")
    classes = order[:, : attributes.max_classes_per_detection]
    return Selection(kept, classes, scores[kept[:, np.newaxis], classes])


def regular_nms(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], attributes: PostprocessAttributes
) -> Selection:
    """NMS within each class, then the best max_detections over all classes.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax.
        scores: float32 [N, C], without background; NaN is no detection.
        attributes: Thresholds, detections_per_class and max_detections.

    Returns:
        At most max_detections boxes with S = 1; an anchor may stand there for several classes.
    """
    # The op merges class by class. Taking the best head of all classes until the slots are full
    # keeps the same in the same order: what cannot enter cannot suppress what can. Only classes
    # whose turn comes are sorted.
    best = np.fmax.reduce(scores, axis=0)
    labels = np.flatnonzero(best >= np.float32(attributes.nms_score_threshold)).tolist()
    heads = [(-best[label], label) for label in labels]
    heapq.heapify(heads)
    columns: dict[int, _Column] = {}
    selected: list[tuple[int, int, np.float32]] = []
    while heads and len(selected) < attributes.max_detections:
        _, label = heads[0]
        if label not in columns:
            columns[label] = _Column(
                boxes,
                scores[:, label],
                score_threshold=attributes.nms_score_threshold,
                iou_threshold=attributes.nms_iou_threshold,
            )
        column = columns[label]
        selected.append((column.anchor, label, column.score))
        column.keep()
        if column.left and column.kept < attributes.detections_per_class:
            heapq.heapreplace(heads, (-column.score, label))
        else:
            heapq.heappop(heads)
    anchors, classes, values = zip(*selected, strict=True) if selected else ((), (), ())
    return Selection(
        np.array(anchors, np.intp),
        np.array(classes, np.intp)[:, np.newaxis],
        np.array(values, np.float32)[:, np.newaxis],
    )


def suppress(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    *,
    score_threshold: float,
    iou_threshold: float,
    limit: int,
) -> NDArray[np.intp]:
    """Greedy NMS over one score for each box.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax, no side negative.
        scores: float32 [N]; NaN is below every threshold.
        score_threshold: A score at the threshold is in.
        iou_threshold: An overlap at the threshold stays.
        limit: Stop after so many.

    Returns:
        Rows kept, best score first, lower row first among equals.
    """
    column = _Column(boxes, scores, score_threshold=score_threshold, iou_threshold=iou_threshold)
    kept: list[int] = []
    while column.left and len(kept) < limit:
        kept.append(column.anchor)
        column.keep()
    return np.array(kept, np.intp)


class _Column:
    """The candidates of one score column, best first; what is kept suppresses those behind it.

    Args:
        boxes: See `suppress`.
        scores: See `suppress`.
        score_threshold: See `suppress`.
        iou_threshold: See `suppress`.
    """

    def __init__(
        self,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        *,
        score_threshold: float,
        iou_threshold: float,
    ) -> None:
        candidates = np.flatnonzero(scores >= np.float32(score_threshold))
        self._order = candidates[np.argsort(-scores[candidates], kind="stable")]
        self._scores = scores[self._order]
        self._threshold = np.float32(iou_threshold)
        # Rows in score order: what a box may suppress is then a slice, not a gather.
        self._sides = np.ascontiguousarray(boxes[self._order].T)
        ymin, xmin, ymax, xmax = self._sides
        # Infinite and NaN boxes are the model's answer, to be reported and not to be warned of.
        with np.errstate(all="ignore"):
            self._areas = (ymax - ymin) * (xmax - xmin)
        self._alive = np.ones(self._order.size, np.bool_)
        self._head = 0
        self.kept = 0

    @property
    def left(self) -> bool:
        """True while there is a candidate."""
        return self._head < self._order.size

    @property
    def anchor(self) -> int:
        """Row of the best candidate."""
        return int(self._order[self._head])

    @property
    def score(self) -> np.float32:
        """Score of the best candidate."""
        score: np.float32 = self._scores[self._head]
        return score

    def keep(self) -> None:
        """Keep the best candidate: those that overlap it are out, the next one is the best."""
        row, rest = self._head, slice(self._head + 1, None)
        ymin, xmin, ymax, xmax = self._sides
        with np.errstate(all="ignore"):
            height = np.minimum(ymax[rest], ymax[row]) - np.maximum(ymin[rest], ymin[row])
            width = np.minimum(xmax[rest], xmax[row]) - np.maximum(xmin[rest], xmin[row])
            shared = np.maximum(height, 0) * np.maximum(width, 0)
            iou = shared / (self._areas[row] + self._areas[rest] - shared)
        # Not `iou <= threshold`: two boxes without area give NaN, and both stay.
        self._alive[rest] &= ~(iou > self._threshold)
        following = self._alive[rest]
        self._head = row + 1 + int(following.argmax()) if following.any() else self._order.size
        self.kept += 1
