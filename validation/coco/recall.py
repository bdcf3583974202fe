"""From matches to COCO's recall for several numbers of detections an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import Matches


def recall(matches: Matches, max_dets: Sequence[int]) -> NDArray[np.float64]:
    """What pycocotools' `accumulate` has under that name, to the last bit.

    The best detections of an image are matched first, so the matches of the most detections hold
    those of any fewer.

    Args:
        matches: Of at least as many detections an image and category as the largest of
            `max_dets`.
        max_dets: Detections an image and category: an axis of the result.

    Returns:
        [IoU, category, area, max_dets]; -1 where there was nothing to find.
    """
    ious = np.arange(len(matches.ious), dtype=np.uint16)
    shape = (len(ious), len(matches.categories), len(matches.areas), len(max_dets))
    found = -np.ones(shape)
    for column, category in enumerate(matches.categories):
        objects = category.objects.sum(axis=1)
        present = np.flatnonzero(objects)
        true = category.matched[present] & ~category.ignored[present]
        rows = np.flatnonzero(true.any(axis=0))
        rank = rows - np.searchsorted(category.images, category.images[rows])
        for axis, most in enumerate(max_dets):
            some = true[:, rows[rank < most]]
            for bit in ious:
                hits = np.count_nonzero((some >> bit) & 1, axis=1)
                found[bit, column, present, axis] = hits / objects[present]
    return found
