"""Non-maximum suppression in the two forms that TFLite's post-processing op has.

Order is part of the promise: of equal scores the lower anchor comes first, and
in regular NMS the lower class before that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.contracts import PostprocessAttributes


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
    slots = attributes.max_detections
    best_scores = np.empty(0, np.float32)
    best_anchors = np.empty(0, np.intp)
    best_classes = np.empty(0, np.intp)
    for label, column in enumerate(np.ascontiguousarray(scores.T)):
        kept = suppress(
            boxes,
            column,
            score_threshold=attributes.nms_score_threshold,
            iou_threshold=attributes.nms_iou_threshold,
            limit=attributes.detections_per_class,
            # Once the slots are full, a score must beat the last one: an equal one would be
            # merged in behind it. What cannot enter cannot suppress anything that can either.
            above=best_scores[-1] if best_scores.size == slots else None,
        )
        merged = np.concatenate([best_scores, column[kept]])
        order = np.argsort(-merged, kind="stable")[:slots]
        best_scores = merged[order]
        best_anchors = np.concatenate([best_anchors, kept])[order]
        best_classes = np.concatenate([best_classes, np.full(kept.size, label, np.intp)])[order]
    return Selection(best_anchors, best_classes[:, np.newaxis], best_scores[:, np.newaxis])


def suppress(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    *,
    score_threshold: float,
    iou_threshold: float,
    limit: int,
    above: np.float32 | None = None,
) -> NDArray[np.intp]:
    """Greedy NMS over one score for each box.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax, no side negative.
        scores: float32 [N]; NaN is below every threshold.
        score_threshold: A score at the threshold is in.
        iou_threshold: An overlap at the threshold stays.
        limit: Stop after so many.
        above: Drop scores that do not exceed this; None drops none.

    Returns:
        Rows kept, best score first, lower row first among equals.
    """
    passed = scores >= np.float32(score_threshold)
    if above is not None:
        passed &= scores > above
    candidates = np.flatnonzero(passed)
    order = candidates[np.argsort(-scores[candidates], kind="stable")]
    # Columns in score order: what a box may suppress is then a slice, not a gather.
    columns = np.ascontiguousarray(boxes[order].T)
    # Infinite and NaN boxes are the model's answer, to be reported and not to be warned of.
    with np.errstate(all="ignore"):
        kept = _greedy(columns, np.float32(iou_threshold), limit)
    return order[kept]


def _greedy(columns: NDArray[np.float32], threshold: np.float32, limit: int) -> list[int]:
    """Positions kept of boxes in score order, given as the four rows of ``columns``."""
    ymin, xmin, ymax, xmax = columns
    areas = (ymax - ymin) * (xmax - xmin)
    alive = np.ones(areas.size, np.bool_)
    kept: list[int] = []
    row = 0
    while row < areas.size and len(kept) < limit:
        kept.append(row)
        rest = slice(row + 1, None)
        height = np.minimum(ymax[rest], ymax[row]) - np.maximum(ymin[rest], ymin[row])
        width = np.minimum(xmax[rest], xmax[row]) - np.maximum(xmin[rest], xmin[row])
        shared = np.maximum(height, 0) * np.maximum(width, 0)
        iou = shared / (areas[row] + areas[rest] - shared)
        # Not `iou <= threshold`: two boxes without area give NaN, and both stay.
        alive[rest] &= ~(iou > threshold)
        following = alive[rest]
        row = row + 1 + int(following.argmax()) if following.any() else areas.size
    return kept
