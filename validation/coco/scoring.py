"""From matches to COCO's precision and recall: pycocotools' accumulation over compact arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import RECALLS, at_recalls


@dataclass(frozen=True)
class Scores:
    """What pycocotools' `accumulate` gives, to the last bit; -1 where there was nothing to find.

    Args:
        precision: float64 [IoU, recall, category, area, max_dets].
        recall: float64 [IoU, category, area, max_dets].
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def accumulate(matches: Matches, max_dets: Sequence[int]) -> Scores:
    """Precision and recall for several numbers of detections an image.

    The best detections of an image are matched first, so the matches of the most detections hold
    those of any fewer.

    Args:
        matches: Of at least as many detections an image and category as the largest of
            `max_dets`.
        max_dets: Detections an image and category: an axis of the result.
    """
    shape = (len(matches.ious), len(matches.categories), len(matches.areas), len(max_dets))
    recall = -np.ones(shape)
    precision = -np.ones((shape[0], len(RECALLS), *shape[1:]))
    for column, category in enumerate(matches.categories):
        objects = category.objects.sum(axis=1)
        if not objects.any():
            continue
        rank = np.arange(len(category.images)) - np.searchsorted(category.images, category.images)
        for axis, most in enumerate(max_dets):
            rows = _first(category, rank < most).ranked()
            for area in np.flatnonzero(objects).tolist():
                total = int(objects[area])
                for bit in range(shape[0]):
                    hits, best = at_recalls(rows, area, bit, total)
                    precision[bit, :, column, area, axis] = best
                    recall[bit, column, area, axis] = hits / total
    return Scores(precision, recall)


def _first(category: CategoryMatches, kept: NDArray[np.bool_]) -> CategoryMatches:
    return category if kept.all() else category.rows(kept)
