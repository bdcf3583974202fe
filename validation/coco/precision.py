"""Average precision from matches: COCO's own, and that of many weightings of the images at once.

Between two true positives precision falls, so it has to be known at true positives only: a few
hundred rows of thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches

# COCO's 101 points of recall, spelt as pycocotools does.
RECALLS = np.linspace(0.0, 1.0, 101, endpoint=True)
# Points a little above what they should be: a recall of exactly 57/100 does not reach the 57th.
_IS_UNREACHED = np.arange(len(RECALLS)) / 100 < RECALLS
_UNREACHED = np.flatnonzero(_IS_UNREACHED)

_Weights = NDArray[np.uint8]


def precision(matches: Matches) -> NDArray[np.float64]:
    """What pycocotools' `accumulate` has under that name, for the most detections an image.

    Returns:
        [IoU, recall, category, area], to the last bit; -1 where there was nothing to find.
    """
    shape = (len(matches.ious), len(RECALLS), len(matches.categories), len(matches.areas))
    found = -np.ones(shape)
    for column, category in enumerate(matches.categories):
        rows = category.ranked()
        for area, objects in enumerate(category.objects.sum(axis=1).tolist()):
            if objects:
                found[:, :, column, area] = _at_recalls(rows, area, shape[0], objects)
    return found


def _at_recalls(rows: CategoryMatches, area: int, ious: int, objects: int) -> NDArray[np.float64]:
    """[IoU, recall]: precision of one category at COCO's points of recall.

    Args:
        rows: By score, see `CategoryMatches.ranked`.
        area: Index of the area.
        ious: Their number.
        objects: How many count in this area; 1 or more.
    """
    # Nearly all rows count at every IoU or at none, so that each IoU looks at a few of them.
    kept = np.flatnonzero(rows.ignored[area] != _every(ious))
    ignored = rows.ignored[area, kept]
    true_somewhere = np.flatnonzero(rows.matched[area, kept] & ~ignored)
    bits = (rows.matched[area, kept] & ~ignored)[true_somewhere]
    left_out_somewhere = np.flatnonzero(ignored)
    found = np.zeros((ious, len(RECALLS)))
    for bit in range(ious):
        hits = true_somewhere[_bit(bits, bit)]
        left_out = left_out_somewhere[_bit(ignored[left_out_somewhere], bit)]
        true = np.arange(1.0, len(hits) + 1)
        false = hits + 1 - np.searchsorted(left_out, hits) - true
        best = _envelope(true / (false + true + np.spacing(1)))
        at = np.searchsorted(true / objects, RECALLS)
        found[bit] = np.append(best, 0.0)[at]
    return found


def mean_present(values: NDArray[np.float64]) -> float:
    """Mean over what has ground truth; pycocotools marks the rest with -1."""
    present = values[values > -1]
    return float(present.mean()) if present.size else -1.0


def weighted_precision(
    category: CategoryMatches, ious: int, weights: _Weights
) -> NDArray[np.float64]:
    """Average precision of one category where each image counts so many times.

    Args:
        category: By score, see `CategoryMatches.ranked`.
        ious: Their number.
        weights: [image, replicate].

    Returns:
        [area, IoU, replicate]; NaN where no image with an object has a part.
    """
    found = np.full((len(category.objects), ious, weights.shape[1]), np.nan)
    own = weights[category.object_images]
    for area, counts in enumerate(category.objects):
        objects = counts.astype(np.float64) @ own
        present = objects > 0
        if present.any():
            used = weights if present.all() else np.ascontiguousarray(weights[:, present])
            found[area][:, present] = _of_area(category, area, ious, used, objects[present])
    return found


@dataclass(frozen=True)
class _Area:
    """The rows that count at some IoU, and weights cumulated to those that are ever true.

    Args:
        images: Of the rows.
        matched: Bits of the rows.
        ignored: Bits of the rows.
        stops: Rows that are a true positive at some IoU.
        total: int32 [stop, replicate], weight of all rows up to it.
    """

    images: NDArray[np.int32]
    matched: NDArray[np.uint16]
    ignored: NDArray[np.uint16]
    stops: NDArray[np.intp]
    total: NDArray[np.int32]


def _of_area(
    category: CategoryMatches,
    area: int,
    ious: int,
    weights: _Weights,
    objects: NDArray[np.float64],
) -> NDArray[np.float64]:
    rows = _cumulated(category, area, ious, weights)
    exact_columns = _exact_columns(objects)
    found = np.zeros((ious, weights.shape[1]))
    for bit in range(ious):
        ignored = _bit(rows.ignored, bit)
        is_hit = _bit(rows.matched, bit) & ~ignored
        hits = np.flatnonzero(is_hit)
        if not hits.size:
            continue
        true = np.cumsum(weights[rows.images[hits]], axis=0, dtype=np.int32)
        total = rows.total[is_hit[rows.stops]]
        left_out = np.flatnonzero(ignored[: hits[-1]])
        if left_out.size:
            total -= _weight_before(hits, left_out, weights[rows.images[left_out]])
        found[bit] = _interpolated(true, total, objects, exact_columns)
    return found


def _cumulated(category: CategoryMatches, area: int, ious: int, weights: _Weights) -> _Area:
    kept = np.flatnonzero(category.ignored[area] != _every(ious))
    images, matched = category.images[kept], category.matched[area, kept]
    ignored = category.ignored[area, kept]
    stops = np.flatnonzero(matched & ~ignored)
    if not stops.size:
        return _Area(images, matched, ignored, stops, np.empty((0, weights.shape[1]), np.int32))
    starts = np.append(0, stops[:-1] + 1)
    total = np.add.reduceat(weights[images[: stops[-1] + 1]], starts, axis=0, dtype=np.int32)
    return _Area(
        images, matched, ignored, stops, np.cumsum(total, axis=0, out=total, dtype=np.int32)
    )


def _weight_before(
    hits: NDArray[np.intp], rows: NDArray[np.intp], weights: _Weights
) -> NDArray[np.int32]:
    """[hit, replicate]: the weight of those rows that stand before each hit."""
    before = np.searchsorted(rows, hits)
    cumulated = np.zeros((len(rows) + 1, weights.shape[1]), np.int32)
    np.cumsum(weights, axis=0, out=cumulated[1:], dtype=np.int32)
    return cumulated[before]


def _interpolated(
    true: NDArray[np.int32],
    total: NDArray[np.int32],
    objects: NDArray[np.float64],
    exact_columns: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Mean of precision over COCO's points of recall, for each replicate.

    A hit is asked for by every point of recall that it is the first to reach.
    """
    best = _envelope(true / np.maximum(total, 1))
    percent = true * 100.0
    percent /= objects
    reached = np.floor(percent)
    some = exact_columns
    exact = percent[:, some] == reached[:, some]
    reached[:, some] -= exact & _IS_UNREACHED[reached[:, some].astype(np.intp)]
    # The point of recall 0 is reached by the first row, whatever it is.
    first = best[0] * (reached[0] + 1)
    rest = np.einsum("kb,kb->b", best[1:], np.diff(reached, axis=0))
    return (first + rest) / len(RECALLS)  # type: ignore[no-any-return]


def _exact_columns(objects: NDArray[np.float64]) -> NDArray[np.intp]:
    """Replicates in which a recall can be exactly at a point that is not reached by it."""
    return np.flatnonzero((np.outer(_UNREACHED, objects) % 100 == 0).any(axis=0))


def _envelope(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The best precision at each row or any later one."""
    if values.ndim == 1:
        backwards = values[::-1]
        np.maximum.accumulate(backwards, out=backwards)
        return values
    # A row at a time: NumPy's own goes down each column by itself, four times as slowly.
    for row in range(len(values) - 2, -1, -1):
        np.maximum(values[row], values[row + 1], out=values[row])
    return values


def _every(ious: int) -> np.uint16:
    return np.uint16((1 << ious) - 1)


def _bit(bits: NDArray[np.uint16], bit: int) -> NDArray[np.bool_]:
    return (bits >> bit) & 1 == 1  # type: ignore[no-any-return]
