"""COCO accuracy of the reference, the file under test, and what other flags would cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from validation.chain.case import REFERENCE, Case
from validation.chain.model import EVALUATION, FAST_NMS, GUIDE_DEFAULT
from validation.chain.work import code_sha256, file_sha256, installed_version
from validation.checks.accuracy import check_accuracy
from validation.coco.categories import category_map
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate
from validation.export.options import ExportOptions
from validation.plain import from_plain, to_plain
from validation.record_lines import Entry
from validation.records import Accuracy, CheckResult, CocoFigures, Detections
from validation.zoo.bundled_files import BUNDLED_GROUP

NO_DATA = (
    "no labelled images were given, so accuracy is not known: pass --coco-annotations and "
    "--coco-images"
)

_SCORE = "score.json"

# Other flags, evaluated beside the float variant so that their price is on the page.
_FLAGS: dict[str, ExportOptions] = {
    "fast NMS": FAST_NMS,
    "the guide's defaults (fast NMS, 10 detections)": GUIDE_DEFAULT,
}


def accuracy(case: Case) -> list[Entry]:
    """The .tflite keeps the average precision of the archive's own graph."""
    if case.dataset is None:
        return [CheckResult.unknown("accuracy", case.key, NO_DATA)]
    reference = _score(
        case,
        case.dataset,
        REFERENCE,
        "inference graph in TensorFlow",
        case.observations.reference(),
    )
    variant = case.key.variant
    subject = f"{variant} .tflite" + (", NumPy post-processing" if case.is_raw else "")
    candidate = _score(
        case,
        case.dataset,
        variant,
        subject,
        case.observations.candidate(variant),
        case.observations.seconds(variant),
    )
    others = _other_flags(case, case.dataset) if _flags_are_told(case) else []
    result = check_accuracy(reference, candidate, case.policy)
    # The reference belongs to the model: one line, whichever variant is judged by it.
    own = [reference] if case.is_first else []
    return [*own, candidate, *others, result]


def _flags_are_told(case: Case) -> bool:
    """Of the float file, on images that somebody cares for: drawn scenes price nothing."""
    return case.key.variant == "float" and case.chain.entry.group != BUNDLED_GROUP


def _other_flags(case: Case, dataset: Dataset) -> list[Accuracy]:
    return [
        _score(
            case,
            dataset,
            "float",
            f"float .tflite, {told}",
            case.observations.candidate("float", options),
            case.observations.seconds("float", options),
        )
        for told, options in _FLAGS.items()
    ]


def _score(
    case: Case,
    dataset: Dataset,
    variant: str,
    subject: str,
    found: Mapping[str, Detections],
    seconds: float = 0.0,
) -> Accuracy:
    contract = case.chain.exported(EVALUATION).contract
    canaries = {canary.path.name for canary in case.canaries}
    categories = category_map(case.class_labels(), dataset, contract.num_classes)
    # Every result but the canaries': a lost or unknown image is for `evaluate` to name.
    own = {int(key): each for key, each in found.items() if key not in canaries}

    def make(folder: Path) -> None:
        evaluation = evaluate(dataset, own, category_ids=categories)
        told = {
            "figures": to_plain(evaluation.figures),
            "category_ids": evaluation.category_ids,
            "detections": evaluation.detections,
        }
        (folder / _SCORE).write_text(json.dumps(told))

    # The same detections have the same score, in the next variant and in the next run.
    made_from = {
        "detections": _sha256(own),
        "annotations": file_sha256(dataset.annotation_path),
        "images": [image.id for image in dataset.images],
        "categories": sorted(categories.items()),
        "pycocotools": installed_version("pycocotools"),
        "code": code_sha256("coco"),
    }
    folder = case.chain.work.product(case.key.model, f"score {subject}", made_from, make)
    score = json.loads((folder / _SCORE).read_text())
    return Accuracy(
        model=case.key.model,
        variant=variant,
        subject=subject,
        figures=from_plain(CocoFigures, score["figures"]),
        images=len(dataset.images),
        category_ids=tuple(score["category_ids"]),
        detections=score["detections"],
        score_threshold=contract.postprocess.nms_score_threshold,
        seconds=seconds,
    )


def _sha256(found: Mapping[int, Detections]) -> str:
    """Of all that is scored, to the last bit."""
    digest = hashlib.sha256()
    for key, each in sorted(found.items()):
        digest.update(f"{key} {len(each)} ".encode())
        for values in (each.boxes, each.scores, each.classes):
            digest.update(np.asarray(values, np.float64).tobytes())
    return digest.hexdigest()
