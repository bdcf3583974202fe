"""What a file shows, laid over the labelled objects, and which faults explain it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from validation.checks.both_sides import reference_detections
from validation.checks.confirmed_parts import shared_places
from validation.checks.label_relation import (
    Categories,
    classes_put_back,
    label_relation,
    sure_detections,
)
from validation.checks.scored_sides import subject_score
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate
from validation.coco.label_readings import Reading, dataset_read
from validation.coco.shown_on_labels import LabelTable
from validation.comparison import plausibility_diagnoses as named
from validation.comparison.labelled_sense import (
    LabelledSense,
    LostRules,
    MovedRules,
    lost_classes,
    renamed_categories,
)
from validation.diagnosis.agreement import Found
from validation.errors import DatasetError, NotProvided
from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis, Place
from validation.workspace.context import CheckContext


@dataclass(frozen=True)
class OnLabels:
    """What one side shows on the labelled objects.

    Args:
        sense: For the judgement.
        reading: Another one of the labels, under which both lie together; None where none is.
        categories: Category id of each class id.
        in_class: How many objects of each category are found as its class.
    """

    sense: LabelledSense
    reading: Reading | None
    categories: Categories
    in_class: Mapping[int, int]


def on_labels(
    context: CheckContext, dataset: Dataset, found: Found, min_score: float, *, asks_ap: bool
) -> OnLabels:
    """Lay one side's detections over the objects.

    Args:
        context: The file under test.
        dataset: The labelled images.
        found: By image key; finite.
        min_score: From which a detection is shown.
        asks_ap: They are the file's own, so that AP may say which class is never found.
    """
    seen = label_relation(context, dataset, found, min_score)
    sure, sure_alone = sure_detections(context, dataset, found)
    joined = [category for category in seen.categories.values() if category is not None]
    in_class = Counter(seen.every.categories[seen.met.in_class].tolist())
    rules = MovedRules.of(context.policy)
    sense = LabelledSense(
        objects=len(seen.own),
        met=int(np.isin(seen.every.categories[seen.met.met], sorted(joined)).sum()),
        in_class=int(seen.met.in_class.sum()),
        moved=seen.moved,
        renamed=renamed_categories(seen.met.scores, seen.categories, rules),
        lost=_lost(context, dataset, seen.categories, seen.own, in_class)
        if asks_ap and seen.is_in_place
        else (),
        read_otherwise=seen.reading is not None,
        sure=sure,
        sure_alone=sure_alone,
    )
    return OnLabels(sense, seen.reading, seen.categories, in_class)


def label_diagnoses(
    context: CheckContext, dataset: Dataset, found: Found, seen: OnLabels, min_score: float
) -> list[Diagnosis]:
    """What explains that labels and detections do not lie together; each undone to see.

    Args:
        context: The file under test.
        dataset: The labelled images.
        found: What the file detects.
        seen: See `on_labels`.
        min_score: From which a detection is shown.
    """
    key, sense = context.key, seen.sense
    names = context.class_names().names
    other = _reference(context, dataset, min_score)
    diagnoses: list[Diagnosis] = []
    if seen.reading is not None:
        one = seen.reading
        reading = named.of_reading(key, one.fault, one.expected, one.got, one.ties)
        read = dataset_read(dataset, one)
        diagnoses.append(_undone(context, dataset, reading, read, found, seen.categories))
    elif sense.moved is not None:
        shared = other is None or other.sense.moved is not None
        place, others = _of_moved(context) if shared else (Place.FILE, ())
        moved = named.of_moved_classes(key, sense.moved, names, place, others)
        back = classes_put_back(seen.categories, sense.moved)
        undone = _undone(context, dataset, moved, dataset, found, back)
        # Of a detector that hardly finds anything any class meets objects of any other.
        diagnoses += [] if named.is_worse_undone(undone) else [undone]
    diagnoses += [
        named.of_renamed(key, each, dataset.categories[each.category], names.get(each.class_id))
        for each in sense.renamed
    ]
    for each in sense.lost:
        category = seen.categories[each]
        is_found = category is not None and other is not None and bool(other.in_class[category])
        place = Place.FILE if is_found else Place.GRAPH
        diagnoses.append(named.of_lost(key, names.get(each, f"class {each}"), place))
    return diagnoses


def _of_moved(context: CheckContext) -> tuple[Place, tuple[Place, ...]]:
    """Whose class numbers are others: the labels', where two files state the heads of classes."""
    places = shared_places(context)
    if places.confirms_weights:
        return Place.LABELS, ()
    return places.weights, (Place.LABELS,)


def finds_nothing(context: CheckContext, dataset: Dataset, min_score: float) -> list[Diagnosis]:
    """Of a file that meets next to no object: said where its reference meets none either.

    Args:
        context: The file under test.
        dataset: The labelled images.
        min_score: From which a detection is shown.
    """
    key, other = context.key, _reference(context, dataset, min_score)
    floor = context.policy.limit("plausibility", "met_share", key.model, key.variant)
    is_shared = other is None or floor.status(other.sense.met_share) is not Status.PASS
    return [named.of_nothing(key)] if is_shared else []


def _reference(context: CheckContext, dataset: Dataset, min_score: float) -> OnLabels | None:
    """The same of the reference; None where it detects nothing by itself."""
    try:
        found = reference_detections(context)
    except NotProvided:
        return None
    if not all(each.is_finite for each in found.values()):
        return None
    return on_labels(context, dataset, found, min_score, asks_ap=False)


def _lost(
    context: CheckContext,
    dataset: Dataset,
    categories: Categories,
    own: LabelTable,
    shown: Mapping[int, int],
) -> tuple[int, ...]:
    """Classes that are never found, by AP: asked for only where none is shown in place."""
    policy = context.policy
    rules = LostRules(
        policy.setting("lost_class_ap"),
        int(policy.setting("lost_class_objects")),
        policy.setting("lost_class_others_ap"),
    )
    class_of = {category: key for key, category in categories.items() if category is not None}
    objects = Counter(own.categories.tolist())
    if not any(
        count >= rules.least_objects and not shown.get(category)
        for category, count in objects.items()
    ):
        return ()
    ap = subject_score(context, dataset).per_category
    return lost_classes(
        {class_of[category]: value for category, value in ap.items() if category in class_of},
        {class_of[category]: count for category, count in objects.items()},
        rules,
    )


def _undone(
    context: CheckContext,
    dataset: Dataset,
    diagnosis: Diagnosis,
    other: Dataset,
    found: Found,
    categories: Categories,
) -> Diagnosis:
    """With AP as it is and with the labels or classes put right; without, where none can be had."""
    try:
        before = subject_score(context, dataset).accuracy.figures.ap
        after = _ap(other, found, categories)
    except DatasetError:
        return diagnosis
    return named.undone(diagnosis, before, after)


def _ap(dataset: Dataset, found: Found, categories: Categories) -> float:
    own = {}
    for image in dataset.images:
        each = found[str(image.id)]
        known = [key in categories for key in each.classes.tolist()]
        own[image.id] = each.take(np.array(known, bool))
    return evaluate(dataset, own, category_ids=categories).figures.ap
