"""How detections lie to the labelled objects: in place, under another reading, or classes moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from validation.coco.dataset import Dataset
from validation.coco.label_readings import Reading, better_reading
from validation.coco.shown_on_labels import (
    LabelTable,
    MetObjects,
    image_sizes,
    label_table,
    met_objects,
    shown_table,
)
from validation.comparison.labelled_sense import MovedRules, moved_classes
from validation.diagnosis.agreement import Found
from validation.record.detections import Detections
from validation.record.difference_facts import ClassFacts
from validation.workspace.context import CheckContext, class_join

Categories = Mapping[int, int | None]


@dataclass(frozen=True)
class LabelRelation:
    """Detections laid over the labelled objects.

    Args:
        categories: Category id of each class id; None for a class that is not scored.
        every: The objects.
        own: Those of a category that a class stands for.
        met: Which of `every` are met, and by what.
        reading: Another reading of the labels, under which both lie together; None where none is.
        moved: Classes that are called by another's number; None where none is.
    """

    categories: Categories
    every: LabelTable
    own: LabelTable
    met: MetObjects
    reading: Reading | None
    moved: ClassFacts | None

    @property
    def is_in_place(self) -> bool:
        """Detections and labels go together as they are."""
        return self.reading is None and self.moved is None


def label_relation(
    context: CheckContext, dataset: Dataset, found: Found, min_score: float
) -> LabelRelation:
    """Lay detections over the objects.

    Args:
        context: The file under test.
        dataset: The labelled images.
        found: By image key; finite.
        min_score: From which a detection is shown.
    """
    categories = class_join(context, dataset).categories
    shown = shown_table(dataset, found, min_score)
    every = label_table(dataset)
    own = every.of({category for category in categories.values() if category is not None})
    met = met_objects(every, shown, categories)
    reading = better_reading(own, shown, categories, image_sizes(dataset))
    rules = MovedRules.of(context.policy)
    moved = moved_classes(met.scores, categories, rules) if reading is None else None
    return LabelRelation(categories, every, own, met, reading, moved)


def classes_put_back(categories: Categories, moved: ClassFacts) -> Categories:
    """The category of each class, with the classes where the labels have them."""
    if moved.step:
        count = len(categories)
        return {key: categories[(key - 1 - moved.step) % count + 1] for key in categories}
    back = {called: categories.get(labelled) for called, labelled in moved.pairs}
    return {**categories, **back}


def detections_put_back(found: Detections, moved: ClassFacts, num_classes: int) -> Detections:
    """Detections with the classes that the labels have; a step comes back at the other end."""
    if moved.step:
        classes = (found.classes - 1 - moved.step) % num_classes + 1
    else:
        back = dict(moved.pairs)
        classes = np.array([back.get(each, each) for each in found.classes.tolist()], np.int64)
    return replace(found, classes=classes)


def labelled_objects(context: CheckContext, dataset: Dataset) -> Found:
    """The objects of each labelled image that has any, by the model's own classes."""
    join = class_join(context, dataset)
    classes = {category: each for each, category in join.categories.items() if category}
    sizes = {image.id: (image.height, image.width) for image in dataset.images}
    objects: dict[int, list[tuple[tuple[float, ...], int]]] = {}
    for item in dataset.ground_truth:
        if item.is_crowd or item.category_id not in classes:
            continue
        height, width = sizes[item.image_id]
        x, y, wide, tall = item.bbox
        box = (y / height, x / width, (y + tall) / height, (x + wide) / width)
        objects.setdefault(item.image_id, []).append((box, classes[item.category_id]))
    return {
        str(image): Detections(
            [box for box, _ in each], np.ones(len(each)), [name for _, name in each]
        )
        for image, each in objects.items()
    }
