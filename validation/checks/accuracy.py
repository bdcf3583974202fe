"""COCO accuracy of the reference, the file under test, and what other flags would cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from validation.checks.both_sides import candidate_detections, reference_detections
from validation.checks.hypotheses import hidden_disagreement_explained
from validation.checks.shared_hypotheses import shared_fault, undone_gain
from validation.checks.shipped_flags import cost_of_flags
from validation.coco.dataset import Dataset
from validation.coco.evaluate import CocoEvaluation, evaluate_with_matches
from validation.coco.intervals import ap_difference
from validation.coco.matches import read_matches, write_matches
from validation.coco.results_meeting import meeting
from validation.comparison.ap_difference import (
    check_accuracy,
    check_accuracy_alone,
    with_images_needed,
)
from validation.errors import NotProvided
from validation.export.exported import ExportOptions
from validation.files.digest import file_sha256
from validation.files.structured import read_json, write_json
from validation.policy.limits import Status
from validation.record.ap_difference import ApDifference
from validation.record.dataset_notices import DatasetNotice
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.results_facts import Meeting
from validation.record.run import Evidence, EvidenceContent, Stage
from validation.record.types import REFERENCE, Accuracy, CheckResult, Measure, ModelKey
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext, class_join
from validation.workspace.installed import installed_version
from validation.workspace.model_build import EVALUATION, FAST_NMS, GUIDE_DEFAULT
from validation.workspace.products import code_sha256
from validation.zoo.bundled_files import BUNDLED_GROUP

NO_DATA = (
    "no labelled images were given, so accuracy is not known: pass --coco-annotations and "
    "--coco-images"
)


_EVALUATION, _MATCHES = "evaluation.json", "matches.npz"

# Other flags, evaluated beside the float variant so that the page shows what they cost.
FLAGS: dict[str, ExportOptions] = {
    "fast NMS": FAST_NMS,
    "the guide's defaults (fast NMS, 10 detections)": GUIDE_DEFAULT,
}


# What ran, by the kind of the reference.
REFERENCE_TITLES: Mapping[ReferenceKind, str] = {
    ReferenceKind.GRAPH: "inference graph in TensorFlow",
    ReferenceKind.SAVED_MODEL: "SavedModel in TensorFlow",
    ReferenceKind.TFLITE: "reference .tflite",
    ReferenceKind.DETECTIONS: "detections of another system",
}


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
    shown = {
        image: _of_its_classes(context, found.take(found.scores >= threshold))
        for image, found in candidate_detections(context).items()
    }
    return meeting(dataset, shown, class_join(context, dataset).categories)


@dataclass(frozen=True)
class Scored:
    """Figures of one side, and the matches that they were found from.

    Args:
        accuracy: For the record.
        evidence: The file of the matches.
        per_category: AP of each scored category; -1 where the images show none.
    """

    accuracy: Accuracy
    evidence: Evidence
    per_category: Mapping[int, float]


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


def scores(context: CheckContext) -> list[Scored]:
    """The reference, the file, and the file with other flags; empty without labels."""
    if context.dataset is None or context.reference.kind is ReferenceKind.NONE:
        return []
    return [
        reference_score(context, context.dataset),
        subject_score(context, context.dataset),
        *([_evaluated(context, context.dataset)] if context.has_shipped_flags else []),
        *(_other_flags(context, context.dataset) if prices_flags(context) else []),
    ]


def reference_score(context: CheckContext, dataset: Dataset) -> Scored:
    """Figures of what says what is right."""
    return score(
        context,
        dataset,
        ModelKey(context.key.model, REFERENCE),
        REFERENCE_TITLES[context.reference.kind],
        reference_detections(context),
        0.0,  # the reference comes from the cache: what it took is not known
    )


def subject_score(context: CheckContext, dataset: Dataset) -> Scored:
    """Figures of the file under test."""
    key = context.key
    return score(
        context,
        dataset,
        key,
        (key.file or f"{key.variant} .tflite")
        + (", NumPy post-processing" if context.is_raw else ""),
        candidate_detections(context),
        context.subject.seconds(),
    )


def _evaluated(context: CheckContext, dataset: Dataset) -> Scored:
    """The file with the flags of its evaluation: what those of the shipped graph cost."""
    name = context.key.variant
    return score(
        context,
        dataset,
        context.key,
        f"{name} .tflite, not as shipped: regular NMS, as many detections as the evaluation",
        context.inference.candidate(name, EVALUATION),
        context.inference.seconds(name, EVALUATION),
    )


def score_threshold(context: CheckContext) -> float:
    """Below this the file gives nothing; 0 where it has no op that says so."""
    try:
        return context.subject.postprocess.nms_score_threshold
    except NotProvided:
        return 0.0


def prices_flags(context: CheckContext) -> bool:
    """Of the float file, on images of the user's own: drawn scenes price nothing."""
    made_here = context.given is None and context.key.variant == "float"
    return made_here and context.build.entry.group != BUNDLED_GROUP


def _other_flags(context: CheckContext, dataset: Dataset) -> list[Scored]:
    return [
        score(
            context,
            dataset,
            context.key,
            f"float .tflite, {flags}",
            context.inference.candidate("float", options),
            context.inference.seconds("float", options),
        )
        for flags, options in FLAGS.items()
    ]


def score(
    context: CheckContext,
    dataset: Dataset,
    key: ModelKey,
    subject: str,
    detections: Mapping[str, Detections],
    seconds: float,
) -> Scored:
    """Figures of one side; the same detections are scored once."""
    canaries = {canary.path.name for canary in context.canaries}
    join = class_join(context, dataset)
    # Every result but the canaries': a lost or unknown image is for `evaluate` to name.
    own = {
        int(image): _of_its_classes(context, each)
        for image, each in detections.items()
        if image not in canaries
    }

    def make(folder: Path) -> None:
        evaluation, matches = evaluate_with_matches(dataset, own, category_ids=join.categories)
        write_matches(folder / _MATCHES, matches)
        write_json(folder / _EVALUATION, evaluation)

    # The same detections have the same score, in the next variant and in the next run.
    made_from = {
        "detections": _sha256(own),
        "data set": dataset.sha256,
        "categories": sorted(join.categories.items()),
        "pycocotools": installed_version("pycocotools"),
        "code": code_sha256("coco"),
    }
    folder = context.work.product(key.model, Stage.SCORE, f"score {subject}", made_from, make)
    score = read_json(folder / _EVALUATION, CocoEvaluation)
    accuracy = Accuracy(
        model=key.model,
        variant=key.variant,
        subject=subject,
        figures=score.figures,
        images=len(dataset.images),
        category_ids=score.category_ids,
        detections=score.detections,
        score_threshold=score_threshold(context),
        seconds=seconds,
        join=join.facts,
        file=key.file,
        image_files_sha256=_image_files_sha256(context, dataset),
    )
    path = folder / _MATCHES
    evidence = Evidence(
        key.model,
        key.variant,
        str(path),
        file_sha256(path),
        path.stat().st_size,
        len(dataset.images),
        EvidenceContent.MATCHES,
        file=key.file,
    )
    return Scored(accuracy, evidence, score.per_category)


def _image_files_sha256(context: CheckContext, dataset: Dataset) -> str:
    hashes = context.runs.image_hashes
    own = [(image.key, hashes[image.key]) for image in dataset.files]
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()


def _of_its_classes(context: CheckContext, found: Detections) -> Detections:
    """Of a given file's own classes: its reference may have more, and a shift leads beyond them.

    A file that was made here has its reference's classes: another one is for `evaluate` to name.
    """
    return found if context.given is None else found.take(found.classes <= context.num_classes)


def _notices(context: CheckContext) -> tuple[DatasetNotice, ...]:
    return () if context.dataset is None else context.dataset.notices


def _sha256(detections: Mapping[int, Detections]) -> str:
    """Of all that is scored, to the last bit."""
    digest = hashlib.sha256()
    for key, each in sorted(detections.items()):
        digest.update(f"{key} {len(each)} ".encode())
        for values in (each.boxes, each.scores, each.classes):
            digest.update(values.astype(np.float64).tobytes())
    return digest.hexdigest()
