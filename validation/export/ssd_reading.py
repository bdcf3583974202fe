"""Read an OD API inference graph of an SSD: the tensors between its parts, and its settings.

The OD API builds every SSD in the scopes Preprocessor, FeatureExtractor,
BoxPredictor*, an anchor generator and Postprocessor, whatever the backbone. The
parts are found by how they are wired inside these scopes; node numbering and
helper ops differ between the releases from 2017 to 2020 and are not relied on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap
from validation.export.processing_reading import NmsReading, read_nms, read_preprocessing
from validation.export.score_reading import ScoreReading, read_scores
from validation.root_cause import FaultKind, RootCause
from validation.specs.contracts import DETECTION_OUTPUTS, IMAGE_TENSOR

_PREPROCESSOR = "Preprocessor/"
_POSTPROCESSOR = "Postprocessor/"
_DECODE = "Postprocessor/Decode/"
# The box coder turns corner anchors into centre form in this scope.
_ANCHOR_DECODE = "Postprocessor/Decode/get_center_coordinates_and_sizes/"
_LAYOUT = frozenset({"Identity", "Transpose", "Reshape", "Tile", "ExpandDims", "Squeeze"})


@dataclass(frozen=True)
class SsdReading:
    """The parts of an SSD inference graph, as tensor names of that graph.

    Args:
        extractor_input: Normalised image [batch, H, W, 3] that leaves the preprocessor.
        box_encodings: [batch, N, 4], before decoding.
        scores: Where [batch, N, C+1] are, and on which side of the cut they are converted.
        anchors: [N, 4] corners (ymin, xmin, ymax, xmax), computed by the graph.
        box_coder_scales: (y, x, h, w).
        preprocessing: Resize and normalisation.
        nms: Thresholds and sizes of the graph's own NMS.
    """

    extractor_input: str
    box_encodings: str
    scores: ScoreReading
    anchors: str
    box_coder_scales: tuple[float, float, float, float]
    preprocessing: Any
    nms: NmsReading

    @property
    def class_predictions(self) -> str:
        """[batch, N, C+1], after the score converter where that stands before the cut."""
        return self.scores.tensor

    @property
    def score_converter(self) -> str:
        """SIGMOID, SOFTMAX or IDENTITY."""
        return self.scores.converter


def read_ssd(graph: Any, where: str = "graph") -> SsdReading:
    """Find the parts of an SSD in an inference graph.

    Args:
        graph: GraphDef from image_tensor to detections, frozen or with variables.
        where: File name for messages.

    Raises:
        NotSsdGraph: Another architecture, or wiring that no OD API release wrote.
    """
    nodes = GraphMap(graph)
    _refuse_others(nodes, where)
    encodings_unpack = _decode_unpack(nodes, where)
    box_encodings = _leave_scope(nodes, nodes.inputs(encodings_unpack)[0], where)
    unpacks = [node for node in nodes.of_op("Unpack") if node.name.startswith(_ANCHOR_DECODE)]
    anchors_unpack = _only(unpacks, "the box coder's split of the anchors", _ANCHOR_DECODE, where)
    anchors = _leave_scope(nodes, nodes.inputs(anchors_unpack)[0], where)
    scores = read_scores(nodes, where)
    extractor_input = _extractor_input(nodes, (box_encodings, scores.tensor), where)
    return SsdReading(
        extractor_input=extractor_input,
        box_encodings=box_encodings,
        scores=scores,
        anchors=anchors,
        box_coder_scales=_box_coder_scales(nodes, encodings_unpack, where),
        preprocessing=read_preprocessing(nodes, extractor_input, where),
        nms=read_nms(nodes, where),
    )


def _refuse_others(nodes: GraphMap, where: str) -> None:
    scopes = {name.partition("/")[0] for name in nodes.nodes}
    if any(scope.startswith(("FirstStage", "SecondStage")) for scope in scopes):
        raise NotSsdGraph(
            "this is a Faster R-CNN or Mask R-CNN graph (scopes FirstStage*, SecondStage*)",
            expected="an SSD",
            where=where,
            next_step="use an SSD of the detection zoo: the TFLite exporter takes no other",
        )
    if "TFLite_Detection_PostProcess" in scopes or "normalized_input_image_tensor" in scopes:
        raise NotSsdGraph(
            "this graph is exported for TFLite already",
            expected="an inference graph with image_tensor and a Postprocessor",
            where=where,
            next_step="convert it as it is",
        )
    if any(name.startswith("StatefulPartitionedCall") for name in scopes):
        raise NotSsdGraph(
            "this graph comes from a TensorFlow 2 SavedModel",
            expected="an inference graph of the TensorFlow 1 OD API",
            where=where,
            next_step="export it with the TensorFlow 2 OD API",
        )
    missing = [
        scope for scope in (IMAGE_TENSOR, "Preprocessor", "Postprocessor") if scope not in scopes
    ]
    if missing:
        raise NotSsdGraph(
            "this is not an inference graph of the OD API",
            expected="image_tensor and the scopes Preprocessor and Postprocessor",
            got=f"no {', '.join(missing)}",
            where=where,
            next_step="use frozen_inference_graph.pb or model.ckpt.meta of a zoo archive",
        )
    # A file cut off at a node's border still parses, and its last nodes are these.
    lacking = [name for name in DETECTION_OUTPUTS if name not in nodes.nodes]
    if lacking:
        raise NotSsdGraph(
            "the inference graph lacks detection outputs",
            expected=", ".join(DETECTION_OUTPUTS),
            got=f"no {', '.join(lacking)}",
            where=where,
            next_step="the file may be cut off: compare its size and sha256",
            causes=[RootCause(FaultKind.OPERATOR_MISSING, where=where, expected=lacking[0])],
        )


def _decode_unpack(nodes: GraphMap, where: str) -> Any:
    """The Unpack that splits box encodings into ty, tx, th, tw: exp() reads two of them."""
    unpacks = [
        node
        for node in nodes.of_op("Unpack")
        if node.name.startswith(_DECODE)
        and not node.name.startswith(_ANCHOR_DECODE)
        and node.attr["num"].i == 4
    ]
    return _only(unpacks, "the box coder's split of the encodings", _DECODE, where)


def _only(nodes: list[Any], part: str, scope: str, where: str) -> Any:
    if len(nodes) != 1:
        raise NotSsdGraph(
            f"{part} is not where the OD API puts it",
            expected=f"one Unpack node under {scope}",
            got=f"{len(nodes)}",
            where=where,
            next_step="is this an SSD with a faster_rcnn_box_coder?",
        )
    return nodes[0]


def _leave_scope(nodes: GraphMap, tensor: str, where: str) -> str:
    """Walk up through layout ops until the tensor comes from outside the post-processor."""
    while nodes.source(tensor).name.startswith(_POSTPROCESSOR):
        node = nodes.source(tensor)
        # In 2017 the encodings of each image were decoded by themselves.
        of_one_image = node.op == "Unpack" and node.attr["num"].i == 1
        if node.op not in _LAYOUT and not of_one_image:
            raise NotSsdGraph(
                "the post-processor computes on its inputs before it decodes them",
                expected=f"one of {', '.join(sorted(_LAYOUT))}",
                got=f"{node.op} in node {node.name!r}",
                where=where,
            )
        tensor = nodes.inputs(node)[0]
    return tensor


def _extractor_input(nodes: GraphMap, heads: tuple[str, str], where: str) -> str:
    """The one tensor by which the preprocessor feeds the heads."""
    body = nodes.ancestors(heads, stop=lambda node: node.name.startswith(_PREPROCESSOR))
    crossing = {
        tensor
        for name in body
        for tensor in nodes.inputs(nodes.nodes[name])
        if tensor.startswith(_PREPROCESSOR)
    }
    if len(crossing) != 1:
        raise NotSsdGraph(
            "the feature extractor does not read one normalised image",
            expected="one tensor from Preprocessor/ to the heads",
            got=", ".join(sorted(crossing)) or "none",
            where=where,
        )
    return crossing.pop()


def _box_coder_scales(
    nodes: GraphMap, unpack: Any, where: str
) -> tuple[float, float, float, float]:
    """Each part of an encoding is divided by its scale before use; no division means 1."""
    scales = [1.0] * 4
    for node in nodes.consumers(unpack.name):
        tensor = nodes.inputs(node)[0]
        if node.op not in ("RealDiv", "Div") or not tensor.startswith(unpack.name):
            continue
        value = nodes.constant(nodes.inputs(node)[1])
        if value is None or np.size(value) != 1:
            raise NotSsdGraph(
                "a box coder scale is not a constant", where=f"{where}, node {node.name!r}"
            )
        part = int(tensor.partition(":")[2] or 0)
        scales[part] = float(value)
    return scales[0], scales[1], scales[2], scales[3]
