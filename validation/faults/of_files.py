"""Faults of the body of a .tflite file that somebody else made, judged by its archive."""

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
TWICE = (Thinness.COMPLETE, Thinness.GRAPH)
PARITY = ("end_to_end_parity", "raw_parity", "accuracy", "operating_point")


def _rewritten(change: put.Change) -> Inject:
    def inject(case: Case) -> None:
        assert case.file is not None
        put.rewrite(case.file, case.file, change)

    return inject


def of_file(
    name: str,
    title: str,
    change: put.Change,
    *kinds: FaultKind,
    checks: tuple[str, ...] = PARITY,
    known: tuple[str, ...] = (),
    at: tuple[Thinness, ...] = _COMPLETE,
    variant: str = "float",
    places: frozenset[Place] = frozenset(),
    model: str | None = None,
    equivalent: str = "",
) -> Fault:
    """A fault of a given file; fields as `Fault` has them."""
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


def by_class(edit: Any) -> Any:
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


def _nan(values: Array) -> None:
    values.flat[0] = np.nan


def _bfloat16(values: Array) -> Array:
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).reshape(values.shape)


def _swapped(values: Array) -> None:
    values[[1, 2]] = values[[2, 1]]


KERNEL_CHANNELS = frozenset({Place.FEED})

BODY_FAULTS: tuple[Fault, ...] = (
    of_file(
        "bgr",
        "the first convolution expects the channels as blue, green, red",
        put.change_kernel(0, lambda values: values[..., ::-1]),
        FaultKind.CHANNELS,
        FaultKind.WEIGHTS_PERMUTED,
        known=("P06",),
        at=TWICE,
        places=KERNEL_CHANNELS,
    ),
    of_file(
        "mirrored",
        "the first convolution is mirrored",
        put.change_kernel(0, lambda values: values[:, :, ::-1]),
        FaultKind.WEIGHTS_PERMUTED,
        FaultKind.MIRRORED,
    ),
    of_file(
        "transposed",
        "the first convolution has its axes exchanged",
        put.change_kernel(0, lambda values: values.transpose(0, 2, 1, 3)),
        FaultKind.WEIGHTS_PERMUTED,
        FaultKind.TRANSPOSED,
        known=("O06",),
    ),
    of_file(
        "half-input",
        "the first convolution has half of its weights",
        put.change_kernel(0, lambda values: values * 0.5),
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.NORMALISATION,
        known=("P01",),
        places=KERNEL_CHANNELS,
    ),
    of_file(
        "mean",
        "the first bias is that of pixels normalised by 128/128",
        put.change_bias(0, lambda values: values + 0.05),
        FaultKind.WEIGHTS,
        FaultKind.NORMALISATION,
        known=("P03",),
        places=KERNEL_CHANNELS,
    ),
    of_file(
        "classes-reversed",
        "the class heads have the classes in the reverse order",
        put.change_class_heads(by_class(classes_reversed)),
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        at=TWICE,
    ),
    of_file(
        "classes-shifted",
        "each class has the filters of the class before",
        put.change_class_heads(by_class(classes_rolled)),
        FaultKind.CLASS_SHIFT,
        FaultKind.CLASS_ORDER,
        FaultKind.WEIGHTS_PERMUTED,
        known=("O03",),
    ),
    of_file(
        "class-lost",
        "one class has no filters",
        put.change_class_heads(_lost),
        FaultKind.CLASS_LOST,
        FaultKind.WEIGHTS,
    ),
    of_file(
        "box-axes",
        "the box heads have x before y",
        put.change_box_heads(_axes),
        FaultKind.BOX_AXES,
        FaultKind.WEIGHTS_PERMUTED,
        known=("O06",),
    ),
    of_file(
        "one-weight",
        "one weight of one convolution is another one",
        put.change_kernel(12, _one_value),
        FaultKind.WEIGHTS,
    ),
    of_file(
        "noise",
        "one convolution has noise of a tenth of its spread",
        put.change_kernel(8, noisy(0.1)),
        FaultKind.WEIGHTS,
    ),
    of_file(
        "layer-lost",
        "one convolution has no weights",
        put.change_kernel(10, np.zeros_like),
        FaultKind.WEIGHTS,
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.CONSTANT_OUTPUT,
    ),
    of_file(
        "bias-lost",
        "one convolution has no bias",
        put.change_bias(6, np.zeros_like),
        FaultKind.WEIGHTS,
        FaultKind.WEIGHTS_FACTOR,
    ),
    of_file(
        "doubled",
        "one convolution has twice its weights",
        put.change_kernel(14, lambda values: values * 2),
        FaultKind.WEIGHTS_FACTOR,
        FaultKind.WEIGHTS,
    ),
    of_file(
        "nan",
        "one weight is NaN",
        put.change_kernel(4, _nan),
        FaultKind.NOT_FINITE,
        FaultKind.WEIGHTS,
        known=("O10",),
    ),
    of_file(
        "rounded",
        "all weights are rounded to steps of 1/64",
        put.change_every_kernel(lambda values: np.round(values * 64) / 64),
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.PRECISION,
        FaultKind.WEIGHTS,
        known=("X04",),
    ),
    of_file(
        "half-precision",
        "all weights are rounded to half precision",
        put.change_every_kernel(lambda values: values.astype(np.float16)),
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.PRECISION,
        known=("R02",),
    ),
    of_file(
        "bfloat16",
        "all weights are cut to bfloat16",
        put.change_every_kernel(_bfloat16),
        FaultKind.WEIGHTS_ROUNDED,
        FaultKind.PRECISION,
        known=("R02",),
    ),
    of_file(
        "channel-order",
        "two output channels of a convolution change places",
        put.change_kernel(8, _swapped),
        FaultKind.WEIGHTS_PERMUTED,
    ),
    of_file(
        "relu",
        "one activation is a ReLU in place of a ReLU6",
        put.change_activation(11, "RELU"),
        FaultKind.ACTIVATION,
        FaultKind.OPERATOR_ATTRIBUTE,
    ),
    of_file(
        "activation-lost",
        "one convolution has no activation",
        put.change_activation(9, "NONE"),
        FaultKind.ACTIVATION,
        FaultKind.OPERATOR_ATTRIBUTE,
    ),
    of_file(
        "logits",
        "scores are logits, the sigmoid is missing",
        put.without_logistic,
        FaultKind.SCORES,
        FaultKind.OPERATOR_MISSING,
        known=("C11", "O07"),
        at=TWICE,
    ),
    of_file(
        "sigmoid-twice",
        "scores go through the sigmoid twice",
        put.with_second_logistic,
        FaultKind.SCORES,
        FaultKind.OPERATOR_ADDED,
        known=("C11", "O07"),
    ),
    of_file(
        "concatenation",
        "boxes of the levels are joined in the reverse order",
        put.change_concatenation(0, lambda inputs: inputs[::-1]),
        FaultKind.CONCATENATION,
        FaultKind.OPERATOR_ORDER,
    ),
)
