"""A given file's contract against its reference's, with what each difference costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from validation.checks.accuracy import NO_DATA
from validation.checks.contract_costs import Repair, repair_of, with_costs
from validation.checks.contract_runs import detections_with
from validation.checks.contract_sides import (
    contract_of,
    reason,
    reference_facts,
    subject_facts,
)
from validation.checks.judged_files import files_beside, judged_file, reference_file
from validation.checks.saved_model_sides import SavedModelSides, saved_model_sides
from validation.checks.scored_sides import score
from validation.coco.dataset import Dataset
from validation.comparison.contract_differences import Compared, SideFacts, contract_differences
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.reference_differences import (
    check_reference_contract,
    differences_of_detections,
    differences_of_scores,
    worst_first,
)
from validation.errors import NotProvided
from validation.record.detections import Detections
from validation.record.difference_facts import DifferenceKind
from validation.record.lines import Entry
from validation.record.reference_differences import NotCompared, ReferenceDifferences
from validation.specs.contracts import CLASS_PREDICTIONS_NAME
from validation.workspace.context import CheckContext
from validation.workspace.given_subject import GivenSubject
from validation.workspace.saved_model_reference import SavedModelReference
from validation.workspace.sides import Reference, Subject

_OF_DETECTIONS = (
    DifferenceKind.CLASS_SHIFT,
    DifferenceKind.CLASS_ORDER,
    DifferenceKind.SCORE_KIND,
)


def reference_contract(context: CheckContext) -> list[Entry]:
    """The given file's input, outputs, classes, anchors and attributes are its reference's."""
    judged = judged_file(context, context.subject.path)
    beside = files_beside(context, judged)
    found = contract_entries(context, context.subject, context.reference)
    return [judged, *beside, *reference_file(context), *found]


def contract_entries(context: CheckContext, subject: Subject, reference: Reference) -> list[Entry]:
    """What differs between the sides, priced where there are labels, and its judgement."""
    rules = DifferenceRules.of(context.policy)
    ours = reference_facts(reference, subject)
    theirs = subject_facts(subject, contract_of(reference)[0])
    decoded = _decoded(context, subject, reference)
    if decoded is not None:
        ours = decoded.implied(ours, theirs, rules)
    compared = contract_differences(ours, theirs, rules)
    compared += class_differences(context, subject, reference, decoded, rules)
    key = context.key
    found = ReferenceDifferences(
        key.model,
        key.variant,
        reference.kind,
        compared.differences,
        compared.kinds,
        compared.reasons,
        file=key.file,
    )
    found = dataclasses.replace(found, differences=worst_first(found))
    found = _priced(context, subject, found, ours, theirs)
    return [found, check_reference_contract(found, context.policy, key)]


def _decoded(
    context: CheckContext, subject: Subject, reference: Reference
) -> SavedModelSides | None:
    """A SavedModel's boxes and scores of every anchor beside the file's raw outputs."""
    if not (isinstance(subject, GivenSubject) and isinstance(reference, SavedModelReference)):
        return None
    try:
        return saved_model_sides(subject, reference, len(context.parity_images))
    except NotProvided:
        return None


def class_differences(
    context: CheckContext,
    subject: Subject,
    reference: Reference,
    decoded: SavedModelSides | None,
    rules: DifferenceRules,
) -> Compared:
    """By raw scores of the first images where both sides have them, else by detections."""
    try:
        ours, theirs, numbers = _raw_scores(context, subject, reference, decoded)
    except NotProvided:
        return _by_detections(subject, reference, rules)
    found = differences_of_scores(ours, theirs, numbers, rules)
    if not found.not_compared:
        return found
    other = _by_detections(subject, reference, rules)
    return found if len(other.kinds) <= len(found.kinds) else other


def _raw_scores(
    context: CheckContext,
    subject: Subject,
    reference: Reference,
    decoded: SavedModelSides | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[int, int]]:
    """Of the reference and of the file, and how many classes each has.

    Raises:
        NotProvided: One of them has none.
    """
    if decoded is not None:
        both = decoded.scores(subject.num_classes)
        if both is None:
            raise NotProvided("the SavedModel gives scores of another number of classes")
        return *both, (subject.num_classes, subject.num_classes)
    count = len(context.parity_images)
    return (
        reference.raw_outputs(count)[CLASS_PREDICTIONS_NAME],
        subject.raw_outputs(count)[CLASS_PREDICTIONS_NAME],
        (reference.contract.num_classes, subject.num_classes),
    )


def _by_detections(subject: Subject, reference: Reference, rules: DifferenceRules) -> Compared:
    try:
        ours, theirs = reference.detections(), subject.detections()
    except NotProvided as error:
        return Compared(not_compared=(NotCompared(_OF_DETECTIONS, reason(error)),))
    return differences_of_detections(ours, theirs, rules)


def _priced(
    context: CheckContext,
    subject: Subject,
    found: ReferenceDifferences,
    ours: SideFacts,
    theirs: SideFacts,
) -> ReferenceDifferences:
    """With costs; or with why there are none."""
    dataset = context.dataset
    if not found.differences:
        return found
    if dataset is None:
        return dataclasses.replace(found, unpriced=f"no cost: {NO_DATA}")
    repairs = {each.kind: repair_of(each, ours, theirs) for each in found.differences}
    return with_costs(
        found,
        {kind: repair for kind, repair in repairs.items() if repair is not None},
        lambda repair: _run(context, subject, repair),
        lambda detections, words: _ap(context, dataset, detections, words),
        len(dataset.images),
    )


def _run(context: CheckContext, subject: Subject, repair: Repair) -> Mapping[str, Detections]:
    return detections_with(repair, subject, context.runs, context.key)


def _ap(
    context: CheckContext, dataset: Dataset, detections: Mapping[str, Detections], words: str
) -> float:
    subject = f"{context.key.label}, {words}"
    scored = score(context, dataset, context.key, subject, detections, 0.0, None)
    return scored.accuracy.figures.ap
