"""Rewrite a built graph as TensorFlow 1's quantisation-aware evaluation graph.

`tf.contrib.quantize.experimental_create_eval_graph` did this to the graphs of quantised
zoo models: batch norms are folded, and weights and activations pass through
FakeQuantWithMinMaxVars nodes whose ends, min and max, are variables. A checkpoint of
quantisation-aware training holds them under the names that are made here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from validation.graphs.quant.fold import fold
from validation.graphs.quant.layers import ACTIVATIONS, RELUS, Layer, find_layers, variable_of
from validation.graphs.quant.options import QuantisationOptions, Sums
from validation.graphs.quant.rerouting import op_scope, reroute
from validation.graphs.quant.sums import find_sums

_FAKE_QUANT = "FakeQuantWithMinMaxVars"
_FAKE_QUANTS = frozenset(
    {_FAKE_QUANT, "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVarsPerChannel"}
)
# Ops through which a tensor's range stays what it is.
_SAME_RANGE = frozenset({"Reshape", "Identity"})
# What a range is before it is trained; an activation's begins at zero.
_INITIAL_END = 6.0


def quantise(graph: tf.Graph, options: QuantisationOptions) -> None:
    """Fold batch norms and insert the fake quantisation.

    Gradients pass through it, and the ranges are variables that no optimiser trains.

    Args:
        graph: A whole model in inference form; changed in place, its tensors and variables
            stay what they are.
        options: Bits, and whose rules.

    Raises:
        GraphError: A batch norm in training form.
    """
    fold(graph)
    with graph.as_default():
        rewriting = _Rewriting(graph, options)
        for layer in find_layers(graph):
            rewriting.quantise_layer(layer)
        if options.sums is not Sums.NONE:
            rewriting.quantise_sums()


class _Rewriting:
    """The insertions into one graph.

    Consumers are those that a tensor had before the first insertion.
    """

    def __init__(self, graph: tf.Graph, options: QuantisationOptions) -> None:
        self._graph = graph
        self._options = options
        self._consumers = _consumers(graph)
        # FakeQuant outputs by the variable of the weights that they round.
        self._rounded: dict[tf.Operation, tf.Tensor] = {}
        self._done: set[tf.Operation] = set()

    def quantise_layer(self, layer: Layer) -> None:
        """Ranges for a layer's weights, its end, and what a bypass adds to it."""
        context = op_scope(layer.op)
        if layer.weights is not None:
            self._quantise_weights(layer.weights, context)
        outer = context if layer.bypass is None else context.rpartition("/")[0]
        self._insert(layer.end, outer, "act_quant", initial_min=0.0)
        if layer.bypass is not None and layer.biased is not None:
            self._insert(layer.biased, context, "conv_quant")
            # An activation is fused into the addition, which then has no range of its own.
            if not self._is_read_by(layer.bypass, ACTIVATIONS):
                self._insert(layer.bypass, outer, "add_quant")
        bypass = layer.late_bypass
        if bypass is not None and not self._is_read_by(bypass, RELUS):
            self._insert(bypass, op_scope(bypass), "post_activation_bypass_quant")

    def quantise_sums(self) -> None:
        """Ranges for the additions and multiplications that no layer has taken."""
        self._consumers = _consumers(self._graph)
        for op in find_sums(self._graph, frozenset(self._done)):
            kind = "Mul" if op.type == "Mul" else str(self._options.sums)
            self._insert(op, op.name, f"activation_{kind}_quant")

    def _quantise_weights(self, weights: tf.Operation, context: str) -> None:
        """Weights that several layers share are rounded once.

        A variable of TensorFlow 1 is read in one place, a resource variable where it is
        used: so it is the variable by which reads belong together.
        """
        variable = variable_of(weights)
        if variable is not None and variable in self._rounded:
            reroute(weights.outputs[0], self._rounded[variable], self._consumers[weights])
            return
        rounded = self._insert(
            weights, context, "weights_quant", bits=self._options.weight_bits, narrow_range=True
        )
        if variable is not None and rounded is not None:
            self._rounded[variable] = rounded

    def _insert(
        self,
        producer: tf.Operation,
        context: str,
        name: str,
        *,
        initial_min: float = -_INITIAL_END,
        bits: int | None = None,
        narrow_range: bool = False,
    ) -> tf.Tensor | None:
        """Put one FakeQuant behind an op; None where its output has one already."""
        if name != "weights_quant":
            self._done.add(producer)
        tensor = producer.outputs[0]
        if _is_rounded(tensor):
            return None
        consumers = self._consumers.get(producer, ())
        scope = f"{context}/{name}" if context else name
        # Not the scope's own name: a second range of that name gets a number, as it did there.
        with tf.variable_scope(None, default_name=scope, values=[tensor]):
            low, high = _end("min", initial_min), _end("max", _INITIAL_END)
            rounded = tf.quantization.fake_quant_with_min_max_vars(
                tensor,
                low,
                high,
                num_bits=bits or self._options.activation_bits,
                narrow_range=narrow_range,
                name=_FAKE_QUANT,
            )
        reroute(tensor, rounded, consumers)
        return rounded

    def _is_read_by(self, op: tf.Operation, types: frozenset[str]) -> bool:
        return any(consumer.type in types for consumer in self._consumers.get(op, ()))


def _end(name: str, value: float) -> tf.Variable:
    return tf.get_variable(name, [], initializer=tf.constant_initializer(value), trainable=False)


def _consumers(graph: tf.Graph) -> Mapping[tf.Operation, Sequence[tf.Operation]]:
    by_producer: dict[tf.Operation, list[tf.Operation]] = {}
    for op in graph.get_operations():
        for producer in dict.fromkeys(tensor.op for tensor in op.inputs):
            by_producer.setdefault(producer, []).append(op)
    return by_producer


def _is_rounded(tensor: tf.Tensor) -> bool:
    """Whether a FakeQuant follows, at once or behind ops that keep the range."""
    waiting = list(tensor.consumers())
    while waiting:
        op = waiting.pop()
        if op.type in _FAKE_QUANTS:
            return True
        if op.type in _SAME_RANGE:
            waiting.extend(op.outputs[0].consumers())
    return False
