"""Tensors on the way through a reference: of another .tflite, or of a graph in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.counterparts import is_computing
from validation.diagnosis.operators import Operator, OperatorGraph
from validation.diagnosis.tensor_values import TensorValues
from validation.runtimes.base import Runtime

_Floats = NDArray[np.float32]
# The image in both files, whatever their inputs are called.
IMAGE = -1
# The same numbers in the same order: what they write is what they read.
_SAME_NUMBERS = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS")


class ReferenceValues(Protocol):
    """A reference that is run, and values on its way by key."""

    @property
    def names(self) -> Mapping[int, str]:
        """Every value that can be asked for, in the order of execution."""

    @property
    def flow(self) -> Flow | None:
        """How they are computed of each other; None where that is not known."""

    def run(self, feed: _Floats) -> None:
        """Run once, on one image as the reference is fed it."""

    def value(self, key: int) -> _Floats:
        """Of the last run, in real units."""


class Flow:
    """The layers of a .tflite, each with where its inputs were computed.

    Args:
        graph: The file.
    """

    def __init__(self, graph: OperatorGraph) -> None:
        self.graph = graph
        self.layers = tuple(
            each
            for each in graph.moving
            if is_computing(each) and each.op not in _SAME_NUMBERS and len(each.outputs) == 1
        )

    def source(self, tensor: int) -> int:
        """Where a value was computed before it was stored or shaped otherwise; `IMAGE` for that."""
        while tensor not in self.graph.inputs:
            producer = self._producers.get(tensor)
            if producer is None or producer.op not in _SAME_NUMBERS:
                return tensor
            moving = self.graph.moving_inputs(producer)
            if len(moving) != 1:
                return tensor
            (tensor,) = moving
        return IMAGE

    def sources(self, layer: Operator) -> tuple[int, ...]:
        """`source` of what a layer reads that depends on the image."""
        return tuple(map(self.source, self.graph.moving_inputs(layer)))

    def layer(self, tensor: int) -> Operator | None:
        """The layer that computes a tensor."""
        return self._layers.get(tensor)

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """What leaves the file, or enters an operator that is no layer, as the op of an SSD is."""
        read = [
            index
            for each in self.graph.moving
            if each.is_custom or len(each.outputs) > 1
            for index in self.graph.moving_inputs(each)
        ]
        tensors = [*map(int, self.graph.model.graph.outputs), *read]
        return tuple(dict.fromkeys(map(self.source, tensors)))

    @cached_property
    def _producers(self) -> dict[int, Operator]:
        return {index: each for each in self.graph.operators for index in each.outputs}

    @cached_property
    def _layers(self) -> dict[int, Operator]:
        return {each.outputs[0]: each for each in self.layers}


class FileValues:
    """Another .tflite as a reference.

    Args:
        graph: The file.

    Raises:
        ConversionError: LiteRT does not take it.
    """

    def __init__(self, graph: OperatorGraph) -> None:
        self.flow = Flow(graph)
        self.run_of = TensorValues(graph.model.content)
        self.names: Mapping[int, str] = {
            each.outputs[0]: graph.names[each.outputs[0]] for each in self.flow.layers
        }

    def run(self, feed: _Floats) -> None:
        """See `ReferenceValues`."""
        self.run_of.run(feed)

    def value(self, key: int) -> _Floats:
        """See `ReferenceValues`."""
        return self.run_of.value(key)


class SessionValues:
    """Nodes of a graph as a reference.

    Args:
        runtime: Gives the nodes, with one input.
        nodes: Their names, in the order of execution.
    """

    flow = None

    def __init__(self, runtime: Runtime, nodes: Sequence[str]) -> None:
        self._runtime = runtime
        self.names: Mapping[int, str] = dict(enumerate(nodes))
        self._values: Mapping[str, NDArray[np.generic]] = {}

    def run(self, feed: _Floats) -> None:
        """See `ReferenceValues`."""
        (spec,) = self._runtime.inputs
        self._values = self._runtime.run({spec.name: feed})

    def value(self, key: int) -> _Floats:
        """See `ReferenceValues`."""
        return self._values[self.names[key]].astype(np.float32)
