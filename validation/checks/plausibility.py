"""What no right detector does: values, classes and boxes held against what any detector is."""

from __future__ import annotations

import dataclasses

from validation.checks.both_sides import candidate_detections
from validation.checks.end_to_end_parity import capacity
from validation.checks.on_labels import finds_nothing, label_diagnoses, on_labels
from validation.checks.scored_sides import subject_score
from validation.coco.dataset import Dataset
from validation.comparison.anchor_sense import AnchorSense, anchor_sense
from validation.comparison.detection_sense import detection_sense
from validation.comparison.plausibility import KnownAp, Sense, check_plausibility
from validation.comparison.plausibility_diagnoses import of_unlabelled, of_values
from validation.comparison.published_ap import published_ap
from validation.errors import NotProvided
from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis, Place, of_subject
from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.specs.references import ReferenceKind
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join
from validation.workspace.synthetic import GROUP as SEEDED_GROUP
from validation.zoo.bundled_files import BUNDLED_GROUP, SCENES_NAME, recorded_ap


def plausibility(context: CheckContext) -> list[Entry]:
    """The .tflite does what any detector does, whatever it is compared with."""
    found = candidate_detections(context)
    min_score = context.policy.operating_point(context.key.model).min_score
    # A given file may have no archive to ask, and comes from a training.
    is_trained = context.given is not None or context.build.entry.group != SEEDED_GROUP
    detections = detection_sense(found, min_score, capacity(context))
    anchors = _anchors(context)
    dataset = context.dataset if is_trained and not detections.not_finite else None
    seen = None if dataset is None else on_labels(context, dataset, found, min_score, asks_ap=True)
    unusual = _unusual(context)
    sense = Sense(
        detections,
        anchors,
        None if seen is None else seen.sense,
        is_trained,
        min_score,
        None if dataset is None else _known_ap(context, dataset),
        len(unusual),
    )
    result = check_plausibility(sense, context.policy, context.key)
    if result.status is Status.PASS:
        return [result]
    place = _place(context, sense)
    diagnoses: list[Diagnosis] = of_values(detections, anchors, result, place)
    if seen is not None and dataset is not None:
        diagnoses += label_diagnoses(context, dataset, found, seen, min_score)
        if _status(result, "met_share") is Status.UNKNOWN and not diagnoses:
            diagnoses += finds_nothing(context, dataset, min_score)
        elif _status(result, "sure_alone_share") is not Status.PASS and not diagnoses:
            diagnoses.append(of_unlabelled(context.key, seen.sense))
    return [*diagnoses, *unusual, result]


def _unusual(context: CheckContext) -> list[Diagnosis]:
    """Of the archive: said with the model's first subject."""
    if not context.is_first or context.given is not None:
        return []
    return list(of_subject(context.routes.unusual, context.key))


def _known_ap(context: CheckContext, dataset: Dataset) -> KnownAp | None:
    """Of the model's first subject: the others are compared with the same reference."""
    if not context.is_first or context.given is not None:
        return None
    entry, join = context.build.entry, class_join(context, dataset)
    is_recorded = entry.group == BUNDLED_GROUP and dataset.name == SCENES_NAME
    known = (
        recorded_ap(entry.name)
        if is_recorded
        else published_ap(
            entry.published,
            join.facts.joined,
            len(join.facts.left_classes),
            in_8_bits=variant_of(context.key.variant).is_quantised,
        )
    )
    if not known:
        return None
    return KnownAp(subject_score(context, dataset).accuracy.figures.ap, known, is_recorded)


def _status(result: CheckResult, measure: str) -> Status:
    """PASS where it was not measured."""
    return next((each.status for each in result.measures if each.name == measure), Status.PASS)


def _place(context: CheckContext, sense: Sense) -> Place:
    """Whose values they are: the file's alone, or already those of the graph it comes from."""
    reference = context.reference
    if reference.kind is not ReferenceKind.GRAPH:
        return Place.FILE
    shared = dataclasses.replace(
        sense,
        detections=detection_sense(reference.detections(), sense.min_score, 0),
        anchors=sense.anchors and anchor_sense(reference.anchors, 0, context.policy),
        labelled=None,
    )
    result = check_plausibility(shared, context.policy, context.key)
    return Place.GRAPH if result.status is Status.FAIL else Place.FILE


def _anchors(context: CheckContext) -> AnchorSense | None:
    try:
        if context.is_raw:
            return anchor_sense(context.subject.anchors, 0, context.policy)
        stored = context.subject.op_anchors
    except NotProvided:
        return None
    return anchor_sense(stored.values, stored.step, context.policy)
