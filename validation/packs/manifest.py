"""What a pack says of its failing case; in the pack, ``manifest.json``."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from validation.comparison.disagreements import DisagreementRule
from validation.record.diagnosis import Diagnosis
from validation.record.feeds import FileFeed
from validation.record.machine_class import MachineClass
from validation.record.run import CommandOption
from validation.record.types import CheckResult, ModelKey

MANIFEST_NAME = "manifest.json"
PACK_VERSION = 1


class PackedRole(enum.StrEnum):
    """What a member is to the case."""

    MODEL = "tflite"
    IMAGE = "image"
    EXPECTED = "detections of the reference"
    FOUND = "detections of the file"
    ANCHORS = "anchors"
    LABELS = "labels"
    FEEDING = "feeding facts"


@dataclass(frozen=True)
class PackedFile:
    """One member.

    Args:
        role: What it is to the case; no two have the same.
        name: In the pack.
        sha256: Of its bytes.
        size_bytes: Of the same.
    """

    role: PackedRole
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class PackedImage:
    """The image on which file and reference differ most.

    Args:
        key: By which the run knows it.
        turned: Its pixels were turned as its EXIF data says.
        disagreeing: On how many images the two differ.
        compared: Of so many.
    """

    key: str
    turned: bool
    disagreeing: int
    compared: int


@dataclass(frozen=True)
class PackManifest:
    """A failing case, and what it takes to run it again.

    Args:
        subject: The file that failed.
        run: Name of the run.
        started: Of the run, UTC.
        versions: Of packages: the harness, TensorFlow, LiteRT and others.
        machine: What the run was made on.
        machine_class: Alike, as far as it decides how fast a file runs.
        command_line: Options of the run that are not the default.
        options: For people, as they were given.
        limits: The policy in words.
        checks: Results that did not pass.
        diagnoses: What is wrong with the file, where that was found.
        feed: How the file was fed and read; None where it was never run.
        image: None where no image was run.
        rule: By which detections are compared.
        files: The other members.
        version: Of this layout.
    """

    subject: ModelKey
    run: str
    started: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    machine_class: MachineClass
    command_line: tuple[CommandOption, ...]
    options: Mapping[str, str]
    limits: str
    checks: tuple[CheckResult, ...]
    diagnoses: tuple[Diagnosis, ...]
    feed: FileFeed | None
    image: PackedImage | None
    rule: DisagreementRule
    files: tuple[PackedFile, ...]
    version: int = PACK_VERSION
