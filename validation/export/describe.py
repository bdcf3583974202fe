"""Read an exported graph back from its file, independent of who wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.python.framework import dtypes

from validation.errors import GraphError
from validation.export.evaluation import cause_of
from validation.export.freezing import prune, variables
from validation.export.graph_io import node_name, read_graph, stated_shape
from validation.export.graph_map import GraphMap
from validation.export.graph_tensors import graph_tensors
from validation.export.postprocess_node import read_postprocess_node
from validation.export.ssd_reading import SsdReading
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    POSTPROCESS_NAME,
    GraphSummary,
)
from validation.specs.tensors import TensorSpec


def describe_graph(path: Path) -> GraphSummary:
    """Summarise an exported graph.

    Args:
        path: tflite_graph.pb, with or without the post-processing node.

    Raises:
        ArtefactMissing, CorruptGraph: The file cannot be read.
        GraphError: TensorFlow cannot import its body.
    """
    return summary_of(read_graph(path), path.name)


def summary_of(
    graph: Any, where: str, defaults: Mapping[str, int | bool] | None = None
) -> GraphSummary:
    """Summarise a GraphDef.

    Args:
        graph: GraphDef.
        where: File name for messages.
        defaults: See `read_postprocess_node`.

    Raises:
        GraphError: TensorFlow cannot import its body.
    """
    nodes = GraphMap(graph)
    node = nodes.nodes.get(POSTPROCESS_NAME)
    anchors = nodes.constant(ANCHORS_NAME) if ANCHORS_NAME in nodes.nodes else None
    read = {node_name(source) for other in graph.node for source in other.input}
    return GraphSummary(
        inputs=tuple(_placeholder(other) for other in nodes.of_op("Placeholder")),
        outputs=tuple(other.name for other in graph.node if other.name not in read),
        raw_outputs=_raw_outputs(graph, where),
        postprocess=read_postprocess_node(graph, defaults),
        postprocess_inputs=() if node is None else tuple(node.input),
        anchors=() if anchors is None else anchors.shape,
        ops=dict(sorted(Counter(other.op for other in graph.node).items())),
        variables=tuple(variables(graph)),
        training_batch_norms=sum(
            other.attr["is_training"].b
            for other in nodes.of_op("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
        ),
    )


def classes_of(graph: Any, reading: SsdReading) -> int | None:
    """How many classes an inference graph tells apart, without the background.

    Args:
        graph: GraphDef of frozen_inference_graph.pb or model.ckpt.meta.
        reading: Of that graph, see `read_ssd`.

    Returns:
        One less than the scores have columns; None where their shape is not told.
    """
    try:
        node, _, port = reading.class_predictions.partition(":")
        scores = graph_tensors(prune(graph, [node])).get(f"{node}:{port or 0}")
    except GraphError:
        return None
    columns = scores.shape[-1] if scores is not None and scores.shape else -1
    return columns - 1 if columns > 1 else None


def _placeholder(node: Any) -> TensorSpec:
    dtype = dtypes.as_dtype(node.attr["dtype"].type).name
    return TensorSpec(node.name, dtype, stated_shape(node))


def _raw_outputs(graph: Any, where: str) -> tuple[TensorSpec, ...]:
    """Static shapes, as TensorFlow infers them from the placeholder on."""
    present = {node.name for node in graph.node}
    names = [name for name in (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME) if name in present]
    try:
        with tf.Graph().as_default() as scope:
            tf.import_graph_def(prune(graph, names), name="")
    except (ValueError, tf.errors.OpError) as error:
        raise GraphError(
            "TensorFlow cannot import the graph", got=cause_of(error), where=where
        ) from error
    tensors = {name: scope.get_tensor_by_name(f"{name}:0") for name in names}
    return tuple(
        TensorSpec(
            name, tensor.dtype.name, tuple(-1 if side is None else side for side in tensor.shape)
        )
        for name, tensor in tensors.items()
    )
