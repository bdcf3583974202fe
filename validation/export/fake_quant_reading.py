"""Read the FakeQuant nodes of an exported graph, and find the activations without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.export.evaluation import evaluate
from validation.export.fake_quant_facts import (
    Activation,
    ActivationRange,
    Concatenation,
    ConcatInput,
    FakeQuantFacts,
    WeightRange,
)
from validation.export.freezing import prune
from validation.export.graph_io import node_name, read_graph, unread_nodes
from validation.export.graph_map import FAKE_QUANT, FAKE_QUANT_ARGS, PASSING, GraphMap
from validation.specs.contracts import RAW_OUTPUTS

# Ops with weights; an input that is not computed from the image is one.
_LAYERS = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
_ARITHMETIC = ("Add", "AddV2", "Sub", "Mul")
_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
_ACTIVATION_FUNCTIONS = ("Relu", "Relu6")
# A converter fuses these into the layer before them; arithmetic with a constant as well.
_FUSED = ("BiasAdd", *_BATCH_NORMS, *_ACTIVATION_FUNCTIONS)
# Ops that give their output a scale of its own.
_NEW_SCALE = (*_LAYERS, "Mean")
# May stand between a layer and what is fused into it; the latter in a dilated convolution.
_TRANSPARENT = PASSING | {"BatchToSpaceND"}
# What comes out of them has the scale of what went in.
_SAME_SCALE = (
    *PASSING,
    "AvgPool",
    "BatchToSpaceND",
    "ExpandDims",
    "MaxPool",
    "Pad",
    "Reshape",
    "ResizeBilinear",
    "ResizeNearestNeighbor",
    "Slice",
    "SpaceToBatchND",
    "Squeeze",
    "StridedSlice",
    "Transpose",
)
_CONCAT = "ConcatV2"
# Read sizes, not values.
_SIZES = ("Shape", "Size", "Rank")
# Significant digits of a figure: more would only make the facts long.
_DIGITS = 5


def read_fake_quant(path: Path) -> FakeQuantFacts:
    """Read the fake quantisation of an exported graph from its file.

    Args:
        path: tflite_graph.pb, with or without the post-processing node.

    Raises:
        ArtefactMissing, CorruptGraph: The file cannot be read.
        GraphError: Ranges or weights that are no constants.
    """
    return fake_quant_facts(read_graph(path))


def fake_quant_facts(graph: Any) -> FakeQuantFacts:
    """The facts of a frozen GraphDef that ends in the exporter's raw outputs.

    Args:
        graph: GraphDef; one without them is read from the nodes that nothing reads.

    Raises:
        GraphError: Ranges or weights that are no constants.
    """
    names = {node.name for node in graph.node}
    outputs = [name for name in RAW_OUTPUTS if name in names] or unread_nodes(graph)
    return _Reading(prune(graph, outputs)).facts()


class _Reading:
    """One graph with what its constants come to.

    Args:
        graph: Pruned GraphDef.
    """

    def __init__(self, graph: Any) -> None:
        self._nodes = GraphMap(graph)
        self._computed = computed_nodes(self._nodes)
        quants = self._nodes.of_op(*FAKE_QUANT)
        self._on_weights = [node for node in quants if not self._is_computed(node.input[0])]
        self._on_activations = [node for node in quants if self._is_computed(node.input[0])]
        self._values = self._constants()

    def facts(self) -> FakeQuantFacts:
        return FakeQuantFacts(
            weights=tuple(self._weight_range(node) for node in self._on_weights),
            ranges=tuple(self._activation_range(node) for node in self._on_activations),
            activations=tuple(self._activations()),
            bare_weights=tuple(self._bare_weights()),
            concatenations=tuple(
                Concatenation(node.name, tuple(self._concat_input(source) for source in sources))
                for node in self._nodes.of_op(_CONCAT)
                if len(sources := self._computed_inputs(node)) > 1
            ),
        )

    def _constants(self) -> dict[str, NDArray[np.float32]]:
        """Ranges and weights by tensor name; folded weights are a product in the graph."""
        wanted = [
            source
            for node in (*self._on_weights, *self._on_activations)
            for source in list(node.input)[1:]
        ]
        wanted += [node.input[0] for node in self._on_weights]
        wanted = list(dict.fromkeys(wanted))
        if not wanted:
            return {}
        values = evaluate(prune(self._nodes.graph, wanted), wanted, {})
        return dict(zip(wanted, values, strict=True))

    def _range(self, node: Any) -> tuple[float, float]:
        if node.op == FAKE_QUANT_ARGS:
            return float(node.attr["min"].f), float(node.attr["max"].f)
        _, minimum, maximum = node.input
        return float(self._values[minimum]), float(self._values[maximum])

    def _weight_range(self, node: Any) -> WeightRange:
        layer = next(iter(self._nodes.consumers(node.name)), None)
        weights = self._values[node.input[0]]
        about = self._about(node, "" if layer is None else layer.op)
        steps = levels(about["num_bits"], about["narrow_range"])
        return WeightRange(
            **about,
            layer="" if layer is None else layer.name,
            clipped_share=_clipped_share(weights, about["minimum"], about["maximum"], steps),
            channel_spans=_channel_spans(weights, layer),
        )

    def _activation_range(self, node: Any) -> ActivationRange:
        source = self._nodes.source(self._nodes.skip(node.input[0], _SAME_SCALE))
        return ActivationRange(**self._about(node, source.op), source=source.name)

    def _about(self, node: Any, op: str) -> dict[str, Any]:
        """The fields of `FakeQuantRange`."""
        minimum, maximum = self._range(node)
        return {
            "name": node.name,
            "op": op,
            "minimum": minimum,
            "maximum": maximum,
            "num_bits": int(node.attr["num_bits"].i),
            "narrow_range": bool(node.attr["narrow_range"].b),
        }

    def _activations(self) -> list[Activation]:
        activations = []
        for node in self._nodes.graph.node:
            if node.name in self._computed and self._starts(node):
                chain = self._chain(node)
                last = chain[-1].name
                ops = tuple(each.op for each in chain if each.op not in _TRANSPARENT)
                activations.append(Activation(last, ops, self._ranged_by(last)))
        return activations

    def _starts(self, node: Any) -> bool:
        """A converter makes a new scale here, unless a layer before has taken it in."""
        if node.op in _NEW_SCALE or (
            node.op in _ARITHMETIC and len(self._computed_inputs(node)) > 1
        ):
            return True
        return self._continues(node) and not self._is_taken_in(node)

    def _is_taken_in(self, node: Any) -> bool:
        source = self._nodes.source(self._nodes.skip(self._computed_inputs(node)[0], _TRANSPARENT))
        known = (*_NEW_SCALE, *_FUSED, *_ARITHMETIC)
        return source.op in known and len(self._readers(source.name)) == 1

    def _chain(self, node: Any) -> list[Any]:
        chain = [node]
        while len(readers := self._readers(chain[-1].name)) == 1:
            (reader,) = readers
            if not (reader.op in _TRANSPARENT or self._continues(reader)):
                break
            chain.append(reader)
        while chain[-1].op in _TRANSPARENT:
            chain.pop()
        return chain

    def _continues(self, node: Any) -> bool:
        with_constant = node.op in _ARITHMETIC and len(self._computed_inputs(node)) == 1
        return node.op in _FUSED or with_constant

    def _ranged_by(self, name: str) -> str | None:
        """The first FakeQuant node downstream with nothing between that makes a new scale."""
        waiting = [name]
        while waiting:
            for reader in self._readers(waiting.pop(0)):
                if reader.op in FAKE_QUANT:
                    return str(reader.name)
                if reader.op in (*_SAME_SCALE, _CONCAT):
                    waiting.append(reader.name)
        return None

    def _readers(self, name: str) -> list[Any]:
        return [node for node in self._nodes.consumers(name) if node.op not in _SIZES]

    def _bare_weights(self) -> list[str]:
        ranged = {
            reader.name for node in self._on_weights for reader in self._nodes.consumers(node.name)
        }
        return [
            node.name
            for node in self._nodes.of_op(*_LAYERS)
            if node.name in self._computed and node.name not in ranged
        ]

    def _concat_input(self, tensor: str) -> ConcatInput:
        source = self._nodes.source(self._nodes.skip(tensor, _SAME_SCALE))
        if source.op not in FAKE_QUANT:
            return ConcatInput(source.name, None, None)
        return ConcatInput(source.name, *self._range(source))

    def _computed_inputs(self, node: Any) -> list[str]:
        return [source for source in self._nodes.inputs(node) if self._is_computed(source)]

    def _is_computed(self, tensor: str) -> bool:
        return node_name(tensor) in self._computed


def computed_nodes(nodes: GraphMap) -> set[str]:
    """Names of the nodes whose values, not only their sizes, depend on the image."""
    computed: set[str] = set()
    waiting = [node.name for node in nodes.of_op("Placeholder")]
    while waiting:
        name = waiting.pop()
        if name not in computed:
            computed.add(name)
            waiting += [node.name for node in nodes.consumers(name) if node.op not in _SIZES]
    return computed


def levels(num_bits: int, narrow_range: bool) -> int:
    """Steps between the bounds of a FakeQuant range."""
    return int(2**num_bits) - 1 - int(narrow_range)


def _clipped_share(
    weights: NDArray[np.float32], minimum: float, maximum: float, steps: int
) -> float:
    half = (maximum - minimum) / steps / 2
    clipped = (weights < minimum - half) | (weights > maximum + half)
    return round(float(clipped.mean()), _DIGITS)


def _channel_spans(weights: NDArray[np.float32], layer: Any) -> tuple[float, ...]:
    """Extent of each output channel, 0 included as every quantised range includes it."""
    if weights.ndim < 2:
        return (_span(weights.reshape(-1, 1))[0],)
    if layer is not None and layer.op == "DepthwiseConv2dNative":
        # [height, width, input channel, multiplier]: the last two make the output channel.
        weights = weights.reshape(*weights.shape[:2], -1)
    if layer is not None and layer.op == "MatMul" and layer.attr["transpose_b"].b:
        weights = weights.T
    return _span(weights.reshape(-1, weights.shape[-1]))


def _span(columns: NDArray[np.float32]) -> tuple[float, ...]:
    high, low = np.maximum(columns.max(0), 0), np.minimum(columns.min(0), 0)
    return tuple(float(f"{span:.{_DIGITS}g}") for span in (high - low).tolist())
