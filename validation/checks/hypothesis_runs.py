"""A file under test run on some images with its feed, or its raw outputs, changed."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from validation.checks.contract_runs import file_detector
from validation.diagnosis.agreement import Found
from validation.diagnosis.feed_hypotheses import FeedHypothesis, normalise
from validation.diagnosis.raw_outputs import RawOutputs
from validation.errors import ConversionError, FeedError, NotProvided
from validation.files.temporary import scratch
from validation.inference.outputs import bind_outputs
from validation.inference.tflite import RawTfliteDetector, TfliteDetector, run_batchwise
from validation.isolation.activity import alive
from validation.preprocess.feed import prepared_for
from validation.preprocess.image import ImageFile, load
from validation.record.detections import Detections
from validation.runtimes.tflite import TfliteRuntime, default_threads
from validation.tflite.model import read_model
from validation.tflite.rewriting import exposing_heads, head_names
from validation.workspace.given_subject import GivenSubject
from validation.workspace.image_runs import ImageRuns
from validation.workspace.sides import Subject

_HEADS = "heads.tflite"
_NOTHING = Detections((), (), ())
_Result = TypeVar("_Result")
_Runner = TypeVar("_Runner")


class ChangedRuns:
    """A subject on some of the session's images.

    Args:
        subject: The file under test.
        runs: Of the session.
        images: Some of its images.
    """

    def __init__(self, subject: Subject, runs: ImageRuns, images: Sequence[ImageFile]) -> None:
        self._subject = subject
        self._runs = runs
        self._size = subject.shared_size
        self.images = tuple(images)

    def fed(self, hypotheses: Sequence[FeedHypothesis]) -> list[Found]:
        """What the file detects with each of some changes of its feed.

        Nothing where a change makes a feed that the file cannot take.
        """

        def detect(
            detector: TfliteDetector | RawTfliteDetector, image: ImageFile
        ) -> list[Detections]:
            return [self._with(detector, each, image) for each in hypotheses]

        rows = self._on_all(self._detector, detect)
        return [
            {image.key: row[place] for image, row in zip(self.images, rows, strict=True)}
            for place in range(len(hypotheses))
        ]

    def _with(
        self, detector: TfliteDetector | RawTfliteDetector, one: FeedHypothesis, image: ImageFile
    ) -> Detections:
        prepared, size = detector.prepared, self._size
        if one.resize is not None:
            pixels = load(image, size)
            feed = normalise(one.resize(pixels, prepared.height, prepared.width), prepared)
            shape = (pixels.shape[0], pixels.shape[1])
        else:
            feed, shape = self._runs.feeds.of(image, prepared, size), (1, 1)
            feed = feed if one.undo is None else one.undo(feed)
        try:
            found = detector.detect_feed(np.ascontiguousarray(feed, np.float32))
        except FeedError:
            return _NOTHING
        return one.read(found, shape)

    def _detector(self) -> TfliteDetector | RawTfliteDetector:
        if isinstance(self._subject, GivenSubject):
            return self._subject.opened.detector()
        return file_detector(self._subject.path, self._subject)

    def fed_and_made_anew(
        self, anew: Callable[[NDArray[np.uint8], int, int], NDArray[np.float32]]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Of each image what the file is fed, and what another resize of it would feed."""
        prepared = prepared_for(self._subject.preprocessing, self._subject.way)
        for image in self.images:
            pixels = load(image, self._size)
            resized = anew(pixels, prepared.height, prepared.width)
            yield (
                self._runs.feeds.of(image, prepared, self._size).reshape(1, *resized.shape),
                normalise(resized, prepared),
            )

    def raw(self) -> dict[str, RawOutputs]:
        """What the file's op reads on each image, or what it gives where it ends in that.

        Raises:
            NotProvided, ConversionError: It cannot be had.
        """
        subject = self._subject
        own = subject.file.postprocess
        attributes = subject.postprocess if own is None else own
        anchors = subject.anchors if own is None else subject.op_anchors.values
        prepared = prepared_for(subject.preprocessing, subject.way)
        with self._heads() as (path, names):
            way = subject.way

            def run(runtime: TfliteRuntime, image: ImageFile) -> RawOutputs:
                feed = self._runs.feeds.of(image, prepared, self._size)
                out = run_batchwise(runtime, feed[np.newaxis], way)
                boxes, scores = (out[name] for name in names)
                return RawOutputs.of_image(boxes, scores, anchors, attributes)

            rows = self._on_all(lambda: TfliteRuntime(path), run)
        return {image.key: row for image, row in zip(self.images, rows, strict=True)}

    def _on_all(
        self, make: Callable[[], _Runner], work: Callable[[_Runner, ImageFile], _Result]
    ) -> list[_Result]:
        """What is made of each image by whichever of the runners is free."""
        workers = min(self._runs.workers or default_threads(), len(self.images))
        free: queue.SimpleQueue[_Runner] = queue.SimpleQueue()
        # All of them before any runs: what a subject is asked for may make its file anew.
        for _ in range(workers):
            free.put(make())

        def on_one(image: ImageFile) -> _Result:
            runner = free.get()
            try:
                return work(runner, image)
            finally:
                free.put(runner)
                alive()

        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(on_one, self.images))

    @contextmanager
    def _heads(self) -> Iterator[tuple[Path, tuple[str, str]]]:
        """A file that ends in box encodings and class predictions, and their names."""
        subject = self._subject
        if isinstance(subject, GivenSubject):
            yield subject.heads
            return
        model = read_model(subject.path)
        if subject.file.postprocess is None:
            boxes, scores = bind_outputs(model, subject.file).names
            yield subject.path, (boxes, scores)
            return
        with scratch() as folder:
            path = folder / _HEADS
            path.write_bytes(exposing_heads(model))
            yield path, head_names(model)


NO_RAW_OUTPUTS = (NotProvided, ConversionError)
