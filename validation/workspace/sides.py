"""What checks ask of the two sides: the file under test, and what says what is right.

A side that cannot give what it is asked for raises `NotProvided`, and the check is UNKNOWN with
its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from validation.inference.op_anchors import OpAnchors
from validation.preprocess.feed import FeedWay
from validation.record.detections import Detections
from validation.record.run import Evidence
from validation.specs.contracts import PostprocessAttributes, Preprocessing, SsdContract
from validation.specs.references import ReferenceKind
from validation.specs.variants import Variant
from validation.tflite.facts import TfliteFile
from validation.workspace.planned_run import PlannedRun

Arrays = dict[str, NDArray[np.float32]]


class Subject(Protocol):
    """One .tflite file with a way to feed and to read it."""

    @property
    def variant(self) -> Variant:
        """Its form: how its numbers are kept, and what it ends in."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def file(self) -> TfliteFile:
        """What the file says of itself."""

    @property
    def preprocessing(self) -> Preprocessing:
        """From image to input."""

    @property
    def way(self) -> FeedWay:
        """How its input is fed: floats, bytes, or integers of real values."""

    @property
    def shared_size(self) -> tuple[int, int] | None:
        """See `Reference.shared_size`."""

    @property
    def num_classes(self) -> int:
        """Without the background."""

    @property
    def postprocess(self) -> PostprocessAttributes:
        """Of its op; of a raw file, what its outputs are closed with."""

    @property
    def anchors(self) -> NDArray[np.float32]:
        """Of its op, or what raw outputs are decoded with: [N, 4] in centre form."""

    @property
    def op_anchors(self) -> OpAnchors:
        """Of its op, with what they are stored as; a file without the op has none."""

    @property
    def planned(self) -> PlannedRun:
        """Its run on the session's images."""

    def detections(self) -> Mapping[str, Detections]:
        """By image key; the file is run once in a session."""

    def seconds(self) -> float:
        """Wall time that `detections` took."""

    def evidence(self) -> Evidence:
        """The file of what it detected."""

    def raw_outputs(self, count: int) -> Arrays:
        """Box encodings and class predictions on the first images, [I, 1, N, ...], real units."""

    def timed_call(self, threads: int, path: Path | None = None) -> Callable[[], object]:
        """One inference on the first image, its feed made beforehand.

        Args:
            threads: Of the interpreter.
            path: Another file to run instead, which is fed alike.
        """


class Reference(Protocol):
    """Whatever says what is right of a model's files."""

    @property
    def kind(self) -> ReferenceKind:
        """What it is."""

    @property
    def origin(self) -> str:
        """Where it comes from, for the report."""

    @property
    def path(self) -> Path:
        """The file or folder that it is read from."""

    @property
    def is_independent(self) -> bool:
        """False where it shares this harness's reading of the model."""

    @property
    def contract(self) -> SsdContract:
        """What it states of preprocessing, anchors, classes and post-processing."""

    @property
    def anchors(self) -> NDArray[np.float32]:
        """float32 [N, 4] in centre form."""

    @property
    def only_image_size(self) -> tuple[int, int] | None:
        """Height and width of the only images that it takes; None where it takes any."""

    def shared_size(self, own: tuple[int, int]) -> tuple[int, int] | None:
        """Height and width that images get in whole numbers before a file is fed as well.

        A graph of one size takes bytes of that size: rounding on one side alone would be taken
        for a fault of the file.

        Args:
            own: Height and width of the file's input.

        Returns:
            None where the file is given stored images: the reference takes images of any size,
            or the file is of another size.
        """

    @property
    def planned(self) -> PlannedRun | None:
        """Its run on the session's images; None where nothing is run."""

    def detections(self) -> Mapping[str, Detections]:
        """By image key."""

    def evidence(self) -> Evidence:
        """The file of what it detected."""

    def raw_outputs(self, count: int) -> Arrays:
        """As `Subject.raw_outputs`."""
