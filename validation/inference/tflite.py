"""Detections and raw outputs of a .tflite file, without TensorFlow."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import ConversionError, FeedError
from validation.postprocess.detections import detections_from_op, to_detections
from validation.postprocess.op import detection_postprocess
from validation.preprocess.feed import FeedWay, fed, prepared_for
from validation.preprocess.prepare import prepare
from validation.preprocess.quantise import dequantise, is_quantised, suspicious_feed
from validation.record.detections import Detections
from validation.runtimes.base import Runtime
from validation.specs.contracts import (
    POSTPROCESS_OUTPUTS,
    RAW_OUTPUTS,
    Preprocessing,
    SsdContract,
)
from validation.specs.tensors import TensorSpec

# Label maps begin at 1; the op's classes have no background and begin at 0.
LABEL_OFFSET = 1


class _FileDetector(abc.ABC):
    """A loaded file, fed one way, its outputs bound by name."""

    def __init__(
        self,
        runtime: Runtime,
        preprocessing: Preprocessing,
        outputs: Sequence[str],
        way: FeedWay,
    ) -> None:
        self._runtime = runtime
        self._way = way
        self._input = _input(runtime)
        self._outputs = tuple(outputs)
        self.prepared = prepared_for(preprocessing, way)
        _require(runtime, self._outputs)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """See `Detector.detect`."""
        return self.detect_feed(prepare(image, self.prepared))

    @abc.abstractmethod
    def detect_feed(self, feed: NDArray[np.float32]) -> Detections:
        """Detections of one image prepared by `prepared`, float32 [1, H, W, 3]."""

    def _run(self, feed: NDArray[np.float32]) -> list[NDArray[Any]]:
        """The outputs in the order of their names, in real units."""
        run = self._runtime.run(feed_of(self._input, feed, self._way))
        out = real_outputs(self._runtime.outputs, run)
        return [out[name] for name in self._outputs]


class TfliteDetector(_FileDetector):
    """A .tflite file with the post-processing op.

    Args:
        runtime: The loaded file. One thread each: with more, LiteRT's regular NMS skips
            a class (https://github.com/tensorflow/tensorflow/issues/56058).
        preprocessing: Of its contract.
        outputs: Names of boxes, classes, scores and count, in this order. Without the count,
            every slot with a score above 0 is a detection.
        way: How the input is fed.
        first_class: The number of the first class in its classes.
    """

    def __init__(
        self,
        runtime: Runtime,
        preprocessing: Preprocessing,
        outputs: Sequence[str] = POSTPROCESS_OUTPUTS,
        way: FeedWay = FeedWay.QUANTISED,
        first_class: int = 0,
    ) -> None:
        super().__init__(runtime, preprocessing, outputs, way)
        self._offset = LABEL_OFFSET - first_class

    def detect_feed(self, feed: NDArray[np.float32]) -> Detections:
        """See `_FileDetector.detect_feed`."""
        boxes, classes, scores, *rest = self._run(feed)
        if rest:
            return detections_from_op(boxes, classes, scores, rest[0], self._offset)
        valid = scores.reshape(-1) > 0
        return detections_from_op(
            boxes.reshape(-1, 4)[valid],
            classes.reshape(-1)[valid],
            scores.reshape(-1)[valid],
            np.count_nonzero(valid),
            self._offset,
        )


class RawTfliteDetector(_FileDetector):
    """A .tflite file that ends in raw outputs, closed by the NumPy port of the op.

    Args:
        runtime: The loaded file.
        contract: Preprocessing and the op's attributes.
        anchors: float32 [N, 4] in centre form.
        outputs: Names of box encodings and class predictions, in this order.
        way: How the input is fed.
    """

    def __init__(
        self,
        runtime: Runtime,
        contract: SsdContract,
        anchors: NDArray[np.float32],
        outputs: Sequence[str] = RAW_OUTPUTS,
        way: FeedWay = FeedWay.QUANTISED,
    ) -> None:
        super().__init__(runtime, contract.preprocessing, outputs, way)
        self._contract = contract
        self._anchors = anchors

    def detect_feed(self, feed: NDArray[np.float32]) -> Detections:
        """See `_FileDetector.detect_feed`."""
        encodings, scores = self._run(feed)
        output = detection_postprocess(
            # Exporters leave an axis of one between anchors and coordinates.
            encodings.reshape(1, -1, 4) if encodings.ndim == 4 else encodings,
            scores,
            self._anchors,
            self._contract.postprocess,
        )
        return to_detections(output, LABEL_OFFSET)


def feed_of(
    spec: TensorSpec, tensor: NDArray[Any], way: FeedWay = FeedWay.QUANTISED
) -> dict[str, NDArray[Any]]:
    """What a runtime is to be fed.

    Args:
        spec: Of the input.
        tensor: float32, as `prepared_for` the way. Integers are taken to be fed as they are.
        way: By the input's own scale and zero point unless it says otherwise.
    """
    return {spec.name: fed(tensor, spec, way) if tensor.dtype.kind == "f" else tensor}


def real_outputs(
    specs: Sequence[TensorSpec], outputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Every output in real units: quantised ones by their own scale and zero point."""
    return {spec.name: dequantise(outputs[spec.name], spec) for spec in specs}


def run_batchwise(
    runtime: Runtime, feeds: NDArray[Any], way: FeedWay = FeedWay.QUANTISED
) -> dict[str, NDArray[np.float32]]:
    """Every output over a stack of feeds in real units, the images along a new first axis.

    Args:
        runtime: With one input.
        feeds: [I, 1, H, W, 3], float32; or of a quantised input's own dtype.
        way: See `feed_of`.

    Raises:
        FeedError: Quantised feeds that were normalised and then cast.
    """
    stacked: dict[str, NDArray[np.float32]] = {}
    for index, outputs in enumerate(run_each(runtime, feeds, way)):
        for name, array in outputs.items():
            if not index:
                stacked[name] = np.empty((len(feeds), *array.shape), array.dtype)
            stacked[name][index] = array
    return stacked


def run_each(
    runtime: Runtime, feeds: NDArray[Any], way: FeedWay = FeedWay.QUANTISED
) -> Iterator[dict[str, NDArray[Any]]]:
    """The outputs of one feed after the other; see `run_batchwise`.

    Raises:
        FeedError: See `run_batchwise`.
    """
    spec = _input(runtime)
    complaint = suspicious_feed(feeds) if is_quantised(spec) else ""
    if complaint:
        raise FeedError(
            complaint,
            where=spec.name,
            next_step="feed pixels quantised by the file's scale and zero point",
        )
    for feed in feeds:
        yield real_outputs(runtime.outputs, runtime.run(feed_of(spec, feed, way)))


def _input(runtime: Runtime) -> TensorSpec:
    if len(runtime.inputs) != 1:
        raise ConversionError(
            "an SSD takes one image",
            expected="one input",
            got=", ".join(spec.name for spec in runtime.inputs) or "none",
        )
    return runtime.inputs[0]


def _require(runtime: Runtime, names: Sequence[str]) -> None:
    """Outputs are bound by name; a file without them is not what it says it is."""
    present = [spec.name for spec in runtime.outputs]
    missing = [name for name in names if name not in present]
    if missing:
        raise ConversionError(
            "the file lacks outputs",
            expected=", ".join(names),
            got=", ".join(present) or "none",
            next_step="convert it again with all of them in --output_arrays"
            if present and set(present) < set(names)
            else "was it converted with or without the post-processing op?",
        )
