"""A graph without its weights, for what depends on types and shapes alone."""

from __future__ import annotations

import math
from typing import Any

from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import dtypes

# No shape, axis or permutation is as large; most weights are.
_LARGE_BYTES = 2**16


def without_weights(graph: Any) -> Any:
    """A copy of a graph whose large constants are placeholders of their type and shape.

    TensorFlow makes several copies of a graph that it imports, each with all weights.

    Args:
        graph: GraphDef; it is not changed.
    """
    light = graph_pb2.GraphDef()
    light.versions.CopyFrom(graph.versions)
    light.library.CopyFrom(graph.library)
    for node in graph.node:
        copy = light.node.add()
        if not _is_large_constant(node):
            copy.CopyFrom(node)
            continue
        value = node.attr["value"].tensor
        copy.name, copy.op = node.name, "Placeholder"
        copy.attr["dtype"].type = value.dtype
        copy.attr["shape"].shape.CopyFrom(value.tensor_shape)
    return light


def with_weights(light: Any, graph: Any) -> Any:
    """A graph made of a light one, with the constants that became placeholders.

    Args:
        light: GraphDef with nodes of `without_weights`, and others; it is changed.
        graph: GraphDef that was made light.
    """
    constants = {node.name: node for node in graph.node if _is_large_constant(node)}
    for node in light.node:
        if node.op == "Placeholder" and node.name in constants:
            # What TensorFlow noted of the node when it wrote the graph, as its shape.
            noted = {key: value for key, value in node.attr.items() if key.startswith("_")}
            full = graph_pb2.GraphDef().node.add()
            full.CopyFrom(constants[node.name])
            for key, value in noted.items():
                full.attr[key].CopyFrom(value)
            node.CopyFrom(full)
    return light


def _is_large_constant(node: Any) -> bool:
    """A whole one: what is damaged stays as it is, for its readers to refuse."""
    if node.op != "Const":
        return False
    value = node.attr["value"].tensor
    size = len(value.tensor_content)
    if size < _LARGE_BYTES:
        return False
    sides = math.prod(int(dim.size) for dim in value.tensor_shape.dim)
    return size == sides * int(dtypes.as_dtype(value.dtype).size)
