"""Read the parts of a graph: an inference graph, a shipped or a built export; of a checkpoint."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from validation.export.body_reading import (
    Body,
    body_of,
    read_epsilons,
    read_fake_quant,
    read_layers,
    read_not_finite,
    read_order,
    read_variables,
)
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint
from validation.export.describe import classes_of
from validation.export.evaluation import evaluate
from validation.export.freezing import prune
from validation.export.graph_io import GraphExport
from validation.export.graph_map import GraphMap
from validation.export.graph_parts import GraphParts, Setting
from validation.export.postprocess_node import read_postprocess_node
from validation.export.shipped_graph import (
    preprocessing_by_extractor,
    require_exporters_names,
    score_converter_of,
)
from validation.export.ssd_reading import SsdReading, read_ssd
from validation.graphs.boxes import center_size
from validation.graphs.restore import AVERAGE, is_training_only
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    KERNEL_DEFAULTS,
    POSTPROCESS_NAME,
    PostprocessAttributes,
    Preprocessing,
)


def parts_of_inference_graph(graph: Any, where: str, *, with_classes: bool = False) -> GraphParts:
    """Parts of a graph from image to detections.

    Args:
        graph: GraphDef, frozen.
        where: File name for messages.
        with_classes: Find the number of classes too, for which TensorFlow infers every shape.

    Raises:
        NotSsdGraph, GraphError: See `read_ssd`; TensorFlow cannot compute the anchors.
    """
    reading = read_ssd(graph, where)
    nodes = GraphMap(graph)
    outputs = (reading.box_encodings, reading.class_predictions)
    classes = classes_of(graph, reading) if with_classes else None
    return _parts(
        body_of(nodes, reading.extractor_input, outputs),
        outputs,
        {
            **_of_preprocessing(reading.preprocessing),
            Setting.SCORE_CONVERTER: reading.score_converter,
            Setting.SCORE_THRESHOLD: reading.nms.score_threshold,
            Setting.IOU_THRESHOLD: reading.nms.iou_threshold,
            Setting.BOX_SCALES: reading.box_coder_scales,
            Setting.MAX_DETECTIONS: reading.nms.max_total_detections,
            Setting.DETECTIONS_PER_CLASS: reading.nms.max_detections_per_class,
            Setting.REGULAR_NMS: True,
            Setting.CLASSES_PER_DETECTION: 1,
            **({} if classes is None else {Setting.NUM_CLASSES: classes}),
        },
        _anchors(graph, nodes, reading),
    )


def parts_of_shipped_graph(graph: Any, where: str) -> GraphParts:
    """Parts of a tflite_graph.pb; its normalisation is not in it.

    Args:
        graph: GraphDef.
        where: File name for messages.

    Raises:
        NotSsdGraph: It lacks the exporter's names, or its input has no fixed size.
        GraphError: Its post-processing node lacks attributes.
    """
    nodes = GraphMap(graph)
    require_exporters_names(nodes, where)
    size = preprocessing_by_extractor(nodes)
    settings: dict[Setting, Any] = {
        Setting.INPUT_SIZE: (size.height, size.width),
        Setting.SCORE_CONVERTER: score_converter_of(nodes),
    }
    anchors = None
    if attributes := read_postprocess_node(graph, KERNEL_DEFAULTS):
        settings |= _of_postprocess(attributes)
        anchors = nodes.constant(nodes.nodes[POSTPROCESS_NAME].input[2])
    outputs = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
    return _parts(body_of(nodes, INPUT_NAME, outputs), outputs, settings, anchors)


def parts_of_export(export: GraphExport) -> GraphParts:
    """Parts of an export of our own, in either form."""
    contract = export.contract
    outputs = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
    return _parts(
        body_of(GraphMap(export.graph), INPUT_NAME, outputs),
        outputs,
        {
            **_of_preprocessing(contract.preprocessing),
            **_of_postprocess(contract.postprocess),
            Setting.SCORE_CONVERTER: contract.score_converter,
        },
        export.anchors,
    )


def weights_of_checkpoint(prefix: Path, names: Collection[str]) -> GraphParts:
    """Variables of a checkpoint by name, and their moving averages.

    Args:
        prefix: Checkpoint prefix.
        names: Of the variables that matter.

    Raises:
        ArtefactMissing, GraphError: See `open_checkpoint`.
    """
    values = open_checkpoint(prefix)
    wanted = {*names, *(f"{name}{AVERAGE}" for name in names)}
    present = [name for name in checkpoint_shapes(prefix) if not is_training_only(name)]
    read = {name: values(name) for name in present if name in wanted}
    return GraphParts(
        variables={name: np.asarray(value) for name, value in read.items() if value is not None}
    )


def _parts(
    body: Body,
    outputs: tuple[str, str],
    settings: dict[Setting, Any],
    anchors: np.ndarray | None,
) -> GraphParts:
    boxes, classes = outputs
    orders = {"boxes": read_order(body, boxes), "classes": read_order(body, classes)}
    return GraphParts(
        layers=read_layers(body),
        epsilons=read_epsilons(body),
        fake_quant=read_fake_quant(body),
        heads={name: order for name, order in orders.items() if order},
        settings=settings,
        anchors=anchors,
        variables=read_variables(body),
        not_finite=read_not_finite(body),
    )


def _anchors(graph: Any, nodes: GraphMap, reading: SsdReading) -> np.ndarray:
    known = nodes.constant(reading.anchors)
    if known is None:
        size = reading.preprocessing
        needed = prune(graph, [reading.anchors])
        images = [node.name for node in needed.node if node.op == "Placeholder"]
        blank = np.zeros((1, size.height, size.width, 3), np.uint8)
        (known,) = evaluate(needed, [reading.anchors], dict.fromkeys(images, blank))
    return center_size(known.astype(np.float32))


def _of_preprocessing(preprocessing: Preprocessing) -> dict[Setting, Any]:
    return {
        Setting.INPUT_SIZE: (preprocessing.height, preprocessing.width),
        Setting.SCALE: preprocessing.scale,
        Setting.OFFSET: preprocessing.offset,
        Setting.ALIGN_CORNERS: preprocessing.align_corners,
        Setting.HALF_PIXEL_CENTERS: preprocessing.half_pixel_centers,
    }


def _of_postprocess(attributes: PostprocessAttributes) -> dict[Setting, Any]:
    return {
        Setting.NUM_CLASSES: attributes.num_classes,
        Setting.SCORE_THRESHOLD: attributes.nms_score_threshold,
        Setting.IOU_THRESHOLD: attributes.nms_iou_threshold,
        Setting.BOX_SCALES: (
            attributes.y_scale,
            attributes.x_scale,
            attributes.h_scale,
            attributes.w_scale,
        ),
        Setting.MAX_DETECTIONS: attributes.max_detections,
        Setting.DETECTIONS_PER_CLASS: attributes.detections_per_class,
        Setting.REGULAR_NMS: attributes.use_regular_nms,
        Setting.CLASSES_PER_DETECTION: attributes.max_classes_per_detection,
    }
