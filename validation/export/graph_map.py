"""Walk a GraphDef: constants, ancestors and consumers, without running anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from tensorflow.python.framework import tensor_util

from validation.errors import CorruptGraph
from validation.export.graph_io import node_name

# Rounding of training with quantisation; in the OD API's graphs the bounds are variables.
FAKE_QUANT_VARS = "FakeQuantWithMinMaxVars"
FAKE_QUANT_ARGS = "FakeQuantWithMinMaxArgs"
FAKE_QUANT = frozenset({FAKE_QUANT_VARS, FAKE_QUANT_ARGS})
# Ops that hand a tensor on as it is. Enter takes a constant into a while loop.
PASSING = frozenset({"Identity", "Enter", "StopGradient", "Snapshot", "PlaceholderWithDefault"})


class GraphMap:
    """A GraphDef indexed by node name.

    Args:
        graph: GraphDef; it is read, never changed.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.nodes: dict[str, Any] = {node.name: node for node in graph.node}
        self._consumers: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for source in node.input:
                if not source.startswith("^"):
                    self._consumers[node_name(source)].append(node)

    def of_op(self, *ops: str) -> list[Any]:
        """Every node of these op types, in graph order."""
        return [node for node in self.graph.node if node.op in ops]

    def consumers(self, name: str) -> list[Any]:
        """Nodes that read any output of a node."""
        return self._consumers[name]

    def inputs(self, node: Any) -> list[str]:
        """A node's data inputs as tensor names, control inputs left out."""
        return [source for source in node.input if not source.startswith("^")]

    def source(self, tensor: str) -> Any:
        """The node that makes a tensor."""
        return self.nodes[node_name(tensor)]

    def skip(self, tensor: str, ops: Iterable[str] = PASSING) -> str:
        """Follow a tensor upward through nodes of these op types, by their first input."""
        passing = frozenset(ops)
        while (node := self.source(tensor)).op in passing:
            tensor = self.inputs(node)[0]
        return tensor

    def variable(self, tensor: str) -> str:
        """Name of the variable that a tensor is read from."""
        return node_name(self.skip(tensor, PASSING | {"ReadVariableOp"}))

    def constant(self, tensor: str) -> np.ndarray | None:
        """The value of a constant tensor; None where it is computed.

        Raises:
            CorruptGraph: Its bytes are no tensor.
        """
        node = self.source(self.skip(tensor, PASSING | {"Cast"}))
        if node.op != "Const":
            return None
        try:
            value: np.ndarray = tensor_util.MakeNdarray(node.attr["value"].tensor)
        except (TypeError, ValueError) as error:
            raise CorruptGraph(
                "a constant of the graph is damaged",
                got=error,
                where=f"node {node.name!r}",
                next_step="fetch or unpack the graph again",
            ) from error
        return value

    def ancestors(
        self, tensors: Iterable[str], *, stop: Callable[[Any], bool] = lambda _: False
    ) -> set[str]:
        """Names of all nodes that these tensors depend on, their own nodes included.

        Args:
            tensors: Tensor or node names.
            stop: Nodes for which it is true are neither taken nor walked through.
        """
        names: set[str] = set()
        waiting = [node_name(tensor) for tensor in tensors]
        while waiting:
            name = waiting.pop()
            if name in names or stop(self.nodes[name]):
                continue
            names.add(name)
            waiting.extend(node_name(source) for source in self.inputs(self.nodes[name]))
        return names
