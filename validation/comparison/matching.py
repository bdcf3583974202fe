"""The detections of one image in two runs, paired whatever their order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.record.detections import Detections

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """A reference detection that the candidate found again.

    Args:
        reference: Index among the reference's detections.
        candidate: Index among the candidate's detections.
        iou: Overlap of the two boxes inside the image.
        score_shift: The candidate's score less the reference's.
    """

    reference: int
    candidate: int
    iou: float
    score_shift: float


@dataclass(frozen=True)
class ImageMatch:
    """How the detections of one image correspond.

    Args:
        pairs: By ascending reference index.
        unmatched_reference: Indices of detections that the candidate has lost.
        unmatched_candidate: Indices of detections that only the candidate has.
        borderline: Indices of reference detections without a partner whose score is so
            near the threshold, or the last slot of a full candidate, that rounding may
            explain it; not counted as lost.
        outside: Detections on either side with no area inside the image; not compared.
        tied: Detections on either side that were set apart as ties, see `ties`.
    """

    pairs: tuple[Pair, ...]
    unmatched_reference: tuple[int, ...]
    unmatched_candidate: tuple[int, ...]
    borderline: tuple[int, ...]
    outside: int
    tied: int = 0


def box_iou(first: _Floats, second: _Floats) -> _Floats:
    """Intersection over union of each box with each other box.

    Args:
        first: (N, 4) boxes as (ymin, xmin, ymax, xmax).
        second: (M, 4) boxes alike.

    Returns:
        (N, M) values in [0, 1]; 0 where both boxes have no area.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(first)[:, None] + _area(second)[None, :] - shared
    overlap: _Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def match_detections(
    reference: Detections,
    candidate: Detections,
    *,
    min_score: float,
    score_epsilon: float,
    min_iou: float,
    capacity: int | None = None,
) -> ImageMatch:
    """Pair the detections of one image by class, box and score.

    Pairs are taken greedily by IoU less score difference, so that of several boxes in the
    same place those of like score find each other. The order of the inputs plays no part.
    Boxes are cut to the image first: the OD API's own post-processing does so, the
    TFLite_Detection_PostProcess op does not.

    Args:
        reference: Taken at scores from min_score.
        candidate: Taken at scores from min_score - score_epsilon, so that rounding at the
            threshold loses nothing.
        min_score: Lowest score that is compared.
        score_epsilon: Distance from min_score within which rounding may decide.
        min_iou: Lowest overlap at which two boxes may be the same object.
        capacity: Detections that a run has slots for. Where all are taken, one that scores
            no better than the last may have found no slot. None: as many as there are.
    """
    rows, left, rows_outside = _selection(reference, min_score)
    columns, right, columns_outside = _selection(candidate, min_score - score_epsilon)
    scores_left, scores_right = reference.scores, candidate.scores
    pairs: list[Pair] = []
    # Nothing is found of many images, and matching is asked for thousands of them.
    same_class = reference.classes[rows][:, None] == candidate.classes[columns]
    if same_class.any():
        iou = box_iou(left, right)
        shift = scores_right[columns][None, :] - scores_left[rows][:, None]
        pairs = [
            Pair(
                int(rows[row]),
                int(columns[column]),
                float(iou[row, column]),
                float(shift[row, column]),
            )
            for row, column in _partners(same_class & (iou >= min_iou), iou - np.abs(shift))
        ]
    lost = sorted(set(rows.tolist()) - {pair.reference for pair in pairs})
    gained = sorted(set(columns.tolist()) - {pair.candidate for pair in pairs})
    # A detection is missed where the other side had a slot for it.
    found_by_candidate = max(min_score, last_slot(scores_right, capacity)) + score_epsilon
    found_by_reference = max(min_score, last_slot(scores_left, capacity)) + score_epsilon
    return ImageMatch(
        pairs=tuple(sorted(pairs, key=lambda pair: pair.reference)),
        unmatched_reference=tuple(i for i in lost if scores_left[i] >= found_by_candidate),
        unmatched_candidate=tuple(i for i in gained if scores_right[i] >= found_by_reference),
        borderline=tuple(i for i in lost if scores_left[i] < found_by_candidate),
        outside=rows_outside + columns_outside,
    )


def last_slot(scores: _Floats, capacity: int | None) -> float:
    """The lowest score that found a slot, where none is left; else minus infinity."""
    if capacity is None or len(scores) < capacity or not len(scores):
        return -math.inf
    return float(scores.min())


def _area(boxes: _Floats) -> _Floats:
    sides: _Floats = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def inside_image(found: Detections) -> _Floats:
    """Boxes [N, 4] cut to the image."""
    return np.clip(found.boxes, 0, 1)


def _selection(found: Detections, threshold: float) -> tuple[NDArray[np.intp], _Floats, int]:
    """Those to compare, ordered by what they hold.

    Returns:
        Their indices, their boxes cut to the image, and how many have no area left.
    """
    # Few of a hundred are above the threshold: only these are cut and sorted.
    high = np.flatnonzero(found.scores >= threshold)
    boxes = found.boxes[high].clip(0, 1)
    visible = _area(boxes) > 0
    kept, boxes = high[visible], boxes[visible]
    # Ties between pairs are decided by position, so position must not come from the input.
    # Boxes that are alike inside of the image may differ outside of it.
    order = np.lexsort((*found.boxes[kept].T, *boxes.T, found.scores[kept]))
    return kept[order], boxes[order], len(high) - len(kept)


def _partners(possible: NDArray[np.bool_], similarity: _Floats) -> list[tuple[int, int]]:
    """Row and column of each pair, the most similar ones taken first.

    Args:
        possible: [rows, columns], which may be a pair.
        similarity: Of each.
    """
    places = np.argwhere(possible)
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    found: list[tuple[int, int]] = []
    order = np.argsort(-similarity[possible], kind="stable")
    for row, column in places[order].tolist():
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            found.append((row, column))
    return found
