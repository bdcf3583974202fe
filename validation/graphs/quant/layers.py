"""What a graph holds that can be quantised: layers, and what follows each of them.

Pure reading of a live graph. The shapes that are looked for, and the order in which they
are, are those of TensorFlow 1's contrib/quantize, since the names of a checkpoint's ranges
follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

# Two ops of one meaning: TensorFlow 1.15 began to make the second of `+`.
ADDITIONS = frozenset({"Add", "AddV2"})
CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})
RELUS = frozenset({"Relu", "Relu6"})
# An Identity ends a layer too: networks put one where a linear output wants a range.
ACTIVATIONS = RELUS | {"Identity"}

_LAYERS = CONVOLUTIONS | {"MatMul"}
_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})
_FOLDED_WEIGHTS = "Mul"


@dataclass(frozen=True)
class Layer:
    """A convolution or matrix product, and what belongs to it in an integer kernel.

    Args:
        op: The convolution or matrix product.
        weights: What gives its weights; None where they get no range.
        end: The op whose output is the layer's: an activation, the bias addition or ``op``.
        biased: The addition of the bias, where a bypass follows it.
        bypass: The addition between bias and activation.
        late_bypass: The addition behind the activation.
    """

    op: tf.Operation
    weights: tf.Operation | None
    end: tf.Operation
    biased: tf.Operation | None = None
    bypass: tf.Operation | None = None
    late_bypass: tf.Operation | None = None


def find_layers(graph: tf.Graph) -> tuple[Layer, ...]:
    """Every layer once, the largest shape that it is a part of first.

    Args:
        graph: With its batch norms folded.
    """
    layers: dict[tf.Operation, Layer] = {}
    # A last layer ends in its bias.
    for shape in (_before_late_bypass, _before_activation, _biased, _before_convolution):
        for op in graph.get_operations():
            layer = shape(op)
            if layer is not None:
                layers.setdefault(layer.op, layer)
    return tuple(layers.values())


def variable_of(weights: tf.Operation) -> tf.Operation | None:
    """The variable that an op reads; None where it reads none.

    Args:
        weights: What gives a layer its weights.
    """
    op = weights
    while op.type == "Identity":
        op = op.inputs[0].op
    if op.type == "ReadVariableOp":
        op = op.inputs[0].op
    return op if op.type in _VARIABLES else None


def _before_late_bypass(op: tf.Operation) -> Layer | None:
    """An addition one side of which is an activation; the right side is asked first."""
    if op.type not in ADDITIONS:
        return None
    layer = next(_first(_before_activation, reversed(list(op.inputs))), None)
    if layer is None:
        return None
    return Layer(layer.op, layer.weights, layer.end, layer.biased, layer.bypass, op)


def _before_activation(op: tf.Operation) -> Layer | None:
    """Layer, bias and bypass may be missing in front of an activation, the layer may not."""
    if op.type not in ACTIVATIONS:
        return None
    before = op.inputs[0].op
    layer = _biased(before)
    if layer is not None:
        return Layer(layer.op, layer.weights, op, biased=before)
    if before.type in ADDITIONS:
        for tensor in before.inputs:
            layer = _biased(tensor.op)
            if layer is not None:
                return Layer(layer.op, layer.weights, op, biased=tensor.op, bypass=before)
    layer = _bare(before)
    return None if layer is None else Layer(layer.op, layer.weights, op)


def _before_convolution(op: tf.Operation) -> Layer | None:
    """Half a separable convolution: another convolution follows at once.

    Folded weights get no range here.
    """
    if op.type not in _LAYERS:
        return None
    layer = next(_first(_bare, op.inputs), None)
    if layer is None or layer.weights is None or layer.weights.type != _FOLDED_WEIGHTS:
        return layer
    return Layer(layer.op, None, layer.end)


def _biased(op: tf.Operation) -> Layer | None:
    if op.type not in ADDITIONS and op.type != "BiasAdd":
        return None
    layer = next(_first(_bare, op.inputs), None)
    return None if layer is None else Layer(layer.op, layer.weights, op)


def _bare(op: tf.Operation) -> Layer | None:
    if op.type not in _LAYERS:
        return None
    weights = op.inputs[1].op
    if weights.type != _FOLDED_WEIGHTS and variable_of(weights) is None:
        return None
    return Layer(op, weights, op)


def _first(
    shape: Callable[[tf.Operation], Layer | None], tensors: Iterator[tf.Tensor]
) -> Iterator[Layer]:
    """What the producers of tensors are, where they are of a shape."""
    return (layer for tensor in tensors if (layer := shape(tensor.op)) is not None)
