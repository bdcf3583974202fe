"""Faults of weights, each put into the inference graph, the checkpoint or tflite_graph.pb.

Variables and constants have the same names and layouts in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.faults.archive_edits import change_tensors
from validation.faults.fault import Case, Fault, Inject, Part, Thinness
from validation.faults.graph_edits import change_constants, rewrite_graph
from validation.record.diagnosis import FaultKind, Place

Array = NDArray[Any]
Chosen = Callable[[str, tuple[int, ...]], bool]

_RGB = 3
_CLASSES = 9  # Of the bundled models, with the background.
_GENERAL = frozenset({FaultKind.WEIGHTS})


def first_kernel(name: str, shape: tuple[int, ...]) -> bool:
    """The convolution that reads the image, [h, w, 3, out]."""
    return name.endswith("weights") and len(shape) == 4 and shape[2] == _RGB


def class_heads(name: str, shape: tuple[int, ...]) -> bool:
    """Kernels and biases of the heads of classes; the last axis is anchors times classes."""
    return "ClassPredictor/" in name and name.endswith(("weights", "biases")) and bool(shape)


def box_heads(name: str, shape: tuple[int, ...]) -> bool:
    """Kernels and biases of the heads of boxes; the last axis is anchors times 4."""
    is_head = "BoxEncodingPredictor/" in name or "/BoxPredictor/" in name
    return is_head and name.endswith(("weights", "biases")) and bool(shape)


def _ending(end: str) -> Chosen:
    return lambda name, _: name.endswith(end)


def by_class(edit: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Edit an array of a class head as [..., anchors, classes]."""
    return lambda values: edit(values.reshape(*values.shape[:-1], -1, _CLASSES)).reshape(
        values.shape
    )


def classes_reversed(values: Array) -> Array:
    """The classes in the reverse order, the background where it was."""
    return np.concatenate([values[..., :1], values[..., :0:-1]], axis=-1)


def classes_rolled(values: Array) -> Array:
    """Each class has the filters of the one before."""
    return np.concatenate([values[..., :1], np.roll(values[..., 1:], 1, axis=-1)], axis=-1)


def third_class_lost(values: Array) -> Array:
    """The third class is never found: its logit is that of the background's bias, or less."""
    changed = values.copy()
    changed[..., 3] = -20.0 if values.ndim == 2 else 0.0
    return changed


def box_axes_swapped(values: Array) -> Array:
    """Both axes, and height and width, of every box change places."""
    boxes = values.reshape(*values.shape[:-1], -1, 4)
    return boxes[..., [1, 0, 3, 2]].reshape(values.shape)


def noisy(share: float) -> Callable[[Array], Array]:
    """Noise of a share of the values' own spread, always the same."""

    def edit(values: Array) -> Array:
        noise = np.random.default_rng(7).normal(0, share * float(values.std()), values.shape)
        return values + noise

    return edit


def _first_infinite(values: Array) -> None:
    values.flat[0] = np.inf


def _first_nan(values: Array) -> None:
    values.flat[0] = np.nan


@dataclass(frozen=True)
class _Weights:
    """A fault of weights, wherever they are."""

    id: str
    title: str
    chosen: Chosen
    edit: Callable[[Array], Any]
    kinds: frozenset[FaultKind]
    known: tuple[str, ...] = ("A02",)
    graph_at: tuple[Thinness, ...] = (Thinness.COMPLETE, Thinness.NO_CONFIG, Thinness.GRAPH)
    checkpoint_at: tuple[Thinness, ...] = (Thinness.FLOAT_ALONE, Thinness.CHECKPOINT)
    shipped: bool = True


# Of each part: what ids of its faults begin with, and what it is called.
_NAMES: Mapping[Part, tuple[str, str]] = {
    Part.GRAPH: ("graph", "frozen_inference_graph.pb"),
    Part.CHECKPOINT: ("checkpoint", "checkpoint"),
    Part.SHIPPED: ("shipped", "tflite_graph.pb"),
}

_TABLE = (
    _Weights(
        "bgr",
        "the first convolution expects the channels as blue, green, red",
        first_kernel,
        lambda values: values[:, :, ::-1],
        frozenset({FaultKind.CHANNELS, FaultKind.WEIGHTS_PERMUTED}),
        ("P06",),
    ),
    _Weights(
        "half-input",
        "the first convolution has half of its weights, as for pixels of twice the range",
        first_kernel,
        lambda values: values * 0.5,
        frozenset({FaultKind.WEIGHTS_FACTOR, FaultKind.NORMALISATION}),
        ("P01",),
        graph_at=(Thinness.COMPLETE, Thinness.GRAPH),
        checkpoint_at=(Thinness.CHECKPOINT,),
        shipped=False,
    ),
    _Weights(
        "classes-reversed",
        "the class heads have the classes in the reverse order",
        class_heads,
        by_class(classes_reversed),
        frozenset({FaultKind.CLASS_ORDER, FaultKind.WEIGHTS_PERMUTED}),
    ),
    _Weights(
        "classes-shifted",
        "each class has the filters of the class before",
        class_heads,
        by_class(classes_rolled),
        frozenset({FaultKind.CLASS_SHIFT, FaultKind.CLASS_ORDER, FaultKind.WEIGHTS_PERMUTED}),
        ("O03",),
    ),
    _Weights(
        "class-lost",
        "one class has no filters",
        class_heads,
        by_class(third_class_lost),
        frozenset({FaultKind.CLASS_LOST, FaultKind.WEIGHTS}),
        graph_at=(Thinness.COMPLETE, Thinness.GRAPH),
        checkpoint_at=(Thinness.CHECKPOINT,),
        shipped=False,
    ),
    _Weights(
        "box-axes",
        "the box heads have x before y",
        box_heads,
        box_axes_swapped,
        frozenset({FaultKind.BOX_AXES, FaultKind.WEIGHTS_PERMUTED}),
        ("O06",),
    ),
    _Weights(
        "noise",
        "one convolution has noise of half of its spread",
        _ending("Conv2d_3_pointwise/weights"),
        noisy(0.5),
        _GENERAL,
    ),
    _Weights(
        "other-training",
        "every kernel is of another state of the training",
        lambda name, shape: name.endswith("weights") and len(shape) == 4,
        noisy(0.1),
        _GENERAL,
        graph_at=(Thinness.COMPLETE, Thinness.NO_CONFIG),
        checkpoint_at=(Thinness.FLOAT_ALONE,),
        shipped=False,
    ),
    _Weights(
        "means-lost",
        "the moving means of one batch norm are zero",
        _ending("Conv2d_2_pointwise/BatchNorm/moving_mean"),
        np.zeros_like,
        _GENERAL,
        graph_at=(Thinness.COMPLETE, Thinness.GRAPH),
        checkpoint_at=(Thinness.CHECKPOINT,),
        shipped=False,
    ),
    _Weights(
        "gamma-doubled",
        "the gamma of one batch norm is doubled",
        _ending("Conv2d_4_pointwise/BatchNorm/gamma"),
        lambda values: values * 2,
        _GENERAL | {FaultKind.WEIGHTS_FACTOR},
        graph_at=(Thinness.COMPLETE, Thinness.GRAPH),
        checkpoint_at=(Thinness.CHECKPOINT,),
        shipped=False,
    ),
    _Weights(
        "nan",
        "one weight is NaN",
        _ending("Conv2d_1_pointwise/weights"),
        _first_nan,
        _GENERAL | {FaultKind.NOT_FINITE},
        ("O10",),
    ),
    _Weights(
        "infinite",
        "the moving variance of one channel is infinite",
        _ending("Conv2d_2_pointwise/BatchNorm/moving_variance"),
        _first_infinite,
        _GENERAL | {FaultKind.NOT_FINITE},
        ("O10",),
        graph_at=(Thinness.COMPLETE, Thinness.GRAPH),
        checkpoint_at=(Thinness.CHECKPOINT,),
        shipped=False,
    ),
)


def in_graph(name: str, chosen: Chosen, edit: Callable[[Array], Any]) -> Inject:
    """Constants of a graph of the archive become others."""

    def inject(case: Case) -> None:
        rewrite_graph(case.archive / name, change_constants(chosen, edit))

    return inject


def in_checkpoint(chosen: Chosen, edit: Callable[[Array], Any]) -> Inject:
    """Tensors of the checkpoint become others."""

    def inject(case: Case) -> None:
        change_tensors(chosen, edit)(case.archive)

    return inject


def _fault(
    row: _Weights, part: Part, place: Place, inject: Inject, check: str, at: tuple[Thinness, ...]
) -> Fault:
    prefix, name = _NAMES[part]
    return Fault(
        f"{prefix}-{row.id}",
        f"{name}: {row.title}",
        place,
        row.kinds,
        inject,
        (check,),
        row.known,
        frozenset({part}),
        at=at,
    )


def _of_graph(row: _Weights) -> Fault:
    inject = in_graph(Part.GRAPH, row.chosen, row.edit)
    return _fault(row, Part.GRAPH, Place.GRAPH, inject, "route_parity", row.graph_at)


def _of_checkpoint(row: _Weights) -> Fault:
    inject = in_checkpoint(row.chosen, row.edit)
    at = row.checkpoint_at
    return _fault(row, Part.CHECKPOINT, Place.CHECKPOINT, inject, "route_parity", at)


def _of_shipped(row: _Weights) -> Fault:
    inject = in_graph(Part.SHIPPED, row.chosen, row.edit)
    at = (Thinness.SHIPPED,)
    return _fault(row, Part.SHIPPED, Place.SHIPPED_GRAPH, inject, "accuracy", at)


WEIGHT_FAULTS: tuple[Fault, ...] = (
    *map(_of_graph, _TABLE),
    *map(_of_checkpoint, _TABLE),
    *(_of_shipped(row) for row in _TABLE if row.shipped),
)
