"""Read from an inference graph what surrounds its network: preprocessing and suppression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap
from validation.specs.contracts import IMAGE_TENSOR, Preprocessing

# Here the walk stops: the stack of resized images leaves the loop over the batch.
_SOURCES = frozenset(
    {
        *("TensorArrayGatherV3", "TensorArrayGatherV2", "TensorListStack", "ResizeBilinear"),
        *("Pack", "Placeholder"),
    }
)
_PASSING = frozenset({"Identity", "Cast", "ExpandDims", "Squeeze", "Reshape"})
_COMMUTATIVE = ("Add", "AddV2", "Mul")
_OTHER_RESIZES = ("ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea")


def read_preprocessing(nodes: GraphMap, extractor_input: str, where: str) -> Preprocessing:
    """Resize and normalisation on the way to the feature extractor.

    The OD API normalises by an affine map of each channel: ``(2/255) x - 1`` for most
    extractors, subtraction of channel means for ResNet.

    Raises:
        NotSsdGraph: No fixed size, another resize, or no affine map.
    """
    scale, offset = _affine(nodes, extractor_input, where)
    resize = _resize(nodes, extractor_input, where)
    if resize is None:
        return Preprocessing(*_only_image_size(nodes, where), scale, offset)
    height, width = _resized_size(nodes, resize, where)
    return Preprocessing(
        height=height,
        width=width,
        scale=scale,
        offset=offset,
        align_corners=resize.attr["align_corners"].b,
        half_pixel_centers=resize.attr["half_pixel_centers"].b,
    )


def _affine(
    nodes: GraphMap, tensor: str, where: str
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Compose the constants met on the way up into ``x * scale - offset``."""
    scale = np.ones(3)
    offset = np.zeros(3)
    while (node := nodes.source(tensor)).op not in _SOURCES:
        inputs = nodes.inputs(node)
        if node.op in _PASSING:
            tensor = inputs[0]
            continue
        # What lies above is x; so far the value is x * scale - offset.
        constants = [_channels(nodes.constant(source)) for source in inputs]
        if node.op in _COMMUTATIVE and constants[0] is not None:
            inputs, constants = inputs[::-1], constants[::-1]
        match node.op, constants:
            case "Sub", [None, value] if value is not None:
                offset += value * scale
            case "Add" | "AddV2", [None, value] if value is not None:
                offset -= value * scale
            case "Mul", [None, value] if value is not None:
                scale *= value
            case "RealDiv" | "Div", [None, value] if value is not None:
                scale /= value
            case _:
                raise NotSsdGraph(
                    "the normalisation is not one factor and one offset a channel",
                    got=f"{node.op} in node {node.name!r}",
                    where=where,
                )
        tensor = inputs[0]
    return _triple(scale), _triple(offset)


def _channels(value: np.ndarray | None) -> np.ndarray | None:
    if value is None or value.size not in (1, 3):
        return None
    return np.broadcast_to(value.astype(np.float64).ravel(), (3,))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _resize(nodes: GraphMap, extractor_input: str, where: str) -> Any | None:
    """The one resize; None where there is none.

    TensorFlow leaves it out of a graph that was exported with a fixed --input_shape of the
    resizer's size.
    """
    above = nodes.ancestors([extractor_input])
    resizes = [node for node in nodes.of_op("ResizeBilinear") if node.name in above]
    if len(resizes) == 1:
        return resizes[0]
    others = [node.op for node in nodes.of_op(*_OTHER_RESIZES) if node.name in above]
    if not resizes and not others:
        return None
    raise NotSsdGraph(
        "the image is not resized by one bilinear resize",
        expected="one ResizeBilinear",
        got=", ".join(others) or f"{len(resizes)} ResizeBilinear",
        where=where,
        next_step="train with fixed_shape_resizer and its default BILINEAR method",
    )


def only_image_size(graph: Any) -> tuple[int, int] | None:
    """Height and width of image_tensor where the graph takes images of one size only."""
    for node in graph.node:
        if node.name == IMAGE_TENSOR and node.op == "Placeholder":
            sides = tuple(side.size for side in node.attr["shape"].shape.dim)
            if len(sides) == 4 and min(sides[1:3]) > 0:
                return sides[1], sides[2]
    return None


def _only_image_size(nodes: GraphMap, where: str) -> tuple[int, int]:
    size = only_image_size(nodes.graph)
    if size is None:
        raise NotSsdGraph(
            "the image is not resized, and the graph takes images of any size",
            expected="one ResizeBilinear, or image_tensor of one size",
            where=where,
            next_step="train with fixed_shape_resizer",
        )
    return size


def _resized_size(nodes: GraphMap, resize: Any, where: str) -> tuple[int, int]:
    size = nodes.constant(nodes.inputs(resize)[1])
    if size is None or size.size != 2:
        raise NotSsdGraph(
            "the input has no fixed size: keep_aspect_ratio_resizer",
            expected="fixed_shape_resizer",
            where=f"{where}, node {resize.name!r}",
            next_step="use fixed_shape_resizer HxW; accuracy changes, re-evaluate",
        )
    return int(size[0]), int(size[1])


# The first version has no number, and its IoU threshold is an attribute.
_FIRST = "NonMaxSuppression"
_OPS = (_FIRST, *(f"NonMaxSuppressionV{version}" for version in (2, 3, 4, 5)))
_COMBINED = "CombinedNonMaxSuppression"


@dataclass(frozen=True)
class NmsReading:
    """The batch_non_max_suppression of a graph.

    Args:
        score_threshold: Lower scores are dropped.
        iou_threshold: Overlap above which the lower score is dropped.
        max_detections_per_class: Kept for each class.
        max_total_detections: Kept in all, slots of the outputs.
    """

    score_threshold: float
    iou_threshold: float
    max_detections_per_class: int
    max_total_detections: int


def read_nms(nodes: GraphMap, where: str) -> NmsReading:
    """Thresholds and sizes of the graph's NMS.

    Raises:
        NotSsdGraph: No NMS, one without constants, or classes that differ.
    """
    combined = nodes.of_op(_COMBINED)
    if combined:
        # Inputs: boxes, scores, max_output_size_per_class, max_total_size, iou, score.
        inputs = nodes.inputs(combined[0])
        return NmsReading(
            score_threshold=_number(nodes, inputs[5], where),
            iou_threshold=_number(nodes, inputs[4], where),
            max_detections_per_class=int(_number(nodes, inputs[2], where)),
            max_total_detections=int(_number(nodes, inputs[3], where)),
        )
    suppressions = nodes.of_op(*_OPS)
    if not suppressions:
        raise NotSsdGraph(
            "the graph has no non-maximum suppression",
            expected=f"{_OPS[0]} to {_OPS[-1]} or {_COMBINED}",
            where=where,
        )
    filters = _score_filters(nodes, where)
    readings = {
        (
            _score_threshold(nodes, node, filters, where),
            _iou_threshold(nodes, node, where),
            int(_size(nodes, nodes.inputs(node)[2], where)),
        )
        for node in suppressions
    }
    if len(readings) != 1:
        raise NotSsdGraph(
            "NMS settings differ between classes",
            expected="one score threshold, IoU threshold and size for all classes",
            got=sorted(readings),
            where=where,
        )
    score, iou, per_class = readings.pop()
    return NmsReading(score, iou, per_class, _total(nodes, where))


def _score_filters(nodes: GraphMap, where: str) -> set[float]:
    """Thresholds of the filters ahead of the older NMS ops, one a class."""
    return {
        _number(nodes, nodes.inputs(node)[1], where)
        for node in nodes.of_op("Greater", "GreaterEqual")
        # Other comparisons are under ClipToWindow and PadOrClipBoxList.
        if "FilterGreaterThan" in node.name
    }


def _score_threshold(nodes: GraphMap, node: Any, filters: set[float], where: str) -> float:
    """From V3 on an input of the op; before, or where that one is -inf, the filter's."""
    inputs = nodes.inputs(node)
    if len(inputs) > 4:
        threshold = _number(nodes, inputs[4], where)
        if threshold > float("-inf"):
            return threshold
    if len(filters) != 1:
        raise NotSsdGraph(
            "the score threshold cannot be read",
            expected="one FilterGreaterThan value ahead of the NMS",
            got=f"{sorted(filters)}",
            where=f"{where}, node {node.name!r}",
        )
    return next(iter(filters))


def _iou_threshold(nodes: GraphMap, node: Any, where: str) -> float:
    if node.op == _FIRST:
        return float(node.attr["iou_threshold"].f)
    return _number(nodes, nodes.inputs(node)[3], where)


def _size(nodes: GraphMap, tensor: str, where: str) -> float:
    """The configured size is the constant of ``min(size, number of boxes)``."""
    node = nodes.source(nodes.skip(tensor))
    if node.op == "Minimum":
        for source in nodes.inputs(node):
            value = nodes.constant(source)
            if value is not None:
                return float(value)
    return _number(nodes, tensor, where)


def _total(nodes: GraphMap, where: str) -> int:
    """max_total_detections: the Minimum that bounds the Range over the sorted boxes."""
    for node in nodes.of_op("Range"):
        if "NonMaxSuppression" not in node.name:
            continue
        limit = nodes.source(nodes.skip(nodes.inputs(node)[1]))
        if limit.op == "Minimum":
            return int(_size(nodes, limit.name, where))
    raise NotSsdGraph(
        "the total number of detections cannot be read",
        expected="a Minimum that bounds the sorted detections",
        where=where,
    )


def _number(nodes: GraphMap, tensor: str, where: str) -> float:
    value = nodes.constant(tensor)
    if value is None or value.size != 1:
        raise NotSsdGraph(
            "a parameter of the NMS is computed, not constant", where=f"{where}, {tensor!r}"
        )
    return float(value)
