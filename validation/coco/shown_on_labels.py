"""What a detector shows, laid over the labelled objects: which are met, and what they are called.

All images at once, so that other readings of the labels can be tried for nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.coco.dataset import Dataset
from validation.comparison.labelled_sense import ScoresOnObjects
from validation.errors import DatasetError, first_few
from validation.record.detections import Detections

_IOU = 0.5
_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelTable:
    """The objects of a data set, crowds left out.

    Args:
        images: int64 [N], each object's image, by its place in the data set.
        categories: int64 [N], category ids.
        boxes: float64 [N, 4], the four numbers of a box in pixels: x, y, width, height.
        sizes: int64 [N, 2], width and height of the image.
    """

    images: _Ints
    categories: _Ints
    boxes: _Floats
    sizes: _Ints

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.images)

    def of(self, categories: set[int]) -> LabelTable:
        """Objects of some categories alone."""
        kept = np.isin(self.categories, sorted(categories))
        return LabelTable(
            self.images[kept], self.categories[kept], self.boxes[kept], self.sizes[kept]
        )

    def with_boxes(self, boxes: _Floats) -> LabelTable:
        """The same objects elsewhere."""
        return dataclasses.replace(self, boxes=boxes)

    @property
    def corners(self) -> _Floats:
        """[N, 4] as ymin, xmin, ymax, xmax in shares of the image, cut to it."""
        low, high = self.boxes[:, :2], self.boxes[:, :2] + self.boxes[:, 2:]
        shares = np.concatenate([low / self.sizes, high / self.sizes], axis=1)
        return np.asarray(np.clip(shares[:, [1, 0, 3, 2]], 0, 1))


@dataclass(frozen=True, eq=False)
class ShownTable:
    """Detections from a score on, by image.

    Args:
        images: int64 [M], ascending places in the data set.
        classes: int64 [M], class ids.
        boxes: float64 [M, 4] as ymin, xmin, ymax, xmax in shares of the image, cut to it.
        scores: float64 [M].
    """

    images: _Ints
    classes: _Ints
    boxes: _Floats
    scores: _Floats

    def __len__(self) -> int:
        """Number of detections."""
        return len(self.images)


@dataclass(frozen=True, eq=False)
class MetObjects:
    """What is shown on each object at IoU 0.5.

    Args:
        met: bool [N], there is a detection of any class.
        in_class: bool [N], there is one of the object's own category.
        scores: How well each class is found on the objects of each category.
    """

    met: NDArray[np.bool_]
    in_class: NDArray[np.bool_]
    scores: ScoresOnObjects


def image_sizes(dataset: Dataset) -> _Ints:
    """[I, 2], width and height of each image."""
    sizes = [(image.width, image.height) for image in dataset.images]
    return np.array(sizes, np.int64).reshape(-1, 2)


def label_table(dataset: Dataset) -> LabelTable:
    """The objects of a data set."""
    place = {image.id: number for number, image in enumerate(dataset.images)}
    own = [item for item in dataset.ground_truth if not item.is_crowd]
    images = np.array([place[item.image_id] for item in own], np.int64)
    return LabelTable(
        images,
        np.array([item.category_id for item in own], np.int64),
        np.array([item.bbox for item in own], np.float64).reshape(-1, 4),
        image_sizes(dataset)[images],
    )


def shown_table(dataset: Dataset, found: Mapping[str, Detections], min_score: float) -> ShownTable:
    """What is shown on the labelled images.

    Args:
        dataset: Gives the images.
        found: By image key, for every one of them.
        min_score: Detections of less are not shown.

    Raises:
        DatasetError: An image has no result.
    """
    lost = [image.id for image in dataset.images if str(image.id) not in found]
    if lost:
        raise DatasetError(
            f"{len(lost)} images without a result",
            expected=f"a result for each of {len(dataset.images)} images",
            got=f"image ids {first_few(lost)}",
            where=dataset.annotation_path.name,
        )
    each = [found[str(image.id)] for image in dataset.images]
    images = np.repeat(np.arange(len(each)), [len(one) for one in each])
    scores = np.concatenate([np.empty(0), *(one.scores for one in each)])
    classes = np.concatenate([np.empty(0, np.int64), *(one.classes for one in each)])
    boxes = np.concatenate([np.empty((0, 4)), *(one.boxes for one in each)])
    shown = scores >= min_score
    return ShownTable(images[shown], classes[shown], np.clip(boxes[shown], 0, 1), scores[shown])


def on_no_object(dataset: Dataset, shown: ShownTable) -> int:
    """How many of what is shown lie on no object of any category, nor in a crowd."""
    corners = label_table(dataset)
    crowds: dict[int, list[_Floats]] = {}
    place = {image.id: number for number, image in enumerate(dataset.images)}
    for item in dataset.ground_truth:
        if item.is_crowd:
            image = dataset.images[place[item.image_id]]
            x, y, width, height = item.bbox
            box = np.array([y, x, y + height, x + width]) / ([image.height, image.width] * 2)
            crowds.setdefault(place[item.image_id], []).append(box)
    alone = 0
    own = corners.corners
    for image in np.unique(shown.images).tolist():
        boxes = shown.boxes[shown.images == image]
        objects = own[corners.images == image]
        met = (_overlaps(boxes, objects) >= _TOUCHED).any(axis=1)
        for crowd in crowds.get(image, ()):
            met |= _shares_inside(boxes, crowd) >= _IOU
        alone += int(np.count_nonzero(~met))
    return alone


# Boxes that share less are of two things: of objects drawn carelessly most share more.
_TOUCHED = 0.2


def met_objects(
    labels: LabelTable, shown: ShownTable, categories: Mapping[int, int | None]
) -> MetObjects:
    """Which objects are met, and by what.

    Args:
        labels: The objects.
        shown: The detections.
        categories: Category id of each class id; None for one that is not scored.
    """
    first = np.searchsorted(shown.images, labels.images, "left")
    counts = np.searchsorted(shown.images, labels.images, "right") - first
    objects = np.repeat(np.arange(len(labels)), counts)
    within = np.arange(len(objects)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(first, counts) + within
    on = _iou(labels.corners[objects], shown.boxes[rows]) >= _IOU
    objects, rows = objects[on], rows[on]
    met = np.zeros(len(labels), bool)
    met[objects] = True
    called = np.array([categories.get(key) or -1 for key in shown.classes.tolist()], np.int64)
    same = called[rows] == labels.categories[objects]
    in_class = np.zeros(len(labels), bool)
    in_class[objects[same]] = True
    scores = _scores(labels, met, shown, objects, rows, len(categories))
    return MetObjects(met, in_class, scores)


def _scores(
    labels: LabelTable,
    met: NDArray[np.bool_],
    shown: ShownTable,
    objects: _Ints,
    rows: _Ints,
    num_classes: int,
) -> ScoresOnObjects:
    """Of detections, by row, and the objects that they are on."""
    ids, counts = np.unique(labels.categories, return_counts=True)
    known = (shown.classes[rows] >= 1) & (shown.classes[rows] <= num_classes)
    objects, rows = objects[known], rows[known]
    called = shown.classes[rows] - 1
    keys = objects * num_classes + called
    order = np.lexsort((shown.scores[rows], keys))
    # Of each object and class the last, which has the highest score.
    best = order[np.append(np.diff(keys[order]) > 0, np.ones(min(len(keys), 1), bool))]
    sums = np.zeros((len(ids), num_classes))
    of_category = np.searchsorted(ids, labels.categories[objects[best]])
    np.add.at(sums, (of_category, called[best]), shown.scores[rows[best]])
    hit = np.bincount(np.searchsorted(ids, labels.categories[met]), minlength=len(ids))
    means = sums / np.maximum(hit, 1)[:, np.newaxis]
    return ScoresOnObjects(tuple(ids.tolist()), tuple(counts.tolist()), tuple(hit.tolist()), means)


def _iou(first: _Floats, second: _Floats) -> _Floats:
    """[N] of corners [N, 4] and [N, 4]; 0 where neither has an area."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    one, two = (np.prod(np.maximum(b[:, 2:] - b[:, :2], 0), axis=1) for b in (first, second))
    union = one + two - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def _overlaps(first: _Floats, second: _Floats) -> _Floats:
    """[N, M], IoU of each pair of corners."""
    rows, columns = len(first), len(second)
    pairs = _iou(np.repeat(first, columns, axis=0), np.tile(second, (rows, 1)))
    return pairs.reshape(rows, columns)


def _shares_inside(boxes: _Floats, region: _Floats) -> _Floats:
    """[N], which share of each box lies in a region."""
    low, high = np.maximum(boxes[:, :2], region[:2]), np.minimum(boxes[:, 2:], region[2:])
    inside = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1)
    return np.asarray(np.divide(inside, areas, out=np.zeros_like(inside), where=areas > 0))
