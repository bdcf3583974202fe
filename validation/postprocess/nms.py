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

# Candidates that are compared with each other in one step.
_BLOCK = 32


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
        self._head = 0
        self._kept: list[int] = []
        # The candidates of this block that are left, a bit each; none has been looked at yet.
        self._first, self._end = 0, 0
        self._alive = 0
        self._out_by: list[int] = []

    @property
    def left(self) -> bool:
        """True while there is a candidate."""
        return self._head < self._order.size

    @property
    def kept(self) -> int:
        """How many were kept."""
        return len(self._kept)

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
        if self._head == self._end:
            self._enter_block()
        bit = self._head - self._first
        self._kept.append(self._head)
        self._alive &= ~(self._out_by[bit] | 1 << bit)
        while not self._alive and self._end < self._order.size:
            self._enter_block()
        lowest = (self._alive & -self._alive).bit_length() - 1
        self._head = self._first + lowest if self._alive else self._order.size

    def _enter_block(self) -> None:
        """Go on to the next candidates, without those that what was kept overlaps."""
        self._first, self._end = self._end, min(self._end + _BLOCK, self._order.size)
        block = np.arange(self._first, self._end)
        self._out_by = _bits(self._overlaps(block, block))
        self._alive = (1 << len(block)) - 1
        if self._kept:
            over = self._overlaps(np.array(self._kept), block)
            self._alive &= ~_bits(np.logical_or.reduce(over, axis=0, keepdims=True))[0]

    def _overlaps(self, kept: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.bool_]:
        """[kept, others]: which may not stay beside each other."""
        ymin, xmin, ymax, xmax = (side[kept][:, np.newaxis] for side in self._sides)
        tops, lefts, bottoms, rights = (side[others] for side in self._sides)
        areas = self._areas
        with np.errstate(all="ignore"):
            height = np.minimum(bottoms, ymax) - np.maximum(tops, ymin)
            width = np.minimum(rights, xmax) - np.maximum(lefts, xmin)
            shared = np.maximum(height, 0) * np.maximum(width, 0)
            iou = shared / (areas[kept][:, np.newaxis] + areas[others] - shared)
        # Two boxes without area give NaN, and both stay.
        over: NDArray[np.bool_] = iou > self._threshold
        return over


def _bits(rows: NDArray[np.bool_]) -> list[int]:
    """Each row as one number, the first column as its lowest bit."""
    packed = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
