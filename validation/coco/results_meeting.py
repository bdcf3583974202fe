"""Whether detections of another system lie where the labelled objects do, and call them so."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from validation.coco.annotations import CocoAnnotation
from validation.coco.dataset import Dataset
from validation.record.detections import Detections
from validation.record.results_facts import Meeting

_IOU = 0.5


def meeting(
    dataset: Dataset,
    detections: Mapping[str, Detections],
    categories: Mapping[int, int | None],
) -> Meeting:
    """How many labelled objects have a detection on them, of any class and of their own.

    Args:
        dataset: Gives the objects; crowds are left out.
        detections: By image key, for every image.
        categories: Category id of each class id.
    """
    objects: dict[int, list[CocoAnnotation]] = {}
    for item in dataset.ground_truth:
        if not item.is_crowd:
            objects.setdefault(item.image_id, []).append(item)
    met = in_class = silent = 0
    for image in dataset.images:
        own, found = objects.get(image.id, []), detections[str(image.id)]
        if not own:
            continue
        if not len(found):
            silent += 1
            continue
        x, y, width, height = np.array([item.bbox for item in own]).T
        sides = [image.height, image.width] * 2
        labelled = np.stack([y, x, y + height, x + width], axis=1) / sides
        on = _ious(labelled, found.boxes) >= _IOU
        called = np.array([categories[key] for key in found.classes.tolist()])
        same = np.array([item.category_id for item in own])[:, np.newaxis] == called
        met += int(on.any(axis=1).sum())
        in_class += int((on & same).any(axis=1).sum())
    return Meeting(sum(map(len, objects.values())), met, in_class, len(objects), silent)


def _ious(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, M] of corners [N, 4] and [M, 4]; 0 where neither has an area."""
    low = np.maximum(first[:, np.newaxis, :2], second[:, :2])
    high = np.minimum(first[:, np.newaxis, 2:], second[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(np.maximum(each[:, 2:] - each[:, :2], 0), axis=1) for each in (first, second)]
    union = areas[0][:, np.newaxis] + areas[1] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))
