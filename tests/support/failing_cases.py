"""Failing cases made of a .tflite and an image, as a run packs them; nothing takes TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from validation.comparison.disagreements import DisagreementRule
from validation.inference.model_file import open_tflite
from validation.packs.manifest import PackedImage, PackedRole, PackManifest
from validation.packs.writing import pack_bytes
from validation.preprocess.image import load_rgb
from validation.record.detection_files import detections_bytes
from validation.record.detections import Detections
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.feeds import FileFeed
from validation.record.machine_class import MachineClass
from validation.record.run import CommandOption
from validation.record.types import CheckResult, ModelKey

__all__ = ["CASE", "case_of"]

_KEY = ModelKey("ssd", "int8")

# Of a file that LiteRT does not load.
CASE = PackManifest(
    subject=_KEY,
    run="night",
    started="2026-01-02T03:04:05Z",
    versions={"harness": "0.1.0", "tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"},
    machine={"cores": "2"},
    machine_class=MachineClass("EPYC", 2, "x86_64"),
    command_line=(CommandOption("--zoo", "own zoo"),),
    options={"models": "ssd"},
    limits="built in",
    checks=(CheckResult.failed("tflite_contract", _KEY, "LiteRT does not load the file"),),
    diagnoses=(Diagnosis("ssd", "int8", FaultKind.EPSILON, Place.FILE, DiagnosedBy.FILE_DIFF),),
    feed=None,
    image=None,
    rule=DisagreementRule(0.3, 0.05, 0.5, 0.75),
    files=(),
)


def case_of(
    model: Path,
    image: Path,
    *,
    expected: Detections | None = None,
    feed: Mapping[str, Any] | None = None,
) -> bytes:
    """The pack of a file with the post-processing op, with what it detects here.

    Args:
        model: The file.
        image: The image.
        expected: Detections of the reference; None: those of the file.
        feed: What is otherwise in the feed than the file says.
    """
    opened = open_tflite(model)
    found = opened.detector().detect(load_rgb(image))
    own = FileFeed(
        "ssd",
        "int8",
        opened.feeding.way,
        opened.preprocessing,
        num_classes=opened.num_classes,
        postprocess=opened.file.postprocess,
    )
    manifest = dataclasses.replace(
        CASE,
        feed=dataclasses.replace(own, **(feed or {})),
        image=PackedImage(image.name, False, 3, 8),
    )
    return pack_bytes(
        manifest,
        {
            PackedRole.MODEL: model.read_bytes(),
            PackedRole.IMAGE: image.read_bytes(),
            PackedRole.EXPECTED: detections_bytes({image.name: expected or found}),
            PackedRole.FOUND: detections_bytes({image.name: found}),
        },
    )
