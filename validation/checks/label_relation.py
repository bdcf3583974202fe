"""How detections lie to the labelled objects: in place, under another reading, or classes moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from validation.coco.dataset import Dataset
from validation.coco.label_readings import Reading, better_reading
from validation.coco.labelled_images import ground_truth
from validation.coco.shown_on_labels import (
    LabelTable,
    MetObjects,
    image_sizes,
    label_table,
    met_objects,
    on_no_object,
    shown_table,
)
from validation.comparison.labelled_sense import MovedRules, moved_classes
from validation.diagnosis.agreement import Found
from validation.diagnosis.hypotheses import spread
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
    return {
        key: categories.get(labelled)
        for key, labelled in _labelled_as(moved, len(categories)).items()
    }


def detections_put_back(found: Detections, moved: ClassFacts, num_classes: int) -> Detections:
    """Detections with the classes that the labels have."""
    back = _labelled_as(moved, num_classes)
    classes = np.array([back.get(each, each) for each in found.classes.tolist()], np.int64)
    return replace(found, classes=classes)


def _labelled_as(moved: ClassFacts, num_classes: int) -> dict[int, int]:
    """The labels' class of each class; a step comes back at the other end."""
    classes = range(1, num_classes + 1)
    if moved.step:
        return {each: (each - 1 - moved.step) % num_classes + 1 for each in classes}
    return {each: each for each in classes} | dict(moved.pairs)


def labelled_objects(context: CheckContext, dataset: Dataset) -> Found:
    """The objects of each labelled image that has any, by the model's own classes."""
    objects = ground_truth(dataset, class_join(context, dataset).categories)
    return {image: own for image, own in objects.items() if len(own)}


def some_labelled(context: CheckContext, dataset: Dataset, among: Collection[str]) -> Found:
    """`labelled_objects` of as many images as hypotheses are held against, evenly chosen.

    Args:
        context: The file under test.
        dataset: The labelled images.
        among: Keys of the images that may be chosen.
    """
    labelled = labelled_objects(context, dataset)
    count = int(context.policy.setting("hypothesis_labelled_images"))
    keys = spread([image for image in labelled if image in among], count)
    return {image: labelled[image] for image in keys}


def sure_detections(context: CheckContext, dataset: Dataset, found: Found) -> tuple[int, int]:
    """How many detections have a high score, and how many of them lie on no object."""
    sure = shown_table(dataset, found, context.policy.setting("sure_score"))
    return len(sure), on_no_object(dataset, sure)
