"""Faults of .tflite files that keep their numbers in 8 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.faults import file_edits as put
from validation.faults.fault import Fault
from validation.faults.of_files import KERNEL_CHANNELS, PARITY, by_class, of_file
from validation.faults.of_weights import classes_reversed, noisy
from validation.record.diagnosis import FaultKind

Array = NDArray[Any]
_QUANTISED = "ssd_mobilenet_v1_quantized"
_OP = ("postprocess_parity", "reference_contract", "tflite_contract")


def _lower(anchors: Array) -> Array:
    return anchors + np.array([0.05, 0, 0, 0], np.float32)


def _rounded_to(bits: int) -> Callable[[Array], Array]:
    """Codes of int8 with the lower bits rounded away."""
    step = 2 ** (8 - bits)

    def edit(values: Array) -> Array:
        coarse: Array = (np.round(values.astype(np.float32) / step) * step).clip(-127, 127)
        return coarse

    return edit


def _without_channel(values: Array) -> None:
    values[3] = 0


def _swapped(values: Array) -> None:
    values[[1, 2]] = values[[2, 1]]


EIGHT_BIT_FAULTS: tuple[Fault, ...] = (
    of_file(
        "coarse",
        "one convolution has weights of 4 bits",
        put.change_kernel(12, _rounded_to(4)),
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.WEIGHTS,
        checks=("quantisation", *PARITY),
        known=("X04",),
        variant="int8",
    ),
    of_file(
        "six-bits",
        "one convolution has weights of 6 bits",
        put.change_kernel(6, _rounded_to(6)),
        FaultKind.PRECISION,
        FaultKind.WEIGHTS_ROUNDED,
        checks=("quantisation",),
        known=("X04",),
        variant="int8",
    ),
    of_file(
        "zero-point",
        "one activation has another zero point",
        put.change_scale(8, zero_point=20),
        FaultKind.QUANTISED_RANGE,
        checks=("quantisation",),
        variant="int8",
    ),
    of_file(
        "bias-int8",
        "one convolution has a bias that is some steps too high",
        put.change_bias(8, lambda values: values + 200),
        FaultKind.WEIGHTS,
        checks=("quantisation",),
        variant="int8",
    ),
    of_file(
        "channel-scale",
        "one output channel of a convolution has twice its scale",
        put.change_kernel_scale(8, 3, 2.0),
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.QUANTISED_RANGE,
        checks=("quantisation",),
        variant="int8",
    ),
    of_file(
        "channel-lost",
        "one output channel of a convolution has no weights",
        put.change_kernel(8, _without_channel),
        FaultKind.WEIGHTS,
        FaultKind.WEIGHTS_FACTOR,
        checks=("quantisation",),
        variant="int8",
    ),
    of_file(
        "channels-swapped",
        "two output channels of a convolution change places",
        put.change_kernel(8, _swapped),
        FaultKind.WEIGHTS_PERMUTED,
        checks=("quantisation",),
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
    of_file(
        "range-uint8",
        "one activation has 1.2 times its range",
        put.change_scale(8, 1.2),
        FaultKind.QUANTISED_RANGE,
        FaultKind.FAKE_QUANT_RANGE,
        checks=("quantisation",),
        variant="uint8",
        model=_QUANTISED,
    ),
    of_file(
        "weights-uint8",
        "the zero point of the weights of one convolution is another one",
        put.change_kernel_zero_point(8, 5),
        FaultKind.WEIGHTS,
        FaultKind.QUANTISED_RANGE,
        checks=("quantisation", *PARITY),
        variant="uint8",
        model=_QUANTISED,
    ),
)
