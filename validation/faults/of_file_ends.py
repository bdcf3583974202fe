"""Faults at the end of a .tflite file, of its attributes and outputs, and of files of 8 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.faults import file_edits as put
from validation.faults.fault import Case, Fault, Thinness
from validation.faults.of_files import (
    BODY_FAULTS,
    KERNEL_CHANNELS,
    PARITY,
    TWICE,
    by_class,
    of_file,
)
from validation.faults.of_weights import classes_reversed, noisy
from validation.record.diagnosis import FaultKind, Place

Array = NDArray[Any]
_QUANTISED = "ssd_mobilenet_v1_quantized"
_CONTRACT = ("tflite_contract", "reference_contract")
_OP = ("postprocess_parity", "reference_contract", "tflite_contract")


def _half(case: Case) -> None:
    assert case.file is not None
    data = case.file.read_bytes()
    case.file.write_bytes(data[: len(data) // 2])


def _lower(anchors: Array) -> Array:
    return anchors + np.array([0.05, 0, 0, 0], np.float32)


def _four_bits(values: Array) -> Array:
    coarse: Array = (np.round(values.astype(np.float32) / 16) * 16).clip(-127, 127)
    return coarse


_END_FAULTS: tuple[Fault, ...] = (
    of_file(
        "anchor-sides",
        "anchors have sides of 1.5 times the length",
        put.change_anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
        at=TWICE,
    ),
    of_file(
        "anchor-places",
        "anchors are a twentieth of the image too low",
        put.change_anchors(_lower),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
    ),
    of_file(
        "anchor-axes",
        "anchors have x before y",
        put.change_anchors(lambda anchors: anchors[:, [1, 0, 3, 2]]),
        FaultKind.ANCHORS,
        FaultKind.BOX_AXES,
        checks=_OP,
        known=("O06",),
    ),
    of_file(
        "anchor-order",
        "anchors are in the reverse order",
        put.change_anchors(lambda anchors: anchors[::-1]),
        FaultKind.ANCHORS,
        checks=_OP,
    ),
    of_file(
        "ten-detections",
        "10 detections",
        put.change_attributes(max_detections=10),
        FaultKind.DETECTIONS,
        checks=_CONTRACT,
        known=("E03",),
    ),
    of_file(
        "box-scales",
        "height and width scales of 4 in place of 5",
        put.change_attributes(h_scale=4.0, w_scale=4.0),
        FaultKind.BOX_SCALES,
        checks=_CONTRACT,
    ),
    of_file(
        "iou",
        "suppression keeps what overlaps up to 0.95",
        put.change_attributes(nms_iou_threshold=0.95),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04",),
    ),
    of_file(
        "score-threshold",
        "scores below 0.3 are suppressed",
        put.change_attributes(nms_score_threshold=0.3),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("C10",),
    ),
    of_file(
        "fast-nms",
        "suppression ignores classes",
        put.change_attributes(use_regular_nms=False),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04", "O12"),
    ),
    of_file(
        "output-order",
        "boxes and classes change places",
        put.swap_outputs(0, 1),
        FaultKind.OUTPUT_ORDER,
        checks=_CONTRACT,
        known=("O02",),
    ),
    of_file(
        "output-names",
        "classes and scores change names",
        put.swap_output_names(1, 2),
        FaultKind.OUTPUT_ORDER,
        checks=_CONTRACT,
        known=("O02",),
        equivalent="outputs are known by the operator that writes them, and by their order; no "
        "app reads these names",
    ),
    Fault(
        "file-cut",
        ".tflite (float): its second half did not arrive",
        Place.FILE,
        frozenset({FaultKind.DAMAGED}),
        _half,
        ("tflite_contract",),
        ("V01",),
        at=(Thinness.COMPLETE,),
        variants=("float",),
    ),
)

_EIGHT_BIT_FAULTS: tuple[Fault, ...] = (
    of_file(
        "coarse",
        "one convolution has weights of 4 bits",
        put.change_kernel(12, _four_bits),
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.WEIGHTS,
        checks=("quantisation", *PARITY),
        known=("X04",),
        variant="int8",
    ),
    of_file(
        "scale",
        "one activation is read with half of its scale",
        put.change_scale(10, 0.5),
        FaultKind.QUANTISED_RANGE,
        FaultKind.FAKE_QUANT_RANGE,
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.OPERATOR_ATTRIBUTE,
        checks=("quantisation", *PARITY),
        variant="int8",
    ),
    of_file(
        "bgr-int8",
        "the first convolution expects the channels as blue, green, red",
        put.change_kernel(0, lambda values: values[..., ::-1]),
        FaultKind.CHANNELS,
        FaultKind.WEIGHTS_PERMUTED,
        known=("P06",),
        variant="int8",
        places=KERNEL_CHANNELS,
    ),
    of_file(
        "classes-int8",
        "the class heads have the classes in the reverse order",
        put.change_class_heads(by_class(classes_reversed)),
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        variant="int8",
    ),
    of_file(
        "input-scale",
        "the input stands for pixels of twice the range",
        put.change_input(scale=2.0),
        FaultKind.NORMALISATION,
        FaultKind.OPERATOR_ATTRIBUTE,
        checks=("tflite_contract", *PARITY),
        known=("P05",),
        variant="uint8",
        model=_QUANTISED,
        places=KERNEL_CHANNELS,
    ),
    of_file(
        "noise-uint8",
        "one convolution has noise of half of its spread",
        put.change_kernel(8, lambda values: noisy(0.5)(values.astype(np.float32)).clip(0, 255)),
        FaultKind.WEIGHTS,
        checks=("quantisation", *PARITY),
        variant="uint8",
        model=_QUANTISED,
    ),
    of_file(
        "anchors-uint8",
        "anchors are a twentieth of the image too low",
        put.change_anchors(_lower),
        FaultKind.ANCHORS,
        checks=_OP,
        variant="uint8",
        model=_QUANTISED,
    ),
)

FILE_FAULTS: tuple[Fault, ...] = (*BODY_FAULTS, *_END_FAULTS, *_EIGHT_BIT_FAULTS)
