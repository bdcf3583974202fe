"""Faults planted into one file of a bundled archive, and what is to be said of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import faults_in_archives as put
import numpy as np

from validation.record.diagnosis import FaultKind, Place

_FLOAT, _QUANTISED = "ssd_mobilenet_v1", "ssd_mobilenet_v1_quantized"
_FIRST = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
_RANGE = "Conv2d_0/act_quant/max"


class Fault(NamedTuple):
    """A fault, and what is to be said of it.

    Args:
        name: For the test's id.
        change: Plants it.
        fault: Its kind.
        place: The file that it lies in.
        said: In words.
        model: That it is planted in.
    """

    name: str
    change: put.Change
    fault: FaultKind
    place: Place
    said: str
    model: str = _FLOAT


def _set(name: str, kind: str, value: object) -> Callable[[object], None]:
    return lambda node: setattr(node.attr[name], kind, value)  # type: ignore[attr-defined]


FAULTS = (
    Fault(
        "epsilon of the config",
        put.config("epsilon: 0.001", "epsilon: 0.1"),
        FaultKind.EPSILON,
        Place.CONFIG,
        "batch norm has another epsilon: 0.1 instead of 0.001 (FeatureExtractor/",
    ),
    Fault(
        "epsilon of one node",
        put.attribute("FusedBatchNormV3", _set("epsilon", "f", 0.1)),
        FaultKind.EPSILON,
        Place.GRAPH,
        "0.1 instead of 0.001 (FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm)",
    ),
    Fault(
        "activation of the config",
        put.config("activation: RELU_6", "activation: RELU"),
        FaultKind.ACTIVATION,
        Place.CONFIG,
        "an activation is another one: Relu instead of Relu6 (FeatureExtractor/",
    ),
    Fault(
        "padding of one node",
        put.attribute(
            "DepthwiseConv2dNative",
            lambda node: node.attr["padding"].MergeFromString(b"\x12\x05VALID"),
        ),
        FaultKind.OPERATOR_ATTRIBUTE,
        Place.GRAPH,
        "padding of FeatureExtractor/MobilenetV1/Conv2d_1_depthwise/depthwise_weights VALID",
    ),
    Fault(
        "noise in the checkpoint",
        put.checkpoint("Conv2d_0/weights", put.noise),
        FaultKind.WEIGHTS,
        Place.CHECKPOINT,
        f"weights differ: {_FIRST} (432 of 432 values, by up to 0.0",
    ),
    Fault(
        "noise in the graph",
        put.constant("Conv2d_0/weights", put.noise),
        FaultKind.WEIGHTS,
        Place.GRAPH,
        f"weights differ: {_FIRST} (432 of 432 values",
    ),
    Fault(
        "channels of the graph",
        put.constant("Conv2d_0/weights", lambda value: value[:, :, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        Place.GRAPH,
        f"{_FIRST}, axis 2 reversed",
    ),
    Fault(
        "classes of the checkpoint",
        put.checkpoint(
            "BoxPredictor_0/ClassPredictor/biases",
            lambda value: value[[0, 2, 1, *range(3, len(value))]],
        ),
        FaultKind.WEIGHTS_PERMUTED,
        Place.CHECKPOINT,
        "axis 0 in another order: 1 from 2, 2 from 1",
    ),
    Fault(
        "factor in the checkpoint",
        put.checkpoint("Conv2d_1_pointwise/weights", lambda value: value * 2),
        FaultKind.WEIGHTS_FACTOR,
        Place.CHECKPOINT,
        "weights are multiplied by a factor: FeatureExtractor/MobilenetV1/Conv2d_1_pointwise/",
    ),
    Fault(
        "half precision in the graph",
        put.constant("Conv2d_1_pointwise/weights", lambda value: value.astype(np.float16)),
        FaultKind.WEIGHTS_ROUNDED,
        Place.GRAPH,
        "Conv2d_1_pointwise/weights to half precision",
    ),
    Fault(
        "anchor scale of the config",
        put.config("min_scale: 0.2", "min_scale: 0.1"),
        FaultKind.ANCHORS,
        Place.CONFIG,
        "anchors are others: 10x10 grid: ",
    ),
    Fault(
        "anchors of the graph",
        put.constant("MultipleGridAnchorGenerator/anchors", lambda value: grown(value, 1.5)),
        FaultKind.ANCHORS,
        Place.GRAPH,
        "anchors are others: all sides times 1.5",
    ),
    Fault(
        "mean of the graph",
        put.constant("Preprocessor/sub/y", lambda value: value * 0),
        FaultKind.NORMALISATION,
        Place.GRAPH,
        "offset of pixels 0 instead of offset of pixels 1",
    ),
    Fault(
        "std of the graph",
        put.constant("Preprocessor/mul/x", lambda value: value / 2),
        FaultKind.NORMALISATION,
        Place.GRAPH,
        "scale of pixels 0.00392157 instead of scale of pixels 0.00784314",
    ),
    Fault(
        "align_corners of the graph",
        put.attribute("ResizeBilinear", _set("align_corners", "b", True)),
        FaultKind.RESIZE,
        Place.GRAPH,
        "align_corners True instead of align_corners False",
    ),
    Fault(
        "heads of the graph",
        put.first_inputs_swapped("ConcatV2"),
        FaultKind.CONCATENATION,
        Place.GRAPH,
        "BoxPredictor_1, BoxPredictor_0, BoxPredictor_2, BoxPredictor_3 instead of BoxPredictor_0",
    ),
    Fault(
        "averages that are not there",
        put.config("use_moving_averages: false", "use_moving_averages: true"),
        FaultKind.MOVING_AVERAGES,
        Place.CONFIG,
        "one side has the moving averages of the weights",
    ),
    Fault(
        "score threshold of the config",
        put.config("score_threshold: 1e-8", "score_threshold: 0.3"),
        FaultKind.SCORE_THRESHOLD,
        Place.CONFIG,
        "the score threshold is another one: 0.3 instead of 1.0e-08",
    ),
    Fault(
        "box scales of the config",
        put.config("y_scale: 10.0", "y_scale: 5.0"),
        FaultKind.BOX_SCALES,
        Place.CONFIG,
        "box scales are others: 5, 10, 5, 5 instead of 10, 10, 5, 5",
    ),
    Fault(
        "range of the shipped graph",
        put.constant(_RANGE, lambda value: value * 2, put.SHIPPED),
        FaultKind.FAKE_QUANT_RANGE,
        Place.SHIPPED_GRAPH,
        f"instead of 6 (FeatureExtractor/MobilenetV1/MobilenetV1/{_RANGE})",
        _QUANTISED,
    ),
    Fault(
        "range of the checkpoint",
        put.checkpoint(_RANGE, lambda value: value * 2),
        FaultKind.FAKE_QUANT_RANGE,
        Place.CHECKPOINT,
        f"instead of 6 (FeatureExtractor/MobilenetV1/MobilenetV1/{_RANGE})",
        _QUANTISED,
    ),
    Fault(
        "score threshold of the shipped graph",
        put.attribute(
            "TFLite_Detection_PostProcess", _set("nms_score_threshold", "f", 0.3), put.SHIPPED
        ),
        FaultKind.SCORE_THRESHOLD,
        Place.SHIPPED_GRAPH,
        "0.3 instead of 1.0e-08",
        _QUANTISED,
    ),
    Fault(
        "anchors of the shipped graph",
        put.constant("anchors", lambda value: value * [1, 1, 1.5, 1.5], put.SHIPPED),
        FaultKind.ANCHORS,
        Place.SHIPPED_GRAPH,
        "anchors are others: all sides times 1.5",
        _QUANTISED,
    ),
    Fault(
        "detections of the shipped graph",
        put.attribute("TFLite_Detection_PostProcess", _set("max_detections", "i", 10), put.SHIPPED),
        FaultKind.DETECTIONS,
        Place.SHIPPED_GRAPH,
        "another number of detections: 10 instead of 100",
        _QUANTISED,
    ),
    Fault(
        "suppression of the shipped graph",
        put.attribute(
            "TFLite_Detection_PostProcess", _set("use_regular_nms", "b", False), put.SHIPPED
        ),
        FaultKind.NMS,
        Place.SHIPPED_GRAPH,
        "use_regular_nms false instead of true",
        _QUANTISED,
    ),
)


def grown(corners: put.Array, factor: float) -> put.Array:
    """Boxes [N, 4] by their corners, with sides so many times as long."""
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    half = (corners[:, 2:] - corners[:, :2]) / 2 * factor
    return np.concatenate([centres - half, centres + half], axis=1)
