"""A tflite_graph.pb that was exported elsewhere: read and checked, never rebuilt.

The zoo's quantised archives ship one instead of a frozen inference graph.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from validation.errors import GraphError, NotSsdGraph
from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import prune, variables
from validation.export.from_graph import require_same, with_options, without_postprocessing
from validation.export.graph_io import GraphExport, stated_shape
from validation.export.graph_map import FAKE_QUANT, PASSING, GraphMap
from validation.export.postprocess_node import read_postprocess_node
from validation.export.score_reading import SCORE_CONVERTERS
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind, RootCause
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CHANNEL_MEANS,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    KERNEL_DEFAULTS,
    POSTPROCESS_NAME,
    RAW_OUTPUTS,
    UNIT_RANGE,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)

# The OD API's own evaluation keeps so many, for each class and in all. Shipped graphs often
# have the exporter's 10, see EXPORTER_DEFAULT_MAX_DETECTIONS.
_EVALUATED_DETECTIONS = 100


def export_shipped(
    graph: Any, options: ExportOptions, *, config: PipelineConfig | None, where: str
) -> GraphExport:
    """Take a shipped graph as an export, with the post-processing flags of the evaluation.

    Body, anchors and thresholds stay as they were shipped. How many detections the op gives
    and which NMS it runs are flags of the exporter and come from `options`, then from the
    config; without either there are 100, as in the OD API's own evaluation.

    Args:
        graph: GraphDef of tflite_graph.pb.
        options: The exporter's flags.
        config: Of the archive; must agree with the graph where it is given.
        where: File name for messages.

    Raises:
        NotSsdGraph: Not a graph of the exporter.
        GraphError: Variables left, no post-processing node, or no anchors.
        GraphConfigMismatch: Graph and config disagree.
    """
    nodes = GraphMap(graph)
    require_exporters_names(nodes, where)
    if left := variables(graph):
        raise GraphError("the graph is not frozen", got=f"{len(left)} variables", where=where)
    node = read_postprocess_node(graph, KERNEL_DEFAULTS)
    anchors = nodes.constant(nodes.nodes[POSTPROCESS_NAME].input[2]) if node else None
    if node is None or anchors is None:
        raise GraphError(
            "the graph has no anchors: it ends in its raw outputs",
            expected=f"{POSTPROCESS_NAME} with its three inputs",
            where=where,
            next_step="export it with --add_postprocessing_op=true, or give the checkpoint",
        )
    preprocessing = preprocessing_by_extractor(nodes)
    contract = SsdContract(
        preprocessing,
        len(anchors),
        node.num_classes,
        score_converter_of(nodes),
        _evaluated(node, config),
    )
    if config is not None:
        _require_agreement(contract, config, where)
    body = prune(graph, [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME])
    _require_shapes(body, contract, where)
    bare = GraphExport(body, contract, anchors.astype(np.float32), add_postprocessing_op=False)
    export = with_options(bare, options)
    return export if options.add_postprocessing_op else without_postprocessing(export)


def require_exporters_names(nodes: GraphMap, where: str) -> None:
    """Require the exporter's input and raw outputs.

    Args:
        nodes: Of a graph that should be an exported one.
        where: File name for messages.

    Raises:
        NotSsdGraph: One of them is not there.
    """
    wanted = (INPUT_NAME, BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
    missing = [name for name in wanted if name not in nodes.nodes]
    if missing:
        raise NotSsdGraph(
            "this graph was not written by export_tflite_ssd_graph",
            expected=f"{INPUT_NAME}, {BOX_ENCODINGS_NAME} and {CLASS_PREDICTIONS_NAME}",
            got=f"no {', '.join(missing)}",
            where=where,
            # With none of them it is another graph.
            causes=_renamed(nodes, missing) if len(missing) < len(wanted) else (),
        )


def _renamed(nodes: GraphMap, missing: list[str]) -> list[RootCause]:
    """What the post-processing node reads, or what is fed, under other names than these."""
    node = nodes.nodes.get(POSTPROCESS_NAME)
    instead = dict(zip(RAW_OUTPUTS, () if node is None else node.input, strict=False))
    instead[INPUT_NAME] = ", ".join(each.name for each in nodes.of_op("Placeholder"))
    return [
        RootCause(FaultKind.NODE_NAME, expected=name, got=instead.get(name) or "none")
        for name in missing
    ]


def preprocessing_by_extractor(nodes: GraphMap) -> Preprocessing:
    """Size from the placeholder; normalisation by the extractor, whose scope names it.

    Raises:
        NotSsdGraph: The input has no fixed size.
    """
    shape = list(stated_shape(nodes.nodes[INPUT_NAME]))
    if len(shape) != 4 or min(shape[1:3]) < 1 or shape[3] != 3:
        raise NotSsdGraph("the graph's input has no fixed size", expected="[1, H, W, 3]", got=shape)
    is_resnet = any("/resnet_v1_" in name for name in nodes.nodes)
    scale, offset = CHANNEL_MEANS if is_resnet else UNIT_RANGE
    return Preprocessing(shape[1], shape[2], scale, offset)


def score_converter_of(nodes: GraphMap) -> str:
    """SIGMOID, SOFTMAX or IDENTITY: what makes the class predictions of an exported graph."""
    made_by = nodes.source(nodes.skip(CLASS_PREDICTIONS_NAME, PASSING | FAKE_QUANT))
    return SCORE_CONVERTERS.get(made_by.op, "IDENTITY")


def _evaluated(
    shipped: PostprocessAttributes, config: PipelineConfig | None
) -> PostprocessAttributes:
    per_class = total = _EVALUATED_DETECTIONS
    if config is not None:
        per_class, total = config.max_detections_per_class, config.max_total_detections
    return dataclasses.replace(shipped, max_detections=total, detections_per_class=per_class)


def _require_agreement(contract: SsdContract, config: PipelineConfig, where: str) -> None:
    node, size = contract.postprocess, contract.preprocessing
    scales = (node.y_scale, node.x_scale, node.h_scale, node.w_scale)
    values = [
        ("num_classes", node.num_classes, config.num_classes),
        ("image_resizer", (size.height, size.width), config.input_size),
        ("box_coder", scales, config.box_coder_scales),
        ("post_processing.score_converter", contract.score_converter, config.score_converter),
    ]
    require_same(values, config, where, what="shipped graph and pipeline.config")


def _require_shapes(body: Any, contract: SsdContract, where: str) -> None:
    """Run the body once: the shapes of its outputs must fit anchors and classes."""
    size = contract.preprocessing
    zeros = np.zeros((1, size.height, size.width, 3), np.float32)
    shapes = [list(value.shape) for value in evaluate(body, RAW_OUTPUTS, {INPUT_NAME: zeros})]
    rows, columns = contract.num_anchors, contract.num_classes + 1
    if shapes != [[1, rows, 4], [1, rows, columns]]:
        raise NotSsdGraph(
            "raw outputs, anchors and classes have different sizes",
            expected=f"{[1, rows, 4]} and {[1, rows, columns]}",
            got=f"{shapes[0]} and {shapes[1]}",
            where=where,
        )
