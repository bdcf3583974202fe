"""Detections matched with objects by pycocotools, image by image.

pycocotools keeps a dict for each detection, and another for each image, category and range of
area: 1.6 GB for 5,000 images with 100 detections each. No category and no image has a part in the
matches of another one, so its own code is given one image and category at a time, and of these only
the detections that can match: what overlaps no object is unmatched at any IoU. The matches are the
same to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask
from pycocotools.cocoeval import COCOeval, Params

from validation.coco.annotations import CocoAnnotation
from validation.coco.in_pixels import CocoDetections
from validation.coco.matches import CategoryMatches, Matches
from validation.isolation.activity import alive

# pycocotools' upper limit of an IoU that it asks for.
_MOST_IOU = 1 - 1e-10


def match(
    image_ids: Sequence[int],
    objects: Sequence[CocoAnnotation],
    found: CocoDetections,
    category_ids: Sequence[int],
    max_dets: int,
) -> Matches:
    """Match the detections of some images with their objects.

    Args:
        image_ids: All images of the range, ascending, those without objects included.
        objects: On these images, in file order; those of other categories are left out.
        found: On these images, of categories among those given, by image.
        category_ids: To be matched, ascending.
        max_dets: Detections an image and category, best first; the rest is left out.
    """
    parameters = Params(iouType="bbox")
    parameters.maxDets = [max_dets]
    images = np.array(image_ids, np.int64)
    categories = np.array(category_ids, np.int64)
    rows = _ranked(images, categories, found, max_dets)
    here = _objects(images, categories, objects, parameters)
    matched, ignored = _Pairs(parameters, rows, here).matches()
    ends = np.arange(1, len(categories) + 1)
    row_parts = _parts(np.searchsorted(rows.pairs, ends * len(images)))
    kept = here.counts.any(axis=0)
    pairs, counts = here.pairs[kept], here.counts[:, kept]
    object_parts = _parts(np.searchsorted(pairs, ends * len(images)))
    of_rows, of_pairs = (
        (each % max(len(images), 1)).astype(np.int32) for each in (rows.pairs, pairs)
    )
    return Matches(
        images,
        categories,
        np.array(parameters.iouThrs),
        tuple(parameters.areaRngLbl),
        tuple(
            CategoryMatches(
                of_rows[own],
                rows.scores[own],
                matched[:, own],
                ignored[:, own],
                of_pairs[theirs],
                counts[:, theirs],
            )
            for own, theirs in zip(row_parts, object_parts, strict=True)
        ),
    )


@dataclass(frozen=True)
class _Rows:
    """The detections that are matched: by category and image, and of these the best first.

    A pair is a category and an image: index of the category times the images, and the image's.

    Args:
        pairs: int64 [N], ascending.
        boxes: float64 [N, 4], see `CocoDetections`.
        areas: float64 [N].
        scores: float64 [N].
    """

    pairs: NDArray[np.int64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    scores: NDArray[np.float64]


def _ranked(
    images: NDArray[np.int64],
    categories: NDArray[np.int64],
    found: CocoDetections,
    max_dets: int,
) -> _Rows:
    pairs = _pairs(images, categories, found.image_ids, found.category_ids)
    # Equal scores of an image keep the model's order, as in pycocotools.
    order = np.lexsort((-found.scores, pairs))
    pairs = pairs[order]
    rank = np.arange(len(pairs)) - np.searchsorted(pairs, pairs)
    order = order[rank < max_dets]
    return _Rows(
        pairs[rank < max_dets], found.boxes[order], found.areas[order], found.scores[order]
    )


@dataclass(frozen=True)
class _Objects:
    """The objects, by the pairs that have any; see `_Rows`.

    Args:
        pairs: int64 [P], ascending.
        each: The objects of each of them, in file order.
        ignored: For each of them bool [area, objects]: which do not count.
        counts: int32 [area, P], how many count.
    """

    pairs: NDArray[np.int64]
    each: Sequence[Sequence[CocoAnnotation]]
    ignored: Sequence[NDArray[np.bool_]]
    counts: NDArray[np.int32]


def _objects(
    images: NDArray[np.int64],
    categories: NDArray[np.int64],
    objects: Sequence[CocoAnnotation],
    parameters: Params,
) -> _Objects:
    known = set(categories.tolist())
    objects = [item for item in objects if item.category_id in known]
    pairs = _pairs(
        images,
        categories,
        np.array([item.image_id for item in objects], np.int64),
        np.array([item.category_id for item in objects], np.int64),
    )
    order = np.argsort(pairs, kind="stable")
    objects = [objects[index] for index in order.tolist()]
    ignored = _out_of_range(np.array([item.area for item in objects], np.float64), parameters)
    ignored |= np.array([item.is_crowd for item in objects], bool)
    present, starts = np.unique(pairs[order], return_index=True)
    parts = _parts(np.append(starts[1:], len(objects))) if len(starts) else []
    counts = np.zeros((len(ignored), len(present)), np.int32)
    if len(present):
        np.add.reduceat(~ignored, starts, axis=1, dtype=np.int32, out=counts)
    return _Objects(
        present, [objects[part] for part in parts], [ignored[:, part] for part in parts], counts
    )


# For some rows of a pair, by IoU bits: what they matched, and what of that is ignored.
_Bits = tuple[NDArray[np.uint16], NDArray[np.uint16]]


class _Pairs:
    """Asks pycocotools for one pair after the other."""

    def __init__(self, parameters: Params, rows: _Rows, objects: _Objects) -> None:
        self._rows = rows
        self._objects = objects
        self._ranges = parameters.areaRng
        self._max_dets = parameters.maxDets[-1]
        self._weights = (1 << np.arange(len(parameters.iouThrs))).astype(np.uint16)
        self._least = min(*parameters.iouThrs, _MOST_IOU)
        self._evaluation = COCOeval(iouType="bbox")
        self._evaluation.params = parameters
        self._out = _out_of_range(rows.areas, parameters)

    def matches(self) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """`matched` and `ignored` of all rows, see `CategoryMatches`."""
        every = np.uint16(self._weights.sum())
        matched = np.zeros(self._out.shape, np.uint16)
        ignored = self._out * every
        starts = np.searchsorted(self._rows.pairs, self._objects.pairs).tolist()
        ends = np.searchsorted(self._rows.pairs, self._objects.pairs, side="right").tolist()
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            some, overlaps = self._overlapping(number, slice(start, end))
            if some.size:
                met, unwanted = self._matched(number, some, overlaps)
                matched[:, some] = met
                # What matched nothing counts unless it is of another size itself.
                ignored[:, some] = unwanted | (ignored[:, some] & ~met)
            alive()
        return matched, ignored

    def _overlapping(self, number: int, own: slice) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The rows of a pair that can match, and their IoU with each object.

        They are computed as `COCOeval.computeIoU` does, which would sort and cut off again.
        """
        objects = self._objects.each[number]
        if own.start == own.stop:
            return np.empty(0, np.intp), np.empty((0, len(objects)))
        boxes = np.array([item.bbox for item in objects])
        crowds = [int(item.is_crowd) for item in objects]
        overlaps = mask.iou(self._rows.boxes[own], boxes, crowds)
        # As pycocotools compares: NaN is not below any other IoU.
        some = np.flatnonzero((~(overlaps < self._least)).any(axis=1))
        return some + own.start, overlaps[some]

    def _matched(self, number: int, some: NDArray[np.intp], overlaps: NDArray[np.float64]) -> _Bits:
        """[area, row] of rows that can match."""
        # pycocotools takes a match with annotation 0 for none.
        truth = [
            {
                "id": key,
                "area": item.area,
                "iscrowd": int(item.is_crowd),
                "ignore": int(item.is_crowd),
            }
            for key, item in enumerate(self._objects.each[number], 1)
        ]
        columns = (self._rows.areas[some].tolist(), self._rows.scores[some].tolist())
        results = [
            {"id": key, "area": area, "score": score}
            for key, (area, score) in enumerate(zip(*columns, strict=True), 1)
        ]
        self._evaluation._gts, self._evaluation._dts = {(0, 0): truth}, {(0, 0): results}
        self._evaluation.ious = {(0, 0): overlaps}
        asked: dict[bytes, _Bits] = {}
        by_area = [
            self._of_area(area, flags, asked)
            for area, flags in enumerate(self._objects.ignored[number].tolist())
        ]
        return np.array([met for met, _ in by_area]), np.array([each for _, each in by_area])

    def _of_area(self, area: int, flags: list[bool], asked: dict[bytes, _Bits]) -> _Bits:
        """The rows of one area; asked once for all that ignore the same objects.

        The order in which objects are tried follows from which are ignored, and is the same
        where all are and where none is.
        """
        alike = all(flags) or not any(flags)
        key = b"" if alike else bytes(flags)
        if key not in asked:
            one = self._evaluation.evaluateImg(0, 0, self._ranges[area], self._max_dets)
            met = self._weights @ (one["dtMatches"] != 0)
            asked[key] = met, met & (self._weights @ one["dtIgnore"])
        met, unwanted = asked[key]
        if alike:
            return met, met if flags[0] else np.zeros_like(met)
        return met, unwanted


def _out_of_range(areas: NDArray[np.float64], parameters: Params) -> NDArray[np.bool_]:
    """[area, N], as pycocotools compares."""
    low, high = np.array(parameters.areaRng, np.float64).T[..., np.newaxis]
    outside: NDArray[np.bool_] = (areas < low) | (areas > high)
    return outside


def _pairs(
    images: NDArray[np.int64],
    categories: NDArray[np.int64],
    image_ids: NDArray[np.int64],
    category_ids: NDArray[np.int64],
) -> NDArray[np.int64]:
    return np.searchsorted(categories, category_ids) * len(images) + np.searchsorted(
        images, image_ids
    )


def _parts(ends: NDArray[np.intp]) -> list[slice]:
    """Slices one behind the other."""
    stops = ends.tolist()
    return [slice(start, stop) for start, stop in zip([0, *stops[:-1]], stops, strict=True)]
