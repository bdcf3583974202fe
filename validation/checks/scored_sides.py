"""The COCO figures of both sides of a subject, each found once for the same detections."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from validation.checks.both_sides import candidate_detections, reference_detections
from validation.coco.dataset import Dataset
from validation.coco.evaluate import (
    CocoEvaluation,
    evaluate_with_matches,
    evaluation_of,
    require_objects,
)
from validation.coco.matches import write_matches
from validation.errors import NotProvided
from validation.export.exported import ExportOptions
from validation.files.digest import file_sha256
from validation.files.structured import read_json, write_json
from validation.pieces.labels import PieceLabels
from validation.record.detections import Detections
from validation.record.installed import installed_version
from validation.record.run import Evidence, EvidenceContent, Stage
from validation.record.types import REFERENCE, Accuracy, ModelKey
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext, class_join
from validation.workspace.model_build import EVALUATION, FAST_NMS, GUIDE_DEFAULT
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import code_sha256
from validation.zoo.bundled_files import BUNDLED_GROUP

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
        context.reference.planned,
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
        context.subject.planned,
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
        context.inference.planned_candidate(name, EVALUATION),
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
            context.inference.planned_candidate("float", options),
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
    planned: PlannedRun | None,
) -> Scored:
    """Figures of one side; the same detections are scored once.

    Args:
        context: Of the file under test.
        dataset: The labelled images.
        key: Of the side.
        subject: What the figures are of, for people.
        detections: On every image of the session.
        seconds: Wall time that these took.
        planned: What gave them, for pieces that say what is right; None where nothing was run.
    """
    labels = labels_of(context, dataset)
    join = class_join(context, dataset)
    canaries = {canary.path.name for canary in context.canaries}
    # Every result but the canaries': a lost or unknown image is for `evaluate` to name.
    own = {
        int(image): labels.of_its_classes(each)
        for image, each in detections.items()
        if image not in canaries
    }

    def make(folder: Path) -> None:
        found = None if planned is None else context.runs.matched(planned, labels)
        if found is None:
            evaluation, matches = evaluate_with_matches(dataset, own, category_ids=join.categories)
        else:
            require_objects(dataset, join.categories)
            evaluation, matches = evaluation_of(found), found.matches
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


def labels_of(context: CheckContext, dataset: Dataset) -> PieceLabels:
    """How detections of a subject and of what judges it are scored.

    Of a given file's own classes: its reference may have more, and a shift leads beyond them. A
    file that was made here has its reference's classes: another one is for `evaluate` to name.
    """
    categories = class_join(context, dataset).categories
    most = None if context.given is None else context.num_classes
    return PieceLabels(dataset, categories, most)


def _sha256(detections: Mapping[int, Detections]) -> str:
    """Of all that is scored, to the last bit."""
    digest = hashlib.sha256()
    for key, each in sorted(detections.items()):
        digest.update(f"{key} {len(each)} ".encode())
        for values in (each.boxes, each.scores, each.classes):
            digest.update(values.astype(np.float64).tobytes())
    return digest.hexdigest()
