"""How a model file is run on image files, as a value that other processes and machines can use."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from validation.inference.base import DetectFile, on_files
from validation.inference.feeding import way_by_contract
from validation.inference.graph import GraphDetector
from validation.inference.input_cache import InputCache
from validation.inference.model_file import TfliteModel
from validation.inference.saved_model import SavedModelDetector
from validation.inference.tflite import RawTfliteDetector, TfliteDetector
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import DETECTION_OUTPUTS, Preprocessing, SsdContract

# Opens a model file, where it is run, and gives what `detect_all` takes.
Opened = AbstractContextManager[Callable[[], DetectFile]]


class DetectorPlan(Protocol):
    """How one model file is run on images. It travels pickled; the file goes by itself."""

    def opened(self, path: Path, feeds: InputCache) -> Opened:
        """Open the file where it lies here.

        Args:
            path: The file, or the folder of a SavedModel.
            feeds: Keeps prepared images for other files of the same input.
        """


@dataclass(frozen=True)
class GraphPlan:
    """An inference graph from image_tensor to detections, in a TensorFlow session."""

    def opened(self, path: Path, feeds: InputCache) -> Opened:  # noqa: ARG002
        """See `DetectorPlan`: one session serves all threads, as safe as it is costly to load."""

        @contextlib.contextmanager
        def session() -> Iterator[Callable[[], DetectFile]]:
            from validation.runtimes.session import SessionRuntime

            with SessionRuntime(path, DETECTION_OUTPUTS) as runtime:
                detector = GraphDetector(runtime)
                yield lambda: on_files(detector)

        return session()


@dataclass(frozen=True)
class SavedModelPlan:
    """A SavedModel, run by its signature."""

    def opened(self, path: Path, feeds: InputCache) -> Opened:  # noqa: ARG002
        """See `DetectorPlan`."""

        @contextlib.contextmanager
        def session() -> Iterator[Callable[[], DetectFile]]:
            from validation.runtimes.saved_model import SavedModelRuntime

            with SavedModelRuntime(path) as runtime:
                detector = SavedModelDetector(runtime, path.name)
                yield lambda: on_files(detector)

        return session()


@dataclass(frozen=True, eq=False)
class ExportedPlan:
    """A .tflite that was converted from an export of this harness.

    Args:
        contract: Of the export it was converted from.
        known: How the model wants its images.
        anchors: float32 [N, 4] in centre form of a file that ends in raw outputs, which the NumPy
            port of the op closes; None for one with the op.
        size: Height and width that images get in whole numbers first; None leaves them.
    """

    contract: SsdContract
    known: Preprocessing
    anchors: NDArray[np.float32] | None
    size: tuple[int, int] | None

    def opened(self, path: Path, feeds: InputCache) -> Opened:
        """See `DetectorPlan`: each thread has an interpreter of its own."""
        return contextlib.nullcontext(lambda: self._detector(path, feeds))

    def _detector(self, path: Path, feeds: InputCache) -> DetectFile:
        runtime = TfliteRuntime(path)
        way = way_by_contract(runtime.inputs[0], self.known)
        detector = (
            TfliteDetector(runtime, self.contract.preprocessing, way=way)
            if self.anchors is None
            else RawTfliteDetector(runtime, self.contract, self.anchors, way=way)
        )
        return lambda image: detector.detect_feed(feeds.of(image, detector.prepared, self.size))


@dataclass(frozen=True, eq=False)
class FilePlan:
    """Any .tflite, fed and read by what is known of it.

    Args:
        model: The file as it was opened where it was given; its path is that of there.
        size: See `ExportedPlan`.
    """

    model: TfliteModel
    size: tuple[int, int] | None = None

    def opened(self, path: Path, feeds: InputCache) -> Opened:
        """See `DetectorPlan`: each thread has an interpreter of its own."""
        model = dataclasses.replace(self.model, path=path)
        return contextlib.nullcontext(lambda: self._detector(model, feeds))

    def _detector(self, model: TfliteModel, feeds: InputCache) -> DetectFile:
        detector = model.detector()
        return lambda image: detector.detect_feed(feeds.of(image, detector.prepared, self.size))
