"""A given file run anew with something put right: detections on all images of the session."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from validation.checks.contract_costs import Repair
from validation.comparison.reference_differences import renumbered
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.inference.base import DetectFile, detect_all, on_files
from validation.inference.outputs import bind_outputs
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.metadata.unpacking import metadata_of
from validation.preprocess.feed import FeedWay, takes_bytes
from validation.preprocess.image import ImageFile
from validation.record.detection_files import read_detections, write_detections
from validation.record.detections import Detections
from validation.record.run import Stage
from validation.runtimes.tflite import TfliteRuntime, default_threads
from validation.specs.contracts import SsdContract
from validation.tflite.facts import describe
from validation.tflite.model import read_model
from validation.tflite.rewriting import with_anchors, with_attributes
from validation.workspace.products import ProductCache, image_sha256, installed_version, makers
from validation.workspace.sides import Subject

_DETECTIONS, _COPY = "detections.npz", "copy.tflite"


def detections_with(
    repair: Repair,
    subject: Subject,
    images: Sequence[ImageFile],
    work: ProductCache,
    model: str,
) -> Mapping[str, Detections]:
    """What a file detects with a repair; cached like other scores.

    Args:
        repair: What is put right.
        subject: The file.
        images: Of the session.
        work: Keeps the detections.
        model: For the step's report.
    """
    found = _run(repair, subject, images, work, model) if repair.changes_the_run else None
    detections = subject.detections() if found is None else found
    return detections if repair.classes is None else renumbered(detections, repair.classes)


def _run(
    repair: Repair,
    subject: Subject,
    images: Sequence[ImageFile],
    work: ProductCache,
    model: str,
) -> Mapping[str, Detections]:
    def make(folder: Path) -> None:
        path = _put_right(repair, subject, folder / _COPY)
        found = detect_all(
            lambda: _detector(path, subject, repair),
            images,
            workers=default_threads(),
            label=f"{subject.path.name}, put right",
        )
        (folder / _COPY).unlink(missing_ok=True)
        write_detections(folder / _DETECTIONS, found)

    preprocessing = repair.preprocessing or subject.preprocessing
    made_from = {
        "file": file_sha256(subject.path),
        "attributes": dict(repair.attributes),
        "anchors": None if repair.anchors is None else repair.anchors.tolist(),
        "preprocessing": unstructure(preprocessing),
        "way": _way(subject, repair).value,
        "images": {image.key: image_sha256(image) for image in images},
        "pillow": installed_version("pillow"),
        "runtime": installed_version("ai-edge-litert"),
        **makers("inference", "runtimes", "preprocess", "postprocess", "tflite"),
    }
    step = f"run {subject.path.name}, put right, on {len(images)} images"
    return read_detections(work.product(model, Stage.RUN, step, made_from, make) / _DETECTIONS)


def _put_right(repair: Repair, subject: Subject, target: Path) -> Path:
    """The file, or a copy whose post-processing op has what the repair puts right."""
    path, own = subject.path, subject.file.postprocess
    if own is None:  # a raw file: attributes and anchors are those of its detector
        return path
    if repair.attributes:
        attributes = dataclasses.replace(own, **repair.attributes)
        target.write_bytes(with_attributes(read_model(path), attributes))
        path = target
    if repair.anchors is not None:
        target.write_bytes(with_anchors(read_model(path), repair.anchors))
        path = target
    return path


def _way(subject: Subject, repair: Repair) -> FeedWay:
    """Bytes say nothing of real values: an input of 8 bits gets those by scale and zero point."""
    if repair.preprocessing is not None and takes_bytes(subject.file.inputs[0]):
        return FeedWay.QUANTISED
    return subject.way


def _detector(path: Path, subject: Subject, repair: Repair) -> DetectFile:
    model = read_model(path)
    file = describe(model)
    preprocessing = repair.preprocessing or subject.preprocessing
    way = _way(subject, repair)
    if file.postprocess is not None:
        names = bind_outputs(model, file, metadata_of(model)).names
        return on_files(TfliteDetector(TfliteRuntime(path), preprocessing, names, way))
    attributes = dataclasses.replace(subject.postprocess, **repair.attributes)
    anchors = subject.anchors if repair.anchors is None else repair.anchors
    contract = SsdContract(preprocessing, len(anchors), subject.num_classes, "", attributes)
    names = bind_outputs(model, file, metadata_of(model), contract).names
    return on_files(RawTfliteDetector(TfliteRuntime(path), contract, anchors, names, way))
