"""Quantisation ranges that fit given weights, for models that nobody trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import graph_pb2, types_pb2

from validation.export.evaluation import evaluate
from validation.export.freezing import freeze
from validation.export.from_checkpoint import body_graph
from validation.export.graph_io import node_name
from validation.export.graph_map import FAKE_QUANT_VARS, GraphMap
from validation.graphs.seeded import seeded_image
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import INPUT_NAME

# No step size of zero, whatever a layer answers.
_LEAST_WIDTH = np.float32(0.001)

Named = Mapping[str, NDArray[np.float32]]


def without_fake_quantisation(graph: Any) -> Any:
    """A copy of the graph whose FakeQuant nodes hand on what they get.

    Args:
        graph: GraphDef.
    """
    bare = graph_pb2.GraphDef()
    bare.CopyFrom(graph)
    for node in bare.node:
        if node.op == FAKE_QUANT_VARS:
            source = node.input[0]
            name = node.name
            node.Clear()
            node.name, node.op = name, "Identity"
            node.input.append(source)
            node.attr["T"].type = types_pb2.DT_FLOAT
    return bare


def seeded_ranges(built: BuiltSsd, values: Named) -> dict[str, NDArray[np.float32]]:
    """The ends of every range: what its tensor holds while a seeded image is looked at.

    Zero is always inside, as integer kernels want it (https://arxiv.org/abs/1712.05877).

    Args:
        built: A rewritten graph.
        values: Of its variables; those of the ranges are not read.

    Returns:
        By the variables' names; empty where the graph has no ranges.
    """
    body = body_graph(built)
    nodes = GraphMap(body)
    ranges = nodes.of_op(FAKE_QUANT_VARS)
    if not ranges:
        return {}
    size = built.contract.preprocessing
    image = seeded_image(size.height, size.width)
    frozen = without_fake_quantisation(freeze(body, values.get))
    tensors = evaluate(frozen, [node.input[0] for node in ranges], {INPUT_NAME: image})
    found: dict[str, NDArray[np.float32]] = {}
    for node, tensor in zip(ranges, tensors, strict=True):
        low, high = (_variable(nodes, source) for source in node.input[1:])
        # Ranges that several tensors share hold all of them.
        least = np.minimum(tensor.min(), found.get(low, np.float32(0)))
        most = np.maximum(tensor.max(), found.get(high, least + _LEAST_WIDTH))
        found[low] = np.array(least, np.float32)
        found[high] = np.array(np.maximum(most, np.float32(0)), np.float32)
    return found


def _variable(nodes: GraphMap, source: str) -> str:
    """The variable behind a node that reads it."""
    name = node_name(source)
    while nodes.nodes[name].op in ("Identity", "ReadVariableOp"):
        name = node_name(nodes.nodes[name].input[0])
    return name
