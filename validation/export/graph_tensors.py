"""Dtype and shape of every tensor of a GraphDef, as TensorFlow infers them."""

from __future__ import annotations

from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import graph_pb2

from validation.errors import GraphError
from validation.export.evaluation import cause_of
from validation.export.graph_io import node_name
from validation.specs.contracts import POSTPROCESS_NAME
from validation.specs.tensors import TensorSpec


def graph_tensors(graph: Any) -> dict[str, TensorSpec]:
    """Infer dtypes and shapes, without running anything.

    Args:
        graph: GraphDef. The post-processing op, which TensorFlow does not know, and what
            reads it get none.

    Returns:
        By tensor name, ``:0`` included; shapes of unknown rank are left out.

    Raises:
        GraphError: TensorFlow cannot import the graph.
    """
    known = graph_pb2.GraphDef()
    known.versions.CopyFrom(graph.versions)
    known.library.CopyFrom(graph.library)
    dropped: set[str] = set()
    for node in graph.node:
        # Readers of what is dropped stand after it in every graph that TensorFlow wrote.
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
        raise GraphError("TensorFlow cannot import the graph", got=cause_of(error)) from error
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
