"""Cut an OD API inference graph into the graph that TFLite can convert.

What export_tflite_ssd_graph.py builds from a checkpoint and a config is already
inside the inference graph that training exported: the body between the normalised
image and the two raw outputs. It is cut out, its input and outputs get the
exporter's names, and the post-processing node is added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import tensor_util

from validation.errors import GraphConfigMismatch, GraphError, NotSsdGraph
from validation.export.checkpoint import Values
from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import freeze, prune, variables
from validation.export.graph_io import GraphExport
from validation.export.postprocess_node import add_postprocess_node
from validation.export.score_reading import scores_with_background
from validation.export.ssd_reading import SsdReading, read_ssd
from validation.graphs.boxes import center_size
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind, Place, RootCause
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)

# Path of a field below model.ssd, its value in the graph, and its value in the config.
Compared = tuple[str, object, object]

_NMS = "post_processing.batch_non_max_suppression"
_FAULTS = {
    "num_classes": FaultKind.CLASS_COUNT,
    "image_resizer": FaultKind.RESIZE,
    "box_coder": FaultKind.BOX_SCALES,
    "post_processing.score_converter": FaultKind.SCORES,
    f"{_NMS}.score_threshold": FaultKind.SCORE_THRESHOLD,
    f"{_NMS}.iou_threshold": FaultKind.NMS,
    f"{_NMS}.max_detections_per_class": FaultKind.NMS,
    f"{_NMS}.max_total_detections": FaultKind.DETECTIONS,
}
_NAMES = {"box_coder": "box_coder scales (y, x, h, w)"}


def export_from_graph(
    graph: Any,
    options: ExportOptions,
    *,
    config: PipelineConfig | None = None,
    values: Values | None = None,
    where: str = "graph",
) -> GraphExport:
    """Make the TFLite-compatible graph out of an inference graph.

    Args:
        graph: GraphDef of frozen_inference_graph.pb or model.ckpt.meta.
        options: The exporter's flags.
        config: Must agree with the graph where it is given.
        values: Values of the variables, where the graph is not frozen.
        where: File name for messages.

    Raises:
        NotSsdGraph: See `read_ssd`.
        GraphConfigMismatch: Graph and config disagree.
        GraphError: Variables without values, or with values that do not fit.
    """
    reading = read_ssd(graph, where)
    graph, scores = scores_with_background(graph, reading.scores)
    reading = dataclasses.replace(reading, scores=scores)
    body = prune(graph, _outputs(reading))
    # The weights are in each copy of a graph: none is kept longer than it is needed.
    del graph
    if values is not None:
        body = freeze(body, values, where=where)
    elif left := variables(body):
        raise GraphError(
            "the graph is not frozen: its variables have no values",
            got=f"{len(left)} variables, {min(left)!r} among them",
            where=where,
            next_step="give the checkpoint that belongs to it, or a frozen graph",
        )
    body = _with_placeholder(body, reading)
    sizes = _measure(body, reading, where)
    contract = _contract(reading, options, len(sizes.anchors), sizes.columns - 1)
    if config is not None:
        require_agreement(reading, contract.num_classes, config, where)
    exported = prune(body, [reading.box_encodings, reading.class_predictions])
    del body
    _name_outputs(exported, reading, sizes.boxes_rank)
    if options.add_postprocessing_op:
        _add_constant(exported, ANCHORS_NAME, sizes.anchors)
        add_postprocess_node(exported, contract.postprocess)
    return GraphExport(exported, contract, sizes.anchors, options.add_postprocessing_op)


def with_options(export: GraphExport, options: ExportOptions) -> GraphExport:
    """The same export with other flags for the post-processing node.

    Args:
        export: Made with the model's own values, see `ExportOptions`.
        options: A flag that is None keeps the export's value.
    """
    attributes = _with_options(export.contract.postprocess, options)
    graph = prune(export.graph, [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME])
    _add_constant(graph, ANCHORS_NAME, export.anchors)
    add_postprocess_node(graph, attributes)
    contract = dataclasses.replace(export.contract, postprocess=attributes)
    return GraphExport(graph, contract, export.anchors, add_postprocessing_op=True)


def _with_options(
    attributes: PostprocessAttributes, options: ExportOptions
) -> PostprocessAttributes:
    return dataclasses.replace(
        attributes,
        max_detections=options.max_detections or attributes.max_detections,
        max_classes_per_detection=options.max_classes_per_detection,
        detections_per_class=options.detections_per_class or attributes.detections_per_class,
        use_regular_nms=options.use_regular_nms,
    )


def without_postprocessing(export: GraphExport) -> GraphExport:
    """The same export in the exporter's other form, which ends in the raw outputs."""
    body = prune(export.graph, [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME])
    return GraphExport(body, export.contract, export.anchors, add_postprocessing_op=False)


def _outputs(reading: SsdReading) -> list[str]:
    return [reading.box_encodings, reading.class_predictions, reading.anchors]


def _with_placeholder(body: Any, reading: SsdReading) -> Any:
    """Put the exporter's input in place of the preprocessor's output.

    Args:
        body: Is changed.
        reading: Of the graph that it was cut from.
    """
    size = reading.preprocessing
    placeholder = body.node.add(name=INPUT_NAME, op="Placeholder")
    placeholder.attr["dtype"].type = types_pb2.DT_FLOAT
    for side in (1, size.height, size.width, 3):
        placeholder.attr["shape"].shape.dim.add(size=side)
    for node in body.node:
        for index, source in enumerate(node.input):
            if source == reading.extractor_input:
                node.input[index] = INPUT_NAME
    return prune(body, _outputs(reading))


@dataclass(frozen=True)
class _Sizes:
    """What a run of the body gives: anchors in centre form, and the raw outputs' shapes."""

    anchors: np.ndarray
    columns: int
    boxes_rank: int


def _measure(body: Any, reading: SsdReading, where: str) -> _Sizes:
    """Run the body once."""
    size = reading.preprocessing
    zeros = np.zeros((1, size.height, size.width, 3), np.float32)
    boxes, scores, corners = evaluate(body, _outputs(reading), {INPUT_NAME: zeros})
    expected = f"[1, {len(corners)}, 4] and [1, {len(corners)}, C+1]"
    fits = (
        boxes.ndim in (3, 4)
        and boxes.size == 4 * len(corners)
        and scores.ndim == 3
        and scores.shape[:2] == (1, len(corners))
    )
    if not fits:
        raise NotSsdGraph(
            "raw outputs and anchors have different sizes",
            expected=expected,
            got=f"{list(boxes.shape)} and {list(scores.shape)}",
            where=where,
        )
    return _Sizes(center_size(corners), scores.shape[2], boxes.ndim)


def _contract(
    reading: SsdReading, options: ExportOptions, num_anchors: int, num_classes: int
) -> SsdContract:
    of_the_model = PostprocessAttributes.of_model(
        reading.nms, num_classes, reading.box_coder_scales
    )
    attributes = _with_options(of_the_model, options)
    preprocessing: Preprocessing = reading.preprocessing
    return SsdContract(preprocessing, num_anchors, num_classes, reading.score_converter, attributes)


def _name_outputs(graph: Any, reading: SsdReading, boxes_rank: int) -> None:
    """End the body in nodes of the exporter's names, boxes as [1, N, 4]."""
    boxes = add_identity(graph, BOX_ENCODINGS_NAME, reading.box_encodings)
    if boxes_rank == 4:
        # Some releases squeeze [1, N, 1, 4] only inside the post-processor.
        boxes.op = "Squeeze"
        boxes.attr["squeeze_dims"].list.i.append(2)
    add_identity(graph, CLASS_PREDICTIONS_NAME, reading.class_predictions)


def add_identity(graph: Any, name: str, source: str) -> Any:
    """Append a node that passes a float tensor on under another name."""
    node = graph.node.add(name=name, op="Identity")
    node.input.append(source)
    node.attr["T"].type = types_pb2.DT_FLOAT
    return node


def _add_constant(graph: Any, name: str, value: np.ndarray) -> None:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = tensor_util.make_tensor_proto(value).dtype
    node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value))


def require_agreement(
    reading: SsdReading, num_classes: int, config: PipelineConfig, where: str
) -> None:
    """Compare what an inference graph and a config say of one model.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    contract = _contract(reading, ExportOptions(), 0, num_classes)
    require_contract(contract, config, where)


def require_contract(contract: SsdContract, config: PipelineConfig, where: str) -> None:
    """Compare what was read of an inference graph with what a config says.

    Args:
        contract: Of the graph, with the model's own values.
        config: Of the same model.
        where: File name of the graph for messages.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    size, node = contract.preprocessing, contract.postprocess
    scales = (node.y_scale, node.x_scale, node.h_scale, node.w_scale)
    values: list[Compared] = [
        ("num_classes", contract.num_classes, config.num_classes),
        ("image_resizer", (size.height, size.width), config.input_size),
        ("box_coder", scales, config.box_coder_scales),
        ("post_processing.score_converter", contract.score_converter, config.score_converter),
        (f"{_NMS}.score_threshold", node.nms_score_threshold, config.score_threshold),
        (f"{_NMS}.iou_threshold", node.nms_iou_threshold, config.iou_threshold),
        (
            f"{_NMS}.max_detections_per_class",
            node.detections_per_class,
            config.max_detections_per_class,
        ),
        (f"{_NMS}.max_total_detections", node.max_detections, config.max_total_detections),
    ]
    require_same(values, config, where, what="graph and pipeline.config")


def require_same(
    values: Iterable[Compared], config: PipelineConfig, where: str, *, what: str
) -> None:
    """Compare what a graph and a config say; the error names each difference with both values.

    Floats are equal when they are the same float32: the graph stores no more.

    Args:
        values: Path of a field below model.ssd, what the graph says, what the config says.
        config: Knows the line of a field.
        where: File name for messages.
        what: The two that are compared.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    differing = [
        (path, graph, text)
        for path, graph, text in values
        if not np.array_equal(np.asarray(graph, _kind(graph)), np.asarray(text, _kind(graph)))
    ]
    if differing:
        raise GraphConfigMismatch(
            f"{what} disagree",
            got="; ".join(
                f"{_NAMES.get(path, path.rpartition('.')[2])}: graph {graph}, config {text} "
                f"({config.where(f'model.ssd.{path}')})"
                for path, graph, text in differing
            ),
            where=where,
            next_step="use the pipeline.config that the graph was exported with",
            # Either of them may be the wrong one.
            place=Place.ARCHIVE,
            causes=[
                RootCause(
                    _FAULTS[path],
                    where=config.where(f"model.ssd.{path}"),
                    expected=graph,
                    got=text,
                    next_step=_advice(path.rpartition(".")[2], graph),
                )
                for path, graph, text in differing
            ],
        )


def _advice(field: str, graph: object) -> str:
    """The value that fits, as a config has it; not what the graph has rounded to float32."""
    fits = f"{field}: {graph} fits the graph"
    return fits if isinstance(graph, int | str) else f"set {field} as in the graph"


def _kind(value: object) -> type:
    return str if isinstance(value, str) else np.float32
