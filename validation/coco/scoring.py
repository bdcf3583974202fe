"""COCO's evaluation by pycocotools, a category and some images at a time.

pycocotools keeps a dict for each detection and another for each image, category and range
of area: 1.6 GB for 5,000 images with 100 detections each. No category and no image has a
part in the figures of another one until they are accumulated, so the same evaluation in
pieces gives the same figures to the last bit.
"""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from validation.coco.annotations import CocoAnnotation
from validation.coco.dataset import Dataset
from validation.coco.in_pixels import CocoDetections
from validation.coco.matches import MatchCollector, Matches
from validation.isolation.activity import alive

# With 100 detections on each, their dicts take 30 MB.
_IMAGES_AT_A_TIME = 500


@dataclass(frozen=True)
class Scores:
    """What pycocotools accumulated; -1 where there was nothing to find.

    Args:
        parameters: IoU thresholds, names of area ranges and the like, in order of the axes.
        precision: float64 [IoU, recall, category, area, max_dets].
        recall: float64 [IoU, category, area, max_dets].
        matches: What it found them from, for the most detections an image.
    """

    parameters: Params
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    matches: Matches


def score(
    dataset: Dataset, found: CocoDetections, category_ids: Sequence[int], max_dets: Sequence[int]
) -> Scores:
    """Evaluate detections against a data set's objects.

    Args:
        dataset: The objects.
        found: Of categories among those given.
        category_ids: To be scored, ascending.
        max_dets: Detections an image and category, ascending: an axis of the result.
    """
    parameters = Params(iouType="bbox")
    parameters.maxDets = list(max_dets)
    objects: dict[int, list[CocoAnnotation]] = {}
    for item in dataset.ground_truth:
        objects.setdefault(item.category_id, []).append(item)
    # In order of category; of equal ones the order is kept, for it settles equal scores.
    order = np.argsort(found.category_ids, kind="stable")
    starts = np.searchsorted(found.category_ids[order], [*category_ids, np.iinfo(np.int64).max])
    precision, recall = [], []
    collector = MatchCollector(np.sort(np.array([image.id for image in dataset.images], np.int64)))
    with contextlib.redirect_stdout(io.StringIO()):
        for number, category in enumerate(category_ids):
            theirs = found.take(order[starts[number] : starts[number + 1]])
            one = _score_category(
                objects.get(category, []), theirs, category, parameters, collector
            )
            precision.append(one["precision"])
            recall.append(one["recall"])
    matches = collector.matches(category_ids, parameters.iouThrs, parameters.areaRngLbl)
    return Scores(
        parameters, np.concatenate(precision, axis=2), np.concatenate(recall, axis=1), matches
    )


def _score_category(
    objects: Sequence[CocoAnnotation],
    found: CocoDetections,
    category: int,
    parameters: Params,
    collector: MatchCollector,
) -> dict[str, NDArray[np.float64]]:
    """Precision and recall of one category over the images that have it or seem to."""
    evaluation = COCOeval(iouType="bbox")
    evaluation.params = copy.deepcopy(parameters)
    evaluation.params.catIds = [category]
    images = np.unique([*(item.image_id for item in objects), *found.image_ids.tolist()]).tolist()
    by_image: dict[int, list[CocoAnnotation]] = {}
    for item in objects:
        by_image.setdefault(item.image_id, []).append(item)
    results: list[list[dict[str, Any] | None]] = [[] for _ in parameters.areaRng]
    for first in range(0, len(images), _IMAGES_AT_A_TIME):
        some = images[first : first + _IMAGES_AT_A_TIME]
        low, high = np.searchsorted(found.image_ids, [some[0], some[-1] + 1])
        evaluation.params.imgIds = some
        here = [item for image in some for item in by_image.get(image, [])]
        evaluation.cocoGt = _index(_truth(here))
        evaluation.cocoDt = _index(_results(found.take(slice(low, high))))
        evaluation.evaluate()
        alive()
        for area, kept in enumerate(results):
            part = evaluation.evalImgs[area * len(some) : (area + 1) * len(some)]
            kept.extend(_compact(one) for one in part)
    collector.add(images, results)
    evaluation.params.imgIds = images
    evaluation.evalImgs = [one for kept in results for one in kept]
    # As evaluate() leaves them: the parameters of all that is to be accumulated.
    evaluation._paramsEval = copy.deepcopy(evaluation.params)
    evaluation.accumulate()
    return evaluation.eval  # type: ignore[no-any-return]


def _compact(one: dict[str, Any] | None) -> dict[str, Any] | None:
    """What accumulate() reads of the evaluation of one image."""
    return one and {
        "dtScores": np.array(one["dtScores"]),
        # It asks only whether there was a match.
        "dtMatches": one["dtMatches"] != 0,
        "dtIgnore": one["dtIgnore"],
        "gtIgnore": one["gtIgnore"],
    }


def _truth(objects: Iterable[CocoAnnotation]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": item.image_id,
            "category_id": item.category_id,
            "bbox": list(item.bbox),
            "area": item.area,
            "iscrowd": int(item.is_crowd),
        }
        for item in objects
    ]


def _results(found: CocoDetections) -> list[dict[str, Any]]:
    columns = (found.image_ids, found.category_ids, found.boxes, found.areas, found.scores)
    names = ("image_id", "category_id", "bbox", "area", "score")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _index(entries: list[dict[str, Any]]) -> COCO:
    """A COCO object over annotations; unlike loadRes it may be empty.

    Ids are given here and from 1: pycocotools takes a match with annotation 0 for none.
    """
    for number, entry in enumerate(entries, 1):
        entry["id"] = number
    index = COCO()
    # COCOeval asks for nothing but annotations once its image and category ids are set.
    index.dataset = {"images": [], "categories": [], "annotations": entries}
    index.createIndex()
    return index
