"""A SavedModel of TensorFlow 2 as reference: it is run by its signature and cannot be cut."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from validation.inference.saved_model import RawDetections, SavedModelDetector
from validation.pieces.plans import SavedModelPlan
from validation.preprocess.image import load
from validation.preprocess.resize import resized_pixels
from validation.record.detections import Detections
from validation.record.installed import installed_version
from validation.record.run import Evidence, Stage
from validation.record.types import REFERENCE, ModelKey
from validation.specs.references import ReferenceKind
from validation.specs.tensors import OnlyImageSize, takes_only
from validation.workspace.image_runs import ImageRuns, Run
from validation.workspace.memory import threads_of_an_op
from validation.workspace.other_references import WithoutContract
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import file_hashes, makers

_RESIZED, _STORED = "resized.npz", "stored.npz"


@dataclass(frozen=True)
class RawRuns:
    """What enters a SavedModel's NMS on some images, resized for it and as they are stored.

    Args:
        size: Height and width that the images were resized to in whole numbers.
        resized: Of these pixels, [I, N, ...]. Nothing is resized again where the SavedModel
            wants the same size.
        stored: Of the images as they are stored; None where the SavedModel takes images of one
            size, so that they are resized before it in any case.
    """

    size: tuple[int, int]
    resized: RawDetections
    stored: RawDetections | None


class SavedModelReference(WithoutContract):
    """A SavedModel whose graph cannot be cut: those of TensorFlow 2.

    Args:
        model: Name of the model.
        path: Its folder.
        runs: Images of the session.
        packed: The archive that it was unpacked from, if it was.
    """

    kind = ReferenceKind.SAVED_MODEL
    is_independent = True
    _what = "a SavedModel of TensorFlow 2"

    def __init__(self, model: str, path: Path, runs: ImageRuns, packed: Path | None = None) -> None:
        self._model = model
        self._packed = packed
        self.path = path
        self._runs = runs

    @property
    def origin(self) -> str:
        """See `Reference`."""
        packed = "" if self._packed is None else f" of {self._packed.name}"
        text = f"{self.path.name}{packed}, a SavedModel of TensorFlow 2"
        sides = self.only_image_size
        return text if sides is None else f"{text}; {takes_only(sides)}"

    @cached_property
    def only_image_size(self) -> tuple[int, int] | None:
        """See `Reference`."""

        def find(_: Path) -> OnlyImageSize:
            with self._detector() as detector:
                return OnlyImageSize(detector.image_size)

        return self._runs.work.facts(
            self._model, Stage.DESCRIBE, Stage.DESCRIBE, self._made_from, OnlyImageSize, find
        ).sides

    @cached_property
    def _files(self) -> dict[str, str]:
        return file_hashes(self.path)

    @cached_property
    def _made_from(self) -> dict[str, object]:
        return {
            "files": self._files,
            "threads": threads_of_an_op(),
            **makers("inference", "runtimes", "preprocess"),
        }

    @contextlib.contextmanager
    def _detector(self) -> Iterator[SavedModelDetector]:
        from validation.runtimes.saved_model import SavedModelRuntime

        with SavedModelRuntime(self.path) as runtime:
            yield SavedModelDetector(runtime, self.path.name)

    @property
    def planned(self) -> PlannedRun:
        """See `Reference`: the SavedModel on the session's images."""
        return PlannedRun(
            ModelKey(self._model, REFERENCE),
            Stage.REFERENCE,
            REFERENCE,
            self._made_from,
            self.path,
            hashlib.sha256(json.dumps(self._files, sort_keys=True).encode()).hexdigest(),
            SavedModelPlan,
            is_kept=True,
        )

    @cached_property
    def _run(self) -> Run:
        return self._runs.detected(self.planned)

    def detections(self) -> Mapping[str, Detections]:
        """See `Reference`."""
        return self._run.detections

    def evidence(self) -> Evidence:
        """See `Reference`."""
        return self._run.evidence()

    def raw_runs(self, count: int, size: tuple[int, int]) -> RawRuns:
        """Boxes and scores of every anchor, decoded and converted by the SavedModel itself.

        Args:
            count: The first images, at least one.
            size: Height and width of the input of the file that they are compared with.

        Raises:
            NotProvided: The SavedModel was exported without them.
        """
        size = self.only_image_size or size

        def make(folder: Path) -> None:
            with self._detector() as detector:
                given = [load(image) for image in self._runs.images[:count]]
                pixels = [resized_pixels(each, *size) for each in given]
                _write(folder / _RESIZED, [detector.raw(each) for each in pixels])
                if detector.image_size is None:
                    _write(folder / _STORED, [detector.raw(each) for each in given])

        made_from = {
            **self._made_from,
            "images": list(self._runs.image_hashes.values())[:count],
            "size": list(size),
            "pillow": installed_version("pillow"),
        }
        step = f"raw detections on {count} images"
        folder = self._runs.work.product(self._model, Stage.SESSION, step, made_from, make)
        stored = _read(folder / _STORED) if (folder / _STORED).is_file() else None
        return RawRuns(size, _read(folder / _RESIZED), stored)


def _write(path: Path, found: Sequence[RawDetections]) -> None:
    np.savez(
        path,
        boxes=np.stack([each.boxes for each in found]),
        scores=np.stack([each.scores for each in found]),
    )


def _read(path: Path) -> RawDetections:
    with np.load(path) as file:
        return RawDetections(file["boxes"], file["scores"])
