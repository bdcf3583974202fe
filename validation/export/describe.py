"""Read an exported graph back from its file, whichever program wrote it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorflow.python.framework import dtypes

from validation.errors import GraphError
from validation.export.evaluation import graph_tensors
from validation.export.freezing import prune, variables
from validation.export.graph_io import read_graph, stated_shape, unread_nodes
from validation.export.graph_map import GraphMap
from validation.export.light_graph import without_weights
from validation.export.postprocess_node import read_postprocess_node
from validation.export.ssd_reading import SsdReading
from validation.specs.contracts import ANCHORS_NAME, POSTPROCESS_NAME, RAW_OUTPUTS, GraphSummary
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
    return GraphSummary(
        inputs=tuple(
            TensorSpec(each.name, dtypes.as_dtype(each.attr["dtype"].type).name, stated_shape(each))
            for each in nodes.of_op("Placeholder")
        ),
        outputs=unread_nodes(graph),
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
    """How many classes an inference graph knows, without the background.

    Args:
        graph: GraphDef of frozen_inference_graph.pb or model.ckpt.meta.
        reading: Of that graph, see `read_ssd`.

    Returns:
        One less than the scores have columns; None where their shape is unknown.
    """
    try:
        node, _, port = reading.class_predictions.partition(":")
        scores = graph_tensors(prune(without_weights(graph), [node])).get(f"{node}:{port or 0}")
    except GraphError:
        return None
    columns = scores.shape[-1] if scores is not None and scores.shape else -1
    return columns - 1 if columns > 1 else None


def _raw_outputs(graph: Any, where: str) -> tuple[TensorSpec, ...]:
    """Static shapes, as TensorFlow infers them from the placeholder on."""
    present = {node.name for node in graph.node}
    names = [name for name in RAW_OUTPUTS if name in present]
    tensors = graph_tensors(prune(without_weights(graph), names), where)
    specs = [tensors[f"{name}:0"] for name in names if f"{name}:0" in tensors]
    return tuple(dataclasses.replace(spec, name=spec.name.removesuffix(":0")) for spec in specs)
