"""What a run was: its header and footer, the steps that it took, and the files that took part."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.policy.overlay import Overlay
from validation.record.dataset_kind import DatasetKind
from validation.record.dataset_notices import DatasetNotice
from validation.record.types import USUAL_LEVEL, ModelKey, OfVariant
from validation.record.until_decided import UntilDecided
from validation.specs.feeds import StatedFeed
from validation.specs.references import ReferenceKind

# 2: errors, keys, roles and steps as fields, where version 1 had them as text. 3: intervals, and
# models whose weights are seeded. 4: files that were given. 5: crashes, and cached
# products that were damaged. 6: what a run was compared with. 8: levels of intervals. A reader
# refuses all others, see `validation.record.lines`.
RECORD_VERSION = 8


class ArtefactRole(enum.StrEnum):
    """What a file was to the run."""

    SOURCE = "source"
    REFERENCE = "reference"
    EXPORTED_GRAPH = "exported graph"
    TFLITE = "tflite"
    LABELS = "labels"
    FEEDING = "feeding facts"
    ANCHORS = "anchors"
    FAILING_CASE = "failing case"


@dataclass(frozen=True)
class Artefact(OfVariant):
    """A file that took part.

    Args:
        model: See `ModelKey`.
        role: What it was to the run.
        variant: What it was made for; empty for what the whole model shares.
        name: Of the file, or of the folder that an archive was unpacked into.
        sha256: Of its bytes; of the archive for an unpacked one.
        size_bytes: Of the same.
        origin: Where it came from.
        licence: As the catalogue has it.
        path: Of the copy below the run's folder, with forward slashes; empty where none is kept.
        file: See `ModelKey`.
    """

    model: str
    role: ArtefactRole
    variant: str
    name: str
    sha256: str
    size_bytes: int
    origin: str = ""
    licence: str = ""
    path: str = ""
    file: str = ""


class EvidenceContent(enum.StrEnum):
    """What an evidence file holds of the reference or of one subject."""

    DETECTIONS = "detections"
    MATCHES = "matches"
    BASELINE_MATCHES = "matches of the baseline"


@dataclass(frozen=True)
class Evidence(OfVariant):
    """A file beside the record: what was detected on every image, or what of it was right.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`; or ``reference``.
        path: Below the run's folder, with forward slashes.
        sha256: Of the file's bytes.
        size_bytes: Of the file.
        images: How many images it has, those without detections included.
        content: What it holds; each has a reader of its own.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    path: str
    sha256: str
    size_bytes: int
    images: int
    content: EvidenceContent = EvidenceContent.DETECTIONS
    file: str = ""


class Stage(enum.StrEnum):
    """What a step does; in the work folder, the sub-folder of what it makes."""

    LOAD = "load"
    FETCH = "fetch"
    SYNTHESISE = "synthesise"
    FREEZE = "freeze"
    EXPORT = "export"
    DESCRIBE = "describe"
    LINT = "lint"
    FAKEQUANT = "fakequant"
    CONVERT = "convert"
    TFLITE_CONVERT = "tflite_convert"
    SESSION = "session"
    REFERENCE = "reference"
    RUN = "run"
    LAYERS = "layers"
    SCORE = "score"


@dataclass(frozen=True)
class Step:
    """Where the time went: one step towards the checks of one model.

    Args:
        model: Model name, or empty for the session as a whole.
        stage: What it does.
        step: For people, for example ``convert float``.
        seconds: Wall time.
        cached: True when the work folder already had the product.
        damaged: File of the product in the work folder that was not as it had been made, for
            which all was made again; empty where none was.
    """

    model: str
    stage: Stage
    step: str
    seconds: float
    cached: bool
    damaged: str = ""


@dataclass(frozen=True)
class DatasetFacts:
    """Which labelled images were used, and what was noticed while they were read.

    Args:
        name: Of the data set.
        sha256: Over annotations and selection.
        images: That are scored.
        annotations: Objects on them.
        notices: What was assumed or converted.
        kind: How it was given.
        set_apart: Further images of it that calibrate and are not scored.
    """

    name: str
    sha256: str
    images: int
    annotations: int
    notices: tuple[DatasetNotice, ...] = ()
    kind: DatasetKind = DatasetKind.COCO
    set_apart: int = 0


@dataclass(frozen=True)
class GivenFile(OfVariant):
    """A .tflite that was converted elsewhere, and what it is judged by.

    Args:
        model: See `ModelKey`.
        variant: Its form, read from the file.
        file: Its name, or as much of its path as tells it from the others.
        sha256: Of its bytes.
        reference: What says what is right.
        stated_feed: How it was fed, where the user stated it; None where nothing was stated.
    """

    model: str
    variant: str
    file: str
    sha256: str
    reference: ReferenceKind
    stated_feed: StatedFeed | None = None


@dataclass(frozen=True)
class CommandOption:
    """An option that was given, so that it can be given again.

    Args:
        flag: Such as ``--coco-annotations``.
        value: As it is typed, paths as they were given; empty for a switch.
    """

    flag: str
    value: str = ""


@dataclass(frozen=True)
class Header:
    """The first line of a record: everything that the figures depend on.

    Args:
        run: Name of the run and of its folder.
        started: UTC.
        selection: What was asked for.
        options: For people, as they were given.
        versions: Of packages.
        machine: What it ran on.
        policy_sha256: Of the built-in policy.
        dataset: None where no labelled images were given.
        policy_overlay: What a user's own policy changed.
        structure_only: Models whose weights are seeded and not trained: they have no accuracy, and
            are judged by structure, parity and speed.
        given: Files that were made elsewhere.
        command_line: The options of the harness that were given and are not the default.
        until_decided: At which of several looks the run stopped; None where it was to judge on
            all images at once.
        version: Of the layout.
    """

    run: str
    started: str
    selection: tuple[ModelKey, ...]
    options: dict[str, str]
    versions: dict[str, str]
    machine: dict[str, str]
    policy_sha256: str
    dataset: DatasetFacts | None = None
    policy_overlay: Overlay | None = None
    structure_only: tuple[str, ...] = ()
    given: tuple[GivenFile, ...] = ()
    command_line: tuple[CommandOption, ...] = ()
    until_decided: UntilDecided | None = None
    version: int = RECORD_VERSION

    @property
    def level(self) -> float:
        """Of the run's intervals."""
        return USUAL_LEVEL if self.until_decided is None else self.until_decided.stopped.level

    @property
    def limits(self) -> str:
        """The policy in words: equal where its limits and settings are."""
        text, overlay = self.policy_sha256[:12], self.policy_overlay
        return text if overlay is None else f"{text} with {overlay.file}, {overlay.sha256[:12]}"


@dataclass(frozen=True)
class Footer:
    """The last line: without it the run did not end and cannot be signed.

    Args:
        finished: UTC.
        seconds: Wall time of the run.
        results: Of checks, in the record.
        exit_code: pytest's own, before the verdict.
        interrupted_by: Name of a signal; empty where none interrupted the run.
        not_run: pytest's ids of the checks that were selected and did not run to their end.
    """

    finished: str
    seconds: float
    results: int
    exit_code: int
    interrupted_by: str = ""
    not_run: tuple[str, ...] = ()
