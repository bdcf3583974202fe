"""Faults made in .tflite files of bundled models: the kind of each, its place and its value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import array_edits
import numpy as np
import operator_surgery as surgery

from validation.faults import file_edits
from validation.record.diagnosis import FaultKind

_LAYER = "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d"
# Of each anchor in a class head: the background and eight classes.
COLUMNS = 9


def _columns(*first: int) -> Sequence[int]:
    return (*first, *range(len(first), COLUMNS))


# Of a float file: what was done, the kind, a part of where it lies, and what is there.
IN_FLOAT: dict[str, tuple[surgery.Change, FaultKind, str, Any]] = {
    "BGR": (
        surgery.constant(0, lambda kernel: kernel[..., ::-1]),
        FaultKind.CHANNELS,
        "axis 3 of the first kernel",
        "BGR",
    ),
    "channels GBR": (
        surgery.constant(0, lambda kernel: kernel[..., [1, 2, 0]]),
        FaultKind.CHANNELS,
        "first kernel",
        "GBR",
    ),
    "pixels twice as large": (
        surgery.constant(0, lambda kernel: kernel * 2),
        FaultKind.NORMALISATION,
        "Conv2d_0",
        "pixels times 2",
    ),
    "a layer times 1.1": (
        surgery.constant(5, lambda kernel: kernel * 1.1),
        FaultKind.WEIGHTS_FACTOR,
        f"kernel of {_LAYER}_3_depthwise",
        1.1,
    ),
    "a channel times 3": (
        surgery.constant(6, array_edits.times_at(0, 7, 3.0)),
        FaultKind.WEIGHTS_FACTOR,
        f"output channel 7 of the kernel of {_LAYER}_3_pointwise",
        3.0,
    ),
    "two filters exchanged": (
        surgery.constant(6, array_edits.swapped(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
        "2 is 9, 9 is 2",
    ),
    "a filter twice": (
        surgery.constant(6, array_edits.repeated(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
        "2 is 9",
    ),
    "a depthwise kernel transposed": (
        surgery.constant(3, lambda kernel: kernel.swapaxes(1, 2)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_2_depthwise",
        "height and width exchanged",
    ),
    "a depthwise kernel upside down": (
        surgery.constant(3, lambda kernel: kernel[:, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_2_depthwise",
        "height reversed",
    ),
    "no bias": (
        surgery.without_bias(4),
        FaultKind.WEIGHTS,
        f"bias of {_LAYER}_2_pointwise/Relu6, which is absent",
        None,
    ),
    "a bias of zeros": (
        surgery.constant(4, lambda bias: bias * 0, surgery.BIAS),
        FaultKind.WEIGHTS,
        f"bias of {_LAYER}_2_pointwise/Relu6, all of them 0",
        None,
    ),
    "a bias doubled": (
        surgery.constant(4, lambda bias: bias * 2, surgery.BIAS),
        FaultKind.WEIGHTS_FACTOR,
        f"bias of {_LAYER}_2_pointwise",
        2.0,
    ),
    "noise on a kernel": (
        surgery.constant(
            4, lambda kernel: kernel + np.random.default_rng(1).normal(0, 0.01, kernel.shape)
        ),
        FaultKind.WEIGHTS,
        f"kernel of {_LAYER}_2_pointwise",
        None,
    ),
    "NaN in a kernel": (
        surgery.constant(4, lambda kernel: np.where(kernel == kernel.max(), np.nan, kernel)),
        FaultKind.NOT_FINITE,
        f"1 value of kernel of {_LAYER}_2_pointwise",
        None,
    ),
    "two layers' kernels exchanged": (
        surgery.exchange_kernels(14, 16),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_7_pointwise",
        f"that of {_LAYER}_8_pointwise",
    ),
    "two classes exchanged": (
        surgery.heads("ClassPredictor", _columns(0, 2, 1)),
        FaultKind.CLASS_ORDER,
        "BoxPredictor_0/ClassPredictor",
        "class 1 has the filters of 2, class 2 has the filters of 1",
    ),
    "a class twice": (
        surgery.heads("ClassPredictor", (*range(8), 3)),
        FaultKind.CLASS_ORDER,
        "BoxPredictor_0/ClassPredictor",
        "class 8 has the filters of 3",
    ),
    "classes shifted": (
        surgery.heads("ClassPredictor", (0, 8, *range(1, 8))),
        FaultKind.CLASS_SHIFT,
        "BoxPredictor_0/ClassPredictor",
        "+1",
    ),
    "a class that nothing finds": (
        surgery.class_bias(3, -100.0),
        FaultKind.CLASS_LOST,
        "class 3",
        None,
    ),
    "pixels of the image doubled": (
        surgery.before_the_network("MUL", [2.0]),
        FaultKind.NORMALISATION,
        "after the input",
        "MUL",
    ),
    "the image's channels reversed": (
        surgery.before_the_network("REVERSE_V2", [3]),
        FaultKind.CHANNELS,
        "after the input",
        "REVERSE_V2",
    ),
    "the image mirrored": (
        surgery.before_the_network("REVERSE_V2", [2]),
        FaultKind.MIRRORED,
        "after the input",
        "REVERSE_V2",
    ),
    "tanh for sigmoid": (
        surgery.exchange_kind("LOGISTIC", 0, "TANH"),
        FaultKind.SCORES,
        "Postprocessor/convert_scores",
        "TANH",
    ),
    "blocks exchanged": (
        surgery.exchange_blocks(15),
        FaultKind.OPERATOR_ORDER,
        f"DEPTHWISE_CONV_2D {_LAYER}_8_depthwise/Relu6 reads",
        f"{_LAYER}_9_pointwise/Relu6",
    ),
    "a layer twice": (
        surgery.twice("CONV_2D", 8),
        FaultKind.OPERATOR_ADDED,
        f"after {_LAYER}_8_pointwise",
        "CONV_2D",
    ),
    "a layer gone": (
        surgery.without("CONV_2D", 8),
        FaultKind.OPERATOR_MISSING,
        f"{_LAYER}_8_pointwise",
        None,
    ),
    "x before y": (
        surgery.heads("BoxEncodingPredictor", (1, 0, 3, 2)),
        FaultKind.BOX_AXES,
        "BoxPredictor_0/BoxEncodingPredictor",
        ["x", "y", "w", "h"],
    ),
    "ReLU for ReLU6": (
        surgery.option("CONV_2D", 4, fusedActivationFunction=1),
        FaultKind.ACTIVATION,
        f"{_LAYER}_4_pointwise",
        "RELU",
    ),
    "another stride": (
        surgery.option("DEPTHWISE_CONV_2D", 2, strideH=2),
        FaultKind.OPERATOR_ATTRIBUTE,
        f"stride_h of DEPTHWISE_CONV_2D {_LAYER}_3_depthwise",
        2,
    ),
    "no padding": (
        surgery.option("CONV_2D", 0, padding=1),
        FaultKind.OPERATOR_ATTRIBUTE,
        "padding of CONV_2D",
        "VALID",
    ),
    "dilation": (
        surgery.option("DEPTHWISE_CONV_2D", 3, dilationWFactor=2),
        FaultKind.OPERATOR_ATTRIBUTE,
        "dilation_w_factor",
        2,
    ),
    "no sigmoid": (
        surgery.without("LOGISTIC"),
        FaultKind.SCORES,
        "Postprocessor/convert_scores",
        "no LOGISTIC",
    ),
    "two sigmoids": (surgery.twice("LOGISTIC"), FaultKind.SCORES, "after", "LOGISTIC twice"),
    "boxes of other maps first": (
        surgery.inputs("CONCATENATION", 0, (1, 0, 2, 3)),
        FaultKind.CONCATENATION,
        "concat",
        "BoxPredictor_1/BoxEncodingPredictor",
    ),
    "anchors half as large again": (
        surgery.anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]),
        FaultKind.ANCHORS,
        "anchors",
        "1.5 times as long",
    ),
    "one anchor": (
        surgery.anchors(lambda anchors: array_edits.times_at(0, 17, 1.2)(anchors)),
        FaultKind.ANCHORS,
        "row 17",
        "1 of 552 rows",
    ),
    "other box scales": (
        file_edits.change_attributes(y_scale=5.0),
        FaultKind.BOX_SCALES,
        "y_scale",
        [5.0, 10.0, 5.0, 5.0],
    ),
    "another IoU": (
        file_edits.change_attributes(nms_iou_threshold=0.3),
        FaultKind.NMS,
        "nms_iou_threshold",
        0.3,
    ),
    "a score threshold": (
        file_edits.change_attributes(nms_score_threshold=0.3),
        FaultKind.SCORE_THRESHOLD,
        "nms_score_threshold",
        0.3,
    ),
    "fewer detections": (
        file_edits.change_attributes(max_detections=10),
        FaultKind.DETECTIONS,
        "max_detections",
        10,
    ),
    "outputs in another order": (
        surgery.outputs((2, 1, 0, 3)),
        FaultKind.OUTPUT_ORDER,
        "outputs",
        ["scores", "classes", "boxes", "count"],
    ),
    "4 bits in floats": (
        surgery.constant(6, array_edits.rounded_to(4)),
        FaultKind.WEIGHTS_ROUNDED,
        f"1 of 78 constants, first kernel of {_LAYER}_3_pointwise",
        "4 bits",
    ),
}

# Of a file in 8 bits, whose ranges are the graph's.
IN_8_BITS: dict[str, tuple[surgery.Change, FaultKind, str]] = {
    "a scale": (
        surgery.written_scale(5, 1.3),
        FaultKind.QUANTISED_RANGE,
        f"what {_LAYER}_3_depthwise/Relu6 writes",
    ),
    "a zero point": (
        surgery.written_scale(5, shift=3),
        FaultKind.QUANTISED_RANGE,
        f"what {_LAYER}_3_depthwise/Relu6 writes",
    ),
    "a kernel's scale": (
        surgery.kernel_scale(5, 1.5),
        FaultKind.WEIGHTS_FACTOR,
        f"kernel of {_LAYER}_3_depthwise",
    ),
    "a kernel's zero point": (
        surgery.kernel_scale(5, shift=2),
        FaultKind.WEIGHTS,
        f"kernel of {_LAYER}_3_depthwise/Relu6, every value",
    ),
    "two filters exchanged": (
        surgery.constant(6, array_edits.swapped(0, 2, 9)),
        FaultKind.WEIGHTS_PERMUTED,
        f"kernel of {_LAYER}_3_pointwise",
    ),
    "fewer bits": (
        surgery.constant(6, lambda kernel: kernel // 16 * 16),
        FaultKind.WEIGHTS_ROUNDED,
        f"kernel of {_LAYER}_3_pointwise",
    ),
    "BGR": (
        surgery.constant(0, lambda kernel: kernel[..., ::-1]),
        FaultKind.CHANNELS,
        "first kernel",
    ),
    "no sigmoid": (surgery.without("LOGISTIC"), FaultKind.SCORES, "convert_scores"),
    "the input's scale": (surgery.input_scale(2.0), FaultKind.NORMALISATION, "the input"),
}
