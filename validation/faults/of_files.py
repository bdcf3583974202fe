"""Faults of a .tflite file that somebody else made, judged by the archive it is of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.faults import file_edits as put
from validation.faults.fault import Case, Fault, Inject, Thinness
from validation.faults.of_weights import (
    classes_reversed,
    classes_rolled,
    noisy,
)
from validation.record.diagnosis import FaultKind, Place

Array = NDArray[Any]
_COMPLETE = (Thinness.COMPLETE,)
_TWICE = (Thinness.COMPLETE, Thinness.GRAPH)
_PARITY = ("end_to_end_parity", "raw_parity", "accuracy")
_CONTRACT = ("tflite_contract", "reference_contract")
_OP = ("postprocess_parity", "reference_contract", "tflite_contract")


def _rewritten(change: put.Change) -> Inject:
    def inject(case: Case) -> None:
        assert case.file is not None
        put.rewrite(case.file, case.file, change)

    return inject


def _half(case: Case) -> None:
    assert case.file is not None
    data = case.file.read_bytes()
    case.file.write_bytes(data[: len(data) // 2])


def _file(
    name: str,
    title: str,
    change: put.Change,
    *kinds: FaultKind,
    checks: tuple[str, ...] = _PARITY,
    known: tuple[str, ...] = (),
    at: tuple[Thinness, ...] = _COMPLETE,
    variant: str = "float",
    places: frozenset[Place] = frozenset(),
    model: str | None = None,
    equivalent: str = "",
) -> Fault:
    return Fault(
        f"file-{name}",
        f".tflite ({variant}): {title}",
        Place.FILE,
        frozenset(kinds),
        _rewritten(change),
        checks,
        known,
        places=places,
        at=at,
        variants=(variant,),
        model=model,
        equivalent=equivalent,
    )


def _by_class(edit: Any) -> Any:
    """A head's arrays as [anchors, classes, ...], the classes moved behind for the edit."""

    def of_head(values: Array, last: int) -> Array:
        grouped = np.moveaxis(values.reshape(-1, last, *values.shape[1:]), 1, -1)
        edited: Array = np.moveaxis(edit(grouped), -1, 1)
        return edited.reshape(values.shape)

    return of_head


def _lost(values: Array, last: int) -> Array:
    grouped = values.reshape(-1, last, *values.shape[1:]).copy()
    grouped[:, 3] = -20.0 if values.ndim == 1 else 0.0
    return grouped.reshape(values.shape)


def _axes(values: Array, last: int) -> Array:
    swapped: Array = values.reshape(-1, last, *values.shape[1:])[:, [1, 0, 3, 2]]
    return swapped.reshape(values.shape)


def _one_value(values: Array) -> None:
    values.flat[values.size // 2] += values.std() * 5


def _lower(anchors: Array) -> Array:
    return anchors + np.array([0.05, 0, 0, 0], np.float32)


def _nan(values: Array) -> None:
    values.flat[0] = np.nan


def _four_bits(values: Array) -> Array:
    coarse: Array = (np.round(values.astype(np.float32) / 16) * 16).clip(-127, 127)
    return coarse


_KERNEL_CHANNELS = frozenset({Place.FEED})

FILE_FAULTS: tuple[Fault, ...] = (
    _file(
        "bgr",
        "the first convolution expects the channels as blue, green, red",
        put.change_kernel(0, lambda values: values[..., ::-1]),
        FaultKind.CHANNELS,
        FaultKind.WEIGHTS_PERMUTED,
        known=("P06",),
        at=_TWICE,
        places=_KERNEL_CHANNELS,
    ),
    _file(
        "mirrored",
        "the first convolution is mirrored",
        put.change_kernel(0, lambda values: values[:, :, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        FaultKind.MIRRORED,
    ),
    _file(
        "transposed",
        "the first convolution has its axes exchanged",
        put.change_kernel(0, lambda values: values.transpose(0, 2, 1, 3)),
        FaultKind.WEIGHTS_PERMUTED,
        FaultKind.TRANSPOSED,
        known=("O06",),
    ),
    _file(
        "half-input",
        "the first convolution has half of its weights",
        put.change_kernel(0, lambda values: values * 0.5),
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.NORMALISATION,
        known=("P01",),
        places=_KERNEL_CHANNELS,
    ),
    _file(
        "mean",
        "the first bias is that of pixels normalised by 128/128",
        put.change_bias(0, lambda values: values + 0.05),
        FaultKind.WEIGHTS,
        FaultKind.NORMALISATION,
        known=("P03",),
        places=_KERNEL_CHANNELS,
    ),
    _file(
        "classes-reversed",
        "the class heads have the classes in the reverse order",
        put.change_class_heads(_by_class(classes_reversed)),
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        at=_TWICE,
    ),
    _file(
        "classes-shifted",
        "each class has the filters of the class before",
        put.change_class_heads(_by_class(classes_rolled)),
        FaultKind.CLASS_SHIFT,
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        known=("O03",),
    ),
    _file(
        "class-lost",
        "one class has no filters",
        put.change_class_heads(_lost),
        FaultKind.CLASS_LOST,
        FaultKind.WEIGHTS,
    ),
    _file(
        "box-axes",
        "the box heads have x before y",
        put.change_box_heads(_axes),
        FaultKind.BOX_AXES,
        FaultKind.WEIGHTS_PERMUTED,
        known=("O06",),
    ),
    _file(
        "one-weight",
        "one weight of one convolution is another one",
        put.change_kernel(12, _one_value),
        FaultKind.WEIGHTS,
    ),
    _file(
        "noise",
        "one convolution has noise of a tenth of its spread",
        put.change_kernel(8, noisy(0.1)),
        FaultKind.WEIGHTS,
    ),
    _file(
        "layer-lost",
        "one convolution has no weights",
        put.change_kernel(10, np.zeros_like),
        FaultKind.WEIGHTS,
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.CONSTANT_OUTPUT,
    ),
    _file(
        "bias-lost",
        "one convolution has no bias",
        put.change_bias(6, np.zeros_like),
        FaultKind.WEIGHTS,
        FaultKind.WEIGHTS_FACTOR,
    ),
    _file(
        "doubled",
        "one convolution has twice its weights",
        put.change_kernel(14, lambda values: values * 2),
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.WEIGHTS,
    ),
    _file(
        "nan",
        "one weight is NaN",
        put.change_kernel(4, _nan),
        FaultKind.NOT_FINITE,
        FaultKind.WEIGHTS,
        known=("O10",),
    ),
    _file(
        "rounded",
        "all weights are rounded to steps of 1/64",
        put.change_every_kernel(lambda values: np.round(values * 64) / 64),
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.PRECISION,
        FaultKind.WEIGHTS,
        known=("X04",),
    ),
    _file(
        "half-precision",
        "all weights are rounded to half precision",
        put.change_every_kernel(lambda values: values.astype(np.float16)),
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.PRECISION,
        known=("R02",),
    ),
    _file(
        "relu",
        "one activation is a ReLU in place of a ReLU6",
        put.change_activation(11, "RELU"),
        FaultKind.ACTIVATION,
        FaultKind.OPERATOR_ATTRIBUTE,
    ),
    _file(
        "activation-lost",
        "one convolution has no activation",
        put.change_activation(9, "NONE"),
        FaultKind.ACTIVATION,
        FaultKind.OPERATOR_ATTRIBUTE,
    ),
    _file(
        "logits",
        "scores are logits, the sigmoid is missing",
        put.without_logistic,
        FaultKind.SCORES,
        FaultKind.OPERATOR_MISSING,
        known=("C11", "O07"),
        at=_TWICE,
    ),
    _file(
        "sigmoid-twice",
        "scores go through the sigmoid twice",
        put.with_second_logistic,
        FaultKind.SCORES,
        FaultKind.OPERATOR_ADDED,
        known=("C11", "O07"),
    ),
    _file(
        "concatenation",
        "boxes of the levels are joined in the reverse order",
        put.change_concatenation(0, lambda inputs: inputs[::-1]),
        FaultKind.CONCATENATION,
        FaultKind.OPERATOR_ORDER,
    ),
    _file(
        "anchor-sides",
        "anchors have sides of 1.5 times the length",
        put.change_anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
        at=_TWICE,
    ),
    _file(
        "anchor-places",
        "anchors are a twentieth of the image too low",
        put.change_anchors(_lower),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
    ),
    _file(
        "anchor-axes",
        "anchors have x before y",
        put.change_anchors(lambda anchors: anchors[:, [1, 0, 3, 2]]),
        FaultKind.ANCHORS,
        FaultKind.BOX_AXES,
        checks=_OP,
        known=("O06",),
    ),
    _file(
        "anchor-order",
        "anchors are in the reverse order",
        put.change_anchors(lambda anchors: anchors[::-1]),
        FaultKind.ANCHORS,
        checks=_OP,
    ),
    _file(
        "ten-detections",
        "10 detections",
        put.change_attributes(max_detections=10),
        FaultKind.DETECTIONS,
        checks=_CONTRACT,
        known=("E03",),
    ),
    _file(
        "box-scales",
        "height and width scales of 4 in place of 5",
        put.change_attributes(h_scale=4.0, w_scale=4.0),
        FaultKind.BOX_SCALES,
        checks=_CONTRACT,
    ),
    _file(
        "iou",
        "suppression keeps what overlaps up to 0.95",
        put.change_attributes(nms_iou_threshold=0.95),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04",),
    ),
    _file(
        "score-threshold",
        "scores below 0.3 are suppressed",
        put.change_attributes(nms_score_threshold=0.3),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("C10",),
    ),
    _file(
        "fast-nms",
        "suppression ignores classes",
        put.change_attributes(use_regular_nms=False),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04", "O12"),
    ),
    _file(
        "output-order",
        "boxes and classes change places",
        put.swap_outputs(0, 1),
        FaultKind.OUTPUT_ORDER,
        checks=_CONTRACT,
        known=("O02",),
    ),
    _file(
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
        frozenset(),
        _half,
        ("tflite_contract",),
        ("V01",),
        at=_COMPLETE,
        variants=("float",),
    ),
    _file(
        "coarse",
        "one convolution has weights of 4 bits",
        put.change_kernel(12, _four_bits),
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.WEIGHTS,
        checks=("quantisation", *_PARITY),
        known=("X04",),
        variant="int8",
    ),
    _file(
        "scale",
        "one activation is read with half of its scale",
        put.change_scale(10, 0.5),
        FaultKind.FAKE_QUANT_RANGE,
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.OPERATOR_ATTRIBUTE,
        checks=("quantisation", *_PARITY),
        variant="int8",
    ),
    _file(
        "bgr-int8",
        "the first convolution expects the channels as blue, green, red",
        put.change_kernel(0, lambda values: values[..., ::-1]),
        FaultKind.CHANNELS,
        FaultKind.WEIGHTS_PERMUTED,
        known=("P06",),
        variant="int8",
        places=_KERNEL_CHANNELS,
    ),
    _file(
        "classes-int8",
        "the class heads have the classes in the reverse order",
        put.change_class_heads(_by_class(classes_reversed)),
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        variant="int8",
    ),
    _file(
        "input-scale",
        "the input stands for pixels of twice the range",
        put.change_input(scale=2.0),
        FaultKind.NORMALISATION,
        FaultKind.OPERATOR_ATTRIBUTE,
        checks=("tflite_contract", *_PARITY),
        known=("P05",),
        variant="uint8",
        model="ssd_mobilenet_v1_quantized",
        places=_KERNEL_CHANNELS,
    ),
    _file(
        "noise-uint8",
        "one convolution has noise of half of its spread",
        put.change_kernel(8, lambda values: noisy(0.5)(values.astype(np.float32)).clip(0, 255)),
        FaultKind.WEIGHTS,
        checks=("quantisation", *_PARITY),
        variant="uint8",
        model="ssd_mobilenet_v1_quantized",
    ),
    _file(
        "anchors-uint8",
        "anchors are a twentieth of the image too low",
        put.change_anchors(_lower),
        FaultKind.ANCHORS,
        checks=_OP,
        variant="uint8",
        model="ssd_mobilenet_v1_quantized",
    ),
)
