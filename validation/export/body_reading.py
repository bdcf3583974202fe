"""Read the layers of a graph's body: what each computes with, and what comes after it.

Layers are known by their variables' names, which every release keeps; node names are not relied on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from validation.export.graph_io import node_name
from validation.export.graph_map import FAKE_QUANT, FAKE_QUANT_VARS, PASSING, GraphMap
from validation.export.graph_parts import FakeQuantForm, Layer

_LAYERS = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_READING = PASSING | {"ReadVariableOp"}
# Names of variables with a layer's weights, by what the OD API and slim call them.
_KERNELS = ("weights", "kernel")
_ACTIVATIONS = frozenset({"Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Swish"})
# What may lie between a layer and its activation, if no other input depends on the image.
_AFFINE = frozenset(
    {"Add", "AddV2", "Sub", "Mul", "BiasAdd", "BatchToSpaceND", "Reshape", *BATCH_NORMS}
)
_FOLLOWED = _AFFINE | PASSING | FAKE_QUANT
_SUMS = ("Add", "AddV2")
_CONCAT = ("ConcatV2", "Concat")
# From a raw output up to the concatenation of the levels.
_ABOVE = PASSING | FAKE_QUANT | {"Squeeze", "Reshape", "Sigmoid", "Softmax", "RealDiv", "Mul"}


@dataclass(frozen=True)
class Body:
    """Part of a graph, from the normalised image to the raw outputs.

    Args:
        nodes: Of the whole graph.
        inside: Names of the nodes that the outputs depend on, the image's own left out.
        moving: Names of those that depend on the image.
    """

    nodes: GraphMap
    inside: Collection[str]
    moving: Collection[str]


def body_of(nodes: GraphMap, image: str, outputs: Collection[str]) -> Body:
    """The body between two ends.

    Args:
        nodes: The graph.
        image: Tensor of the normalised image.
        outputs: Tensors of the raw outputs.
    """
    start = node_name(image)
    inside = nodes.ancestors(outputs, stop=lambda node: node.name == start)
    moving: set[str] = set()
    waiting = [start]
    while waiting:
        for reader in nodes.consumers(waiting.pop()):
            if reader.name in inside and reader.name not in moving:
                moving.add(reader.name)
                waiting.append(reader.name)
    return Body(nodes, inside, moving)


def read_layers(body: Body) -> dict[str, Layer]:
    """Layers by the variable that holds their weights."""
    found: dict[str, Layer] = {}
    for node in _of_op(body, *_LAYERS):
        kernel = _kernel(body, node)
        if not kernel:
            continue
        layer = Layer(
            node.op,
            _sides(node, "strides"),
            node.attr["padding"].s.decode(),
            _sides(node, "dilations"),
            tuple(sorted(_activations(body, node))),
            tuple(sorted(_sources(body, node))),
        )
        # A shared head: the same but for what it reads and what follows it at some level.
        other = found.get(kernel, layer)
        found[kernel] = replace(
            layer,
            activations=tuple(sorted({*layer.activations, *other.activations})),
            sources=tuple(sorted({*layer.sources, *other.sources})),
        )
    return found


def read_epsilons(body: Body) -> dict[str, float]:
    """What batch norms add to the variance, by the scope of their variables."""
    found = {}
    for node in _of_op(body, *BATCH_NORMS):
        scope = _scope(body.nodes.variable(body.nodes.inputs(node)[4]))
        found[scope] = float(np.float32(node.attr["epsilon"].f))
    for node in _of_op(body, *_SUMS):
        # Unfused and folded: variance + epsilon, both constants of the frozen graph.
        if node.name in body.moving:
            continue
        inputs = body.nodes.inputs(node)
        name = body.nodes.variable(inputs[0])
        value = body.nodes.constant(inputs[1])
        if name.endswith("moving_variance") and value is not None and value.size == 1:
            found[_scope(name)] = float(np.float32(value))
    return found


def read_fake_quant(body: Body) -> dict[str, FakeQuantForm]:
    """FakeQuant nodes by the scope of the variables that hold their ranges."""
    found = {}
    for node in _of_op(body, FAKE_QUANT_VARS):
        scope = _scope(body.nodes.variable(body.nodes.inputs(node)[1]))
        bits = node.attr["num_bits"].i if "num_bits" in node.attr else 8
        found[scope] = FakeQuantForm(int(bits), bool(node.attr["narrow_range"].b))
    return found


def read_variables(body: Body) -> dict[str, np.ndarray]:
    """Values of the constants that were variables: they are read as variables are."""
    found = {}
    for node in _of_op(body, "Const"):
        if any(
            reader.op in _READING and node_name(reader.input[0]) == node.name
            for reader in body.nodes.consumers(node.name)
        ):
            value = body.nodes.constant(node.name)
            if value is not None and value.dtype.kind == "f":
                found[node.name] = value
    return found


def read_not_finite(body: Body) -> dict[str, int]:
    """How many values of a constant are NaN or infinite, of those that were no variables."""
    known, found = read_variables(body), {}
    for node in _of_op(body, "Const"):
        value = None if node.name in known else body.nodes.constant(node.name)
        if value is not None and value.dtype.kind == "f":
            count = int(np.count_nonzero(~np.isfinite(value)))
            if count:
                found[node.name] = count
    return found


def read_order(body: Body, output: str) -> tuple[str, ...]:
    """What a raw output is concatenated from, in order; empty where it is from one part.

    A part is named by the weights that it comes out of; those of one shared head by how far the
    image is scaled down there.
    """
    tensor = body.nodes.skip(output, _ABOVE)
    node = body.nodes.source(tensor)
    if node.op not in _CONCAT:
        return ()
    parts = [each for each in body.nodes.inputs(node) if node_name(each) in body.moving]
    names = [_nearest_kernel(body, each) for each in parts]
    strides = _Strides(body)
    return tuple(
        name if name and names.count(name) == 1 else f"level at 1/{strides.of(part)}"
        for name, part in zip(names, parts, strict=True)
    )


class _Strides:
    """How far a tensor's sides are scaled down from the image."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._known: dict[str, int] = {}

    def of(self, tensor: str) -> int:
        """By its shortest way from the image; 1 outside of the body."""
        waiting = [node_name(tensor)]
        while waiting:
            name = waiting[-1]
            if name in self._known:
                waiting.pop()
                continue
            node = self._body.nodes.nodes[name]
            above = [
                node_name(each)
                for each in self._body.nodes.inputs(node)
                if node_name(each) in self._body.moving
            ]
            missing = [each for each in above if each not in self._known]
            if missing:
                waiting.extend(missing)
                continue
            own = _sides(node, "strides")[0] if "strides" in node.attr else 1
            self._known[name] = own * min((self._known[each] for each in above), default=1)
            waiting.pop()
        return self._known[node_name(tensor)]


def _of_op(body: Body, *ops: str) -> Iterator[Any]:
    return (node for node in body.nodes.of_op(*ops) if node.name in body.inside)


def _sides(node: Any, name: str) -> tuple[int, ...]:
    """Of height and width: batch and channels are 1."""
    if name not in node.attr:
        return (1, 1)
    values = [int(each) for each in node.attr[name].list.i]
    return tuple(values[1:3]) if len(values) == 4 else (1, 1)


def _kernel(body: Body, node: Any) -> str:
    """The variable with a layer's weights; empty where they are no variable."""
    if len(body.nodes.inputs(node)) < 2:
        return ""
    above = body.nodes.ancestors([body.nodes.inputs(node)[1]])
    if above & set(body.moving):
        return ""
    named = sorted(name for name in above if name.rpartition("/")[2].endswith(_KERNELS))
    return named[0] if named else ""


def _sources(body: Body, layer: Any) -> set[str]:
    """Weights of the layers that a layer's input is computed of, without another between them."""
    found: set[str] = set()
    waiting = [node_name(body.nodes.inputs(layer)[0])]
    seen = set(waiting)
    while waiting:
        node = body.nodes.nodes[waiting.pop()]
        kernel = _kernel(body, node) if node.op in _LAYERS else ""
        if kernel:
            found.add(kernel)
            continue
        above = {node_name(each) for each in body.nodes.inputs(node)} - seen
        waiting += above & set(body.moving)
        seen |= above
    return found


def _activations(body: Body, layer: Any) -> set[str]:
    """Activation ops that read what a layer computes; an empty name where none does."""
    found: set[str] = set()
    waiting: list[tuple[Any, float]] = [(layer, 0.0)]
    seen = {layer.name}
    while waiting:
        node, shift = waiting.pop()
        for reader in body.nodes.consumers(node.name):
            if reader.name not in body.moving or reader.name in seen:
                continue
            seen.add(reader.name)
            if reader.op in _ACTIVATIONS:
                found.add(_activation(reader, shift))
            elif reader.op in _FOLLOWED and _is_only_moving(body, reader, node.name):
                waiting.append((reader, shift + _added(body, reader)))
    return found or {""}


def _activation(node: Any, shift: float) -> str:
    """Relu6 of x + 3 is the larger part of a hard swish or a hard sigmoid."""
    name = str(node.op)
    if node.op == "LeakyRelu":
        name += f"({node.attr['alpha'].f:.6g})"
    return f"{name} of x + {shift:.6g}" if shift else name


def _added(body: Body, node: Any) -> float:
    """A scalar that is no variable: part of an activation."""
    if node.op not in _SUMS:
        return 0.0
    for source in body.nodes.inputs(node):
        made_by = body.nodes.source(body.nodes.skip(source))
        value = body.nodes.constant(source) if made_by.op == "Const" else None
        if value is not None and value.size == 1 and value.ndim == 0:
            return float(value)
    return 0.0


def _is_only_moving(body: Body, node: Any, source: str) -> bool:
    moving = [
        each
        for each in body.nodes.inputs(node)
        if node_name(each) in body.moving and node_name(each) != source
    ]
    return not moving


def _nearest_kernel(body: Body, tensor: str) -> str:
    """The layer that a tensor comes out of, its moving inputs followed up."""
    waiting = [node_name(tensor)]
    while waiting:
        node = body.nodes.nodes[waiting.pop()]
        if node.op in _LAYERS and (kernel := _kernel(body, node)):
            return kernel
        # The first input last, to be taken first: others may be shapes, which lead elsewhere.
        waiting += [
            node_name(each)
            for each in reversed(body.nodes.inputs(node))
            if node_name(each) in body.moving
        ]
    return ""


def _scope(name: str) -> str:
    return name.rpartition("/")[0]
