"""Average precision of two sides on the same labelled images, and how sure the difference is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from validation.coco.bootstrap import ap_differences
from validation.coco.categories import CategoryJoin, join_categories
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate_with_matches
from validation.coco.labelled_images import labelled_images
from validation.comparison.operating_sides import OperatingRule, shown_sides
from validation.explanation.detected import disagreement_rule
from validation.explanation.facts import AccuracyFacts, OtherFeed, RightDetections
from validation.explanation.interface import is_overruled
from validation.explanation.sides import Side
from validation.inference.model_file import TfliteModel
from validation.policy.load import Policy
from validation.preprocess.feed import FeedWay, has_usable_scale
from validation.record.ap_difference import Figure
from validation.record.detections import Detections

_OTHER = "the two are scored on other categories, so that their figures cannot be compared"


def joins_of(sides: tuple[Side, Side], dataset: Dataset) -> tuple[CategoryJoin, CategoryJoin]:
    """The category that each class of each side is scored as.

    A side without names takes the other's where both have as many classes, for they are to be
    scored on the same categories.

    Raises:
        DatasetError: See `join_categories`.
    """
    joined = tuple(
        join_categories(named.labels.names, dataset, side.num_classes, named.labels.count)
        for side, named in zip(sides, named_alike(sides), strict=True)
    )
    return joined[0], joined[1]


def named_alike(sides: tuple[Side, Side]) -> tuple[Side, Side]:
    """Whose names each side's classes have: its own, or the other's where it has none."""
    first, second = sides
    if first.num_classes != second.num_classes or not (first.labels.names or second.labels.names):
        return sides
    return (first if first.labels.names else second, second if second.labels.names else first)


def accuracy_facts(
    sides: tuple[Side, Side],
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    dataset: Dataset,
    joins: tuple[CategoryJoin, CategoryJoin],
    policy: Policy,
) -> AccuracyFacts:
    """Score both sides and find the interval of the difference.

    Args:
        sides: They name the classes.
        runs: What each detects, by image key.
        dataset: Labelled images, each in both runs.
        joins: Of `joins_of`.
        policy: Has the settings of the bootstrap.

    Raises:
        DatasetError: Nothing could be scored.
    """
    scored = [
        evaluate_with_matches(
            dataset,
            {int(key): found for key, found in run.items()},
            category_ids=join.categories,
        )
        for run, join in zip(runs, joins, strict=True)
    ]
    (one, ours), (other, theirs) = scored
    comparable, alike = ours.same_data(theirs), ours.ranked_alike(theirs)
    differences = (
        ()
        if alike or not comparable
        else ap_differences(
            ours,
            theirs,
            int(policy.setting("bootstrap_replicates")),
            int(policy.setting("bootstrap_seed")),
        )
    )
    return AccuracyFacts(
        data_set=dataset.name,
        images=one.images,
        first=one.figures,
        second=other.figures,
        ranked_alike=alike,
        ap=next((each for each in differences if each.figure is Figure.AP), None),
        right=_right(sides, runs, dataset, joins[0], policy),
        notes=tuple(
            dict.fromkeys([*([] if comparable else [_OTHER]), *_notes(sides, dataset, joins)])
        ),
    )


def _right(
    sides: tuple[Side, Side],
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    dataset: Dataset,
    join: CategoryJoin,
    policy: Policy,
) -> RightDetections | None:
    if sides[0].num_classes != sides[1].num_classes:
        return None
    rule = disagreement_rule(sides, policy)
    shown = shown_sides(
        *runs,
        labelled_images(dataset, join.categories),
        OperatingRule(rule.min_score, rule.score_epsilon, rule.min_iou, rule.moved_iou),
        [class_id for class_id, category in join.categories.items() if category is None],
    )
    counts = (shown.reference.right, shown.reference.against, shown.candidate.against)
    return RightDetections(*(int(each.sum()) for each in counts))


def stated_feed(side: Side) -> TfliteModel | None:
    """The file fed what is stated of it, where that is not what it is fed."""
    model = side.tflite
    if model is None or not is_overruled(side) or not has_usable_scale(model.file.inputs[0]):
        return None
    feeding = dataclasses.replace(model.feeding, way=FeedWay.QUANTISED)
    return dataclasses.replace(model, feeding=feeding)


def other_feed(
    side: Side, detected: Mapping[str, Detections], dataset: Dataset, join: CategoryJoin
) -> OtherFeed:
    """What a file scores, fed what is stated of it.

    Args:
        side: As it is fed.
        detected: By `stated_feed` of that side, of each image.
        dataset: The same images.
        join: Of that side.
    """
    found = {int(key): each for key, each in detected.items()}
    scored, _ = evaluate_with_matches(dataset, found, category_ids=join.categories)
    stated = side.tflite.feeding.stated_by if side.tflite is not None else ""
    return OtherFeed(side.name, stated, scored.figures.ap)


def _notes(
    sides: tuple[Side, Side], dataset: Dataset, joins: tuple[CategoryJoin, CategoryJoin]
) -> list[str]:
    borrowed = [
        f"{side.name} has no class names: those of {named.name} are taken"
        for side, named in zip(sides, named_alike(sides), strict=True)
        if named is not side
    ]
    said = [text for join in joins for text in join.facts.describe()]
    return [*borrowed, *said, *(notice.describe() for notice in dataset.notices)]
