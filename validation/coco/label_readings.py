"""Other readings of labels, tried where detections lie elsewhere than the labelled boxes.

A detector that finds things lays its boxes on the objects. Where the labels lie elsewhere and one
other reading of them brings them together, the labels are read wrongly and not the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from validation.coco.box_formats import BoxFormat, in_coco_layout
from validation.coco.dataset import Dataset
from validation.coco.shown_on_labels import LabelTable, ShownTable, met_objects
from validation.record.diagnosis import FaultKind

_Ints = NDArray[np.int64]

# So many objects that are alone of their kind on an image say how large the labels are drawn.
_LEAST_PAIRS = 5
# What careless labels and boxes of a detector differ by.
_SAME_SIZE = 0.05
# A reading that brings together what was apart: so many more of the objects are met, and so many
# times as many as before. By chance boxes lie on a few of a hundred.
_LEAST_GAIN, _LEAST_MORE, _LEAST_FACTOR = 0.1, 5, 1.5


@dataclass(frozen=True, eq=False)
class Reading:
    """The same labels, read otherwise.

    Args:
        fault: What was wrong with the reading that is used.
        expected: How they are to be read, in words.
        got: How they are read.
        labels: The objects, read so.
        ties: What else would show the same.
    """

    fault: FaultKind
    expected: str
    got: str
    labels: LabelTable
    ties: tuple[FaultKind, ...] = ()


def better_reading(
    labels: LabelTable,
    shown: ShownTable,
    categories: Mapping[int, int | None],
    images: NDArray[np.int64],
) -> Reading | None:
    """The reading under which clearly more objects are met; None where there is none.

    Args:
        labels: Objects that some class stands for.
        shown: Detections.
        categories: Category id of each class id.
        images: [I, 2], width and height of each image.
    """

    def met(one: LabelTable) -> float:
        return float(met_objects(one, shown, categories).met.mean()) if len(one) else 0.0

    before = met(labels)
    # Most are met, so that no reading could bring clearly more together.
    if not len(shown) or before + _LEAST_GAIN > 1 or before * _LEAST_FACTOR > 1:
        return None
    tried = [(met(each.labels), each) for each in _readings(labels, shown, categories, images)]
    if not tried:
        return None
    after, best = max(tried, key=lambda one: one[0])
    more = after - before
    clear = more >= _LEAST_GAIN and more * len(labels) >= _LEAST_MORE
    clear = clear and after >= _LEAST_FACTOR * before
    return best if clear else None


def dataset_read(dataset: Dataset, reading: Reading) -> Dataset:
    """The data set with the labels of a reading, to be scored; crowds are left out."""
    own = [item for item in dataset.ground_truth if not item.is_crowd]
    of_category = set(reading.labels.categories.tolist())
    own = [item for item in own if item.category_id in of_category]
    ids = [image.id for image in dataset.images]
    items = []
    for item, box, image in zip(
        own, reading.labels.boxes.tolist(), reading.labels.images.tolist(), strict=True
    ):
        x, y, width, height = box
        items.append(
            replace(
                item,
                image_id=ids[image],
                bbox=(x, y, width, height),
                area=max(width, 0.0) * max(height, 0.0),
            )
        )
    return replace(dataset, ground_truth=tuple(items))


def _readings(
    labels: LabelTable,
    shown: ShownTable,
    categories: Mapping[int, int | None],
    images: NDArray[np.int64],
) -> Iterator[Reading]:
    for form in BoxFormat:
        if form is not BoxFormat.XYWH:
            boxes = in_coco_layout(labels.boxes, labels.sizes, form, "labels")
            yield Reading(
                FaultKind.BOX_LAYOUT, form.value, BoxFormat.XYWH.value, labels.with_boxes(boxes)
            )
    yield Reading(
        FaultKind.BOX_LAYOUT,
        "y, x, height, width",
        "x, y, width, height",
        labels.with_boxes(labels.boxes[:, [1, 0, 3, 2]]),
        (FaultKind.BOX_AXES,),
    )
    factors = _factors(labels, shown, categories)
    if factors is not None:
        yield Reading(
            FaultKind.LABELLED_SIZE,
            "boxes in pixels of the image",
            f"boxes {_times(factors)} as large",
            labels.with_boxes(labels.boxes / np.tile(factors, 2)),
        )
    for step, whose in ((1, "next"), (-1, "previous")):
        other = (labels.images + step) % max(len(images), 1)
        moved = replace(labels, images=other, sizes=images[other])
        yield Reading(
            FaultKind.OTHER_IMAGES, "labels of each image", f"those of the {whose} one", moved
        )


def _times(factors: tuple[float, float]) -> str:
    across, down = factors
    if abs(across / down - 1) < _SAME_SIZE:
        return f"{_rounded(math.sqrt(across * down))} times"
    return f"{_rounded(across)} (width) and {_rounded(down)} (height) times"


def _rounded(factor: float) -> str:
    """To a twentieth, and small ones to two digits: so near it is known."""
    return f"{round(20 * factor) / 20:g}" if factor >= _SAME_SIZE * 10 else f"{factor:.2g}"


def _factors(
    labels: LabelTable, shown: ShownTable, categories: Mapping[int, int | None]
) -> tuple[float, float] | None:
    """Width and height of the labels over those of the detections, about the upper left corner.

    Of objects that are alone of their category on an image, as their detection is: what belongs
    together is then known wherever the boxes lie.
    """
    called = np.array([categories.get(key) or -1 for key in shown.classes.tolist()], np.int64)
    objects = _alone(labels.images, labels.categories)
    detections = _alone(shown.images, called)
    pairs = [(objects[key], detections[key]) for key in objects.keys() & detections.keys()]
    if len(pairs) < _LEAST_PAIRS:
        return None
    rows, columns = np.array(pairs).T
    ends = labels.boxes[rows, :2] + labels.boxes[rows, 2:]
    found = shown.boxes[columns][:, [3, 2]] * labels.sizes[rows]
    ratios = ends / np.maximum(found, 1e-9)
    across, down = (float(value) for value in np.median(ratios, axis=0))
    if max(abs(across - 1), abs(down - 1)) < _SAME_SIZE or min(across, down) <= 0:
        return None
    return across, down


def _alone(images: np.ndarray, kinds: np.ndarray) -> dict[tuple[int, int], int]:
    """The row of each image and kind that has one row only."""
    seen: dict[tuple[int, int], int] = {}
    doubled = set()
    for row, key in enumerate(zip(images.tolist(), kinds.tolist(), strict=True)):
        if key in seen:
            doubled.add(key)
        seen[key] = row
    return {key: row for key, row in seen.items() if key not in doubled}
