"""COCO accuracy of the reference, the file under test, and what other flags would cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from validation.checks.both_sides import candidate_detections
from validation.checks.hypotheses import hidden_disagreement_explained
from validation.checks.scored_sides import (
    Scored,
    labels_of,
    reference_score,
    scores,
    subject_score,
)
from validation.checks.shared_hypotheses import shared_fault, undone_gain
from validation.checks.shipped_flags import cost_of_flags
from validation.coco.dataset import Dataset
from validation.coco.intervals import ap_difference
from validation.coco.matches import read_matches
from validation.coco.results_meeting import meeting
from validation.comparison.ap_difference import (
    check_accuracy,
    check_accuracy_alone,
    with_images_needed,
)
from validation.policy.limits import Status
from validation.record.ap_difference import ApDifference
from validation.record.dataset_notices import DatasetNotice
from validation.record.installed import installed_version
from validation.record.lines import Entry
from validation.record.results_facts import Meeting
from validation.record.run import Stage
from validation.record.types import CheckResult, Measure
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext
from validation.workspace.products import code_sha256

NO_DATA = (
    "no labelled images were given, so accuracy is not known: pass --coco-annotations and "
    "--coco-images"
)


def accuracy(context: CheckContext) -> list[Entry]:
    """The .tflite keeps the average precision of the archive's own graph."""
    if context.dataset is None:
        return [CheckResult.unknown("accuracy", context.key, NO_DATA)]
    if context.reference.kind is ReferenceKind.NONE:
        return _accuracy_alone(context, context.dataset)
    scored = scores(context)
    reference, candidate, *others = scored
    difference = _difference(context, reference, candidate)
    shared = shared_fault(context, reference.accuracy.figures.ap)
    result = check_accuracy(
        reference.accuracy,
        candidate.accuracy,
        context.policy,
        _notices(context),
        difference=difference,
        undone_gain=undone_gain(shared),
    )
    explained = hidden_disagreement_explained(context) if _is_other(result) else ()
    # The reference belongs to the model: one line, whichever variant is judged by it.
    own: list[Entry] = [reference.accuracy, reference.evidence] if context.is_first else []
    if context.has_shipped_flags:
        own += cost_of_flags(context, candidate.accuracy, others[0].accuracy)
    return [
        *own,
        candidate.accuracy,
        candidate.evidence,
        *(other.accuracy for other in others),
        with_images_needed(difference, result),
        *explained,
        *shared,
        result,
    ]


def _is_other(result: CheckResult) -> bool:
    """The file's AP is not its reference's."""
    return any(
        each.status is not Status.PASS
        for each in result.measures
        if each.name in ("ap_drop", "ap_gain")
    )


def _accuracy_alone(context: CheckContext, dataset: Dataset) -> list[Entry]:
    own = subject_score(context, dataset)
    met = _met(context, dataset)
    shared = shared_fault(context, own.accuracy.figures.ap)
    result = check_accuracy_alone(
        own.accuracy,
        met,
        context.policy,
        _notices(context),
        undone_gain=undone_gain(shared),
    )
    return [own.accuracy, own.evidence, *shared, result]


def _met(context: CheckContext, dataset: Dataset) -> Meeting:
    """How what an app would show lies to the objects: below that a box has many classes' scores."""
    threshold = context.policy.setting("picture_min_score")
    labels = labels_of(context, dataset)
    shown = {
        image: labels.of_its_classes(found.take(found.scores >= threshold))
        for image, found in candidate_detections(context).items()
    }
    return meeting(dataset, shown, labels.categories)


def differences(context: CheckContext) -> ApDifference | None:
    """How far the file is from the reference, with intervals; None without labels."""
    scored = scores(context)
    return _difference(context, *scored[:2]) if scored else None


def undecided_figures(context: CheckContext) -> tuple[Measure, ...]:
    """Gain and loss whose intervals lie on both sides of their limits: too few images to tell."""
    if context.dataset is None or context.reference.kind is ReferenceKind.NONE:
        return ()
    result, _ = compared(context, context.dataset)
    return tuple(each for each in result.measures if each.is_undecided)


def compared(context: CheckContext, dataset: Dataset) -> tuple[CheckResult, float]:
    """Gain and loss with their intervals, and the AP of the reference; no fault is looked for."""
    sides = reference_score(context, dataset), subject_score(context, dataset)
    reference, candidate = (each.accuracy for each in sides)
    difference = _difference(context, *sides)
    result = check_accuracy(reference, candidate, context.policy, difference=difference)
    return result, reference.figures.ap


def _difference(context: CheckContext, reference: Scored, candidate: Scored) -> ApDifference:
    subject = candidate.accuracy.subject
    replicates = int(context.policy.setting("bootstrap_replicates"))
    seed = int(context.policy.setting("bootstrap_seed"))

    def find(_: Path) -> ApDifference:
        sides = [read_matches(Path(side.evidence.path)) for side in (reference, candidate)]
        return ap_difference(
            context.key, subject, sides[0], sides[1], replicates, seed, context.level
        )

    made_from = {
        "key": str(context.key),
        "subject": subject,
        "matches": [side.evidence.sha256 for side in (reference, candidate)],
        "replicates": replicates,
        "seed": seed,
        "level": context.level,
        "numpy": installed_version("numpy"),
        "code": code_sha256("coco"),
    }
    found = context.work.facts(
        context.key.model,
        Stage.SCORE,
        f"interval of {subject}",
        made_from,
        ApDifference,
        find,
    )
    names = context.dataset.categories if context.dataset else {}
    scored = {key: names.get(key, "") for key in candidate.accuracy.category_ids}
    return replace(found, names=scored)


def _notices(context: CheckContext) -> tuple[DatasetNotice, ...]:
    return () if context.dataset is None else context.dataset.notices
