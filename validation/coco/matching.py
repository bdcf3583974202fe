"""Detections matched with objects as pycocotools matches them, to the last bit.

pycocotools keeps a dict for each detection, and another for each image, category and range of
area: 1.6 GB for 5,000 images with 100 detections each. No category and no image has a part in the
matches of another one. Where each detection of an image and category overlaps one object at most,
the best detection of each object is its match, whatever the order and the range of area, and
arrays tell it for all images at once. The others are given to pycocotools' own code, one image and
category at a time, and of these only the detections that can match: what overlaps no object is
unmatched at any IoU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.cocoeval import Params

from validation.coco.annotations import CocoAnnotation
from validation.coco.in_pixels import CocoDetections
from validation.coco.matches import CategoryMatches, Matches
from validation.coco.overlaps import Boxes, Overlaps, overlaps_of
from validation.coco.pair_matching import MOST_IOU, PairMatcher, PairRows, out_of_range
from validation.isolation.activity import alive


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
    matched, ignored = _matches(parameters, rows, here, len(images))
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
    order = _by_score(pairs, found.scores)
    pairs = pairs[order]
    starts = np.flatnonzero(np.diff(pairs, prepend=-1))
    counts = np.diff(starts, append=len(pairs))
    if counts.max(initial=0) > max_dets:
        kept = np.arange(len(pairs)) - starts.repeat(counts) < max_dets
        pairs, order = pairs[kept], order[kept]
    return _Rows(pairs, found.boxes[order], found.areas[order], found.scores[order])


def _by_score(pairs: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order by pair, and of a pair by score, best first.

    Equal scores of an image keep the model's order, as in pycocotools.
    """
    # NumPy sorts numbers of 16 bits by counting them.
    small = pairs.max(initial=0) < 1 << 16
    order = np.argsort(pairs.astype(np.uint16) if small else pairs, kind="stable")
    of_one_pair = np.diff(pairs[order]) == 0
    # Most models give the best detections of an image first.
    if (of_one_pair & (np.diff(scores[order]) > 0)).any():
        return np.lexsort((-scores, pairs))
    return order


@dataclass(frozen=True)
class _Objects:
    """The objects of the categories, by pair, see `_Rows`, and of one pair in file order.

    Args:
        items: As annotated.
        each_pair: int64 [M], ascending.
        boxes: float64 [M, 4].
        crowds: bool [M].
        ignored: bool [area, M], which do not count.
        pairs: int64 [P], those that have any, ascending.
        counts: int32 [area, P], how many of each count.
    """

    items: Sequence[CocoAnnotation]
    each_pair: NDArray[np.int64]
    boxes: NDArray[np.float64]
    crowds: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    pairs: NDArray[np.int64]
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
    objects, pairs = [objects[index] for index in order.tolist()], pairs[order]
    boxes = np.array([item.bbox for item in objects], np.float64).reshape(-1, 4)
    crowds = np.array([item.is_crowd for item in objects], bool)
    ignored = out_of_range(np.array([item.area for item in objects], np.float64), parameters)
    ignored |= crowds
    present, starts = np.unique(pairs, return_index=True)
    counts = np.zeros((len(ignored), len(present)), np.int32)
    if len(present):
        np.add.reduceat(~ignored, starts, axis=1, dtype=np.int32, out=counts)
    return _Objects(objects, pairs, boxes, crowds, ignored, present, counts)


def _matches(
    parameters: Params, rows: _Rows, objects: _Objects, images: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """`matched` and `ignored` of all rows, see `CategoryMatches`."""
    least = np.minimum(parameters.iouThrs, MOST_IOU)
    weights = (1 << np.arange(len(least))).astype(np.uint16)
    outside = out_of_range(rows.areas, parameters)
    matched = np.zeros(outside.shape, np.uint16)
    ignored = outside * np.uint16(weights.sum())
    overlaps = overlaps_of(
        Boxes(rows.pairs, rows.boxes),
        Boxes(objects.each_pair, objects.boxes),
        objects.crowds,
        images,
        least.min(),
    )
    matcher = PairMatcher(parameters)
    contested = _contested(overlaps, objects)
    plain = overlaps.take(~np.isin(rows.pairs[overlaps.rows], contested))
    met = _best_of_each(plain, least, weights)
    unwanted = objects.ignored[:, plain.objects] * met
    matched[:, plain.rows] = met
    # What matched nothing counts unless it is of another size itself.
    ignored[:, plain.rows] = unwanted | (ignored[:, plain.rows] & ~met)
    for pair in contested.tolist():
        own = slice(*np.searchsorted(rows.pairs, [pair, pair + 1]).tolist())
        theirs = slice(*np.searchsorted(objects.each_pair, [pair, pair + 1]).tolist())
        some, met, unwanted = matcher.bits(
            PairRows(rows.boxes[own], rows.areas[own], rows.scores[own]),
            objects.items[theirs],
            objects.ignored[:, theirs],
        )
        some = some + own.start
        matched[:, some] = met
        ignored[:, some] = unwanted | (ignored[:, some] & ~met)
        alive()
    return matched, ignored


def _contested(overlaps: Overlaps, objects: _Objects) -> NDArray[np.int64]:
    """The pairs where more than the order of detections settles who matches what, ascending.

    A detection overlaps several objects, or a crowd, which takes any number of them; or an IoU is
    NaN.
    """
    again = np.zeros(len(overlaps.rows), bool)
    again[1:] = overlaps.rows[1:] == overlaps.rows[:-1]
    odd = again | objects.crowds[overlaps.objects] | np.isnan(overlaps.ious)
    return np.unique(objects.each_pair[overlaps.objects[odd]])


def _best_of_each(
    overlaps: Overlaps, least: NDArray[np.float64], weights: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    """By IoU bits: which overlaps are matches, where each detection overlaps one object.

    An object is matched by the first detection that overlaps it enough, for they stand by score.
    """
    order = np.lexsort((overlaps.rows, overlaps.objects))
    objects, ious = overlaps.objects[order], overlaps.ious[order]
    met = np.zeros(len(order), np.uint16)
    for iou, weight in zip(least.tolist(), weights, strict=True):
        enough = np.flatnonzero(ious >= iou)
        first = np.ones(len(enough), bool)
        first[1:] = objects[enough[1:]] != objects[enough[:-1]]
        met[order[enough[first]]] |= weight
    return met


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
