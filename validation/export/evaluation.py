"""What TensorFlow says of a graph: values by a run, dtypes and shapes without one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.core.framework import graph_pb2

from validation.errors import GraphError
from validation.export.graph_io import node_name
from validation.export.light_graph import without_weights
from validation.export.mapped_weights import with_mapped_weights
from validation.specs.contracts import POSTPROCESS_NAME
from validation.specs.tensors import TensorSpec


def evaluate(
    graph: Any, tensors: Sequence[str], feed: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """The values of some tensors of a frozen graph.

    Args:
        graph: GraphDef.
        tensors: Tensor names; a bare node name means its first output.
        feed: Arrays for the placeholders, by node name.

    Raises:
        GraphError: TensorFlow cannot import or run the graph.
        ArtefactError: No temporary folder can be made.
    """
    files = _Files()
    try:
        with tf.Graph().as_default() as scope:
            tf.import_graph_def(with_mapped_weights(graph, files), name="")
            # One run does not earn back what optimising the graph for it would cost.
            config = tf.ConfigProto()
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            config.experimental.optimize_for_static_graph = True
            with tf.Session(graph=scope, config=config) as session:
                values: list[np.ndarray] = session.run(
                    [_tensor(name) for name in tensors],
                    {_tensor(name): array for name, array in feed.items()},
                )
    except (ValueError, KeyError, tf.errors.OpError) as error:
        raise GraphError("TensorFlow cannot run the graph", got=cause_of(error)) from error
    return values


class _Files:
    """Owns what a run reads its weights from."""


def cause_of(error: Exception) -> str:
    """The one line of a TensorFlow message that says what is wrong.

    A failed run opens with ``Graph execution error:`` and where the node was defined; the
    cause follows the line that names the node.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for node, cause in itertools.pairwise(lines):
        if node.startswith("Node: "):
            return f"{cause}, node {node.removeprefix('Node: ')}"
    # Of a function's node there is no such line, and the cause follows at once.
    lines = [line for line in lines if line != "Graph execution error:"]
    # After an unregistered op comes advice about TensorFlow 1's contrib packages.
    return lines[0].partition(". Make sure")[0] if lines else type(error).__name__


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def graph_tensors(graph: Any, where: str | None = None) -> dict[str, TensorSpec]:
    """Infer dtypes and shapes, without running anything.

    Args:
        graph: GraphDef. The post-processing op, which TensorFlow does not know, and what
            reads it get none.
        where: File name for messages.

    Returns:
        By tensor name, ``:0`` included; shapes of unknown rank are left out.

    Raises:
        GraphError: TensorFlow cannot import the graph.
    """
    light = without_weights(graph)
    known = graph_pb2.GraphDef()
    known.versions.CopyFrom(light.versions)
    known.library.CopyFrom(light.library)
    dropped: set[str] = set()
    for node in light.node:
        # Readers of what is dropped come after it in every graph that TensorFlow wrote.
        if node.op == POSTPROCESS_NAME or any(node_name(each) in dropped for each in node.input):
            dropped.add(node.name)
            continue
        copy = known.node.add()
        copy.CopyFrom(node)
        copy.device = ""
        # What a session noted of nodes that may be gone.
        copy.attr.pop("_class", None)
    try:
        with tf.Graph().as_default() as scope:
            tf.import_graph_def(known, name="")
    except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
        raise GraphError(
            "TensorFlow cannot import the graph", got=cause_of(error), where=where
        ) from error
    return {
        tensor.name: TensorSpec(
            tensor.name,
            tensor.dtype.base_dtype.name,
            tuple(-1 if side is None else int(side) for side in tensor.shape.as_list()),
        )
        for operation in scope.get_operations()
        for tensor in operation.outputs
        if tensor.shape.rank is not None
    }
