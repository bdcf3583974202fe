"""What the reference and the files under test say about images.

The reference's answers are cached by content: it is the fixed point of a run. The
files under test are run anew in every session, once for each file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.chain.memory import give_back
from validation.chain.model import EVALUATION, ModelChain, told
from validation.chain.work import code_sha256, file_sha256, installed_version
from validation.contracts import DETECTION_OUTPUTS, RAW_OUTPUTS
from validation.export.exported import ExportedGraph
from validation.export.options import ExportOptions
from validation.inference.base import Detector, ImageFile, detect_all
from validation.inference.graph import GraphDetector
from validation.inference.tflite import (
    RawTfliteDetector,
    TfliteDetector,
    feed_of,
    prepared,
    run_batchwise,
)
from validation.plain import from_plain, to_plain
from validation.records import Detections, Step
from validation.runtimes.tflite import TfliteRuntime, default_threads
from validation.variants import variant_of

Arrays = dict[str, NDArray[np.float32]]

# Scores of one image, 80 MB: NMS by class needs them several times over.
_LARGE_SCORES = 20_000_000


class Observations:
    """Detections and raw outputs of one model on the images of a session.

    Args:
        chain: Gives the files.
        images: Every image of the session: the data set's and the canaries.
        on_step: Told how long each took.
        workers: Images at a time; one where the raw outputs of an image are very large.
    """

    def __init__(
        self,
        chain: ModelChain,
        images: Sequence[ImageFile],
        on_step: Callable[[Step], None],
        *,
        workers: int | None = None,
    ) -> None:
        self.chain = chain
        self.images = tuple(images)
        self._workers = workers or default_threads()
        self._on_step = on_step
        self._seen: dict[tuple[str, ExportOptions], Mapping[str, Detections]] = {}
        self._seconds: dict[tuple[str, ExportOptions], float] = {}
        self._images_sha256 = [file_sha256(image.path) for image in self.images]

    def reference(self) -> Mapping[str, Detections]:
        """Detections of the archive's inference graph, by image."""

        def make(folder: Path) -> None:
            from validation.runtimes.session import SessionRuntime

            # One session serves all threads: it is as safe as it is costly to load.
            with SessionRuntime(self.chain.reference_graph, DETECTION_OUTPUTS) as runtime:
                detector = GraphDetector(runtime)
                found = self._detect(lambda: detector, "reference")
            _write_detections(folder / "detections.json", found)

        made_from = {
            "graph": self.chain.reference_sha256,
            "images": dict(
                zip([image.key for image in self.images], self._images_sha256, strict=True)
            ),
            "tensorflow": installed_version("tensorflow"),
            # Decoders of JPEG differ by a step here and there.
            "pillow": installed_version("pillow"),
            "code": code_sha256("inference", "runtimes", "preprocess"),
        }
        step = f"reference on {len(self.images)} images"
        folder = self.chain.work.product(self.chain.name, step, made_from, make)
        return _read_detections(folder / "detections.json")

    def candidate(
        self, variant: str, options: ExportOptions = EVALUATION
    ) -> Mapping[str, Detections]:
        """Detections of a .tflite file, by image; run once in a session.

        Args:
            variant: Raw variants are closed by the NumPy port of the op.
            options: Of the export that the file was made from.
        """
        place = (variant, options)
        if place not in self._seen:
            path = self.chain.tflite(variant, options)
            started = time.perf_counter()
            self._seen[place] = self._detect(
                lambda: self._detector(path, variant, options), f"{self.chain.name} {variant}"
            )
            self._seconds[place] = time.perf_counter() - started
            step = f"run {variant}{told(options)} on {len(self.images)} images"
            self._on_step(Step(self.chain.name, step, self._seconds[place], cached=False))
        return self._seen[place]

    def seconds(self, variant: str, options: ExportOptions = EVALUATION) -> float:
        """Wall time that `candidate` took."""
        self.candidate(variant, options)
        return self._seconds[variant, options]

    def session_raw_outputs(self, count: int, export: ExportedGraph | None = None) -> Arrays:
        """Raw outputs of an exported graph in a TensorFlow session, [I, 1, N, ...].

        Args:
            count: The first images.
            export: In the raw-outputs form; None takes the one that is converted.
        """
        export = export or self.chain.exported(add_postprocessing_op=False)
        graph = export.graph

        def make(folder: Path) -> None:
            from validation.runtimes.session import SessionRuntime

            with SessionRuntime(graph, RAW_OUTPUTS) as runtime:
                out = run_batchwise(runtime, self.feeds(count))
            for place, name in enumerate(RAW_OUTPUTS):
                np.save(folder / f"{place}.npy", out[name], allow_pickle=False)

        made_from = {
            "graph": file_sha256(graph),
            "images": self._images_sha256[:count],
            # The graph begins after it, so its hash says nothing of it.
            "preprocessing": to_plain(export.contract.preprocessing),
            "tensorflow": installed_version("tensorflow"),
            "pillow": installed_version("pillow"),
            "code": code_sha256("inference", "runtimes", "preprocess"),
        }
        step = f"session on {count} images"
        folder = self.chain.work.product(self.chain.name, step, made_from, make)
        return {name: np.load(folder / f"{place}.npy") for place, name in enumerate(RAW_OUTPUTS)}

    def raw_outputs(self, variant: str, count: int) -> Arrays:
        """Raw outputs of a raw .tflite on the first images, [I, 1, N, ...]."""
        give_back()
        with TfliteRuntime(self.chain.tflite(variant)) as runtime:
            return run_batchwise(runtime, self.feeds(count))

    def feeds(self, count: int) -> NDArray[np.float32]:
        """The first images as the model is fed them, [I, 1, H, W, 3]."""
        contract = self.chain.exported().contract
        return prepared(self.images[:count], contract.preprocessing)

    def timed_call(self, variant: str, threads: int) -> Callable[[], object]:
        """One inference of a variant on the first image, its feed made beforehand."""
        runtime = TfliteRuntime(self.chain.tflite(variant), threads)
        (spec,) = runtime.inputs
        feed = feed_of(spec, self.feeds(1)[0])
        return lambda: runtime.run(feed)

    def _detect(self, make: Callable[[], Detector], label: str) -> Mapping[str, Detections]:
        contract = self.chain.exported().contract
        large = contract.num_anchors * contract.num_classes > _LARGE_SCORES
        workers = 1 if large else self._workers
        give_back()
        return detect_all(make, self.images, workers=workers, label=label)

    def _detector(self, path: Path, variant: str, options: ExportOptions) -> Detector:
        runtime = TfliteRuntime(path)
        if variant_of(variant).add_postprocessing_op:
            preprocessing = self.chain.exported(options).contract.preprocessing
            return TfliteDetector(runtime, preprocessing)
        export = self.chain.exported(options, add_postprocessing_op=False)
        return RawTfliteDetector(runtime, export.contract, np.load(export.anchors))


def _write_detections(path: Path, found: Mapping[str, Detections]) -> None:
    path.write_text(json.dumps({key: to_plain(each) for key, each in found.items()}))


def _read_detections(path: Path) -> dict[str, Detections]:
    table = json.loads(path.read_text())
    return {key: from_plain(Detections, each) for key, each in table.items()}
