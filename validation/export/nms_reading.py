"""Read from the graph the thresholds and sizes of its own non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap

_OPS = tuple(f"NonMaxSuppressionV{version}" for version in (2, 3, 4, 5))
_COMBINED = "CombinedNonMaxSuppression"


@dataclass(frozen=True)
class NmsReading:
    """What batch_non_max_suppression stands in the graph.

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
    found = nodes.of_op(*_OPS)
    if not found:
        raise NotSsdGraph(
            "the graph has no non-maximum suppression",
            expected=f"{_OPS[0]} to {_OPS[-1]} or {_COMBINED}",
            where=where,
        )
    filters = _score_filters(nodes, where)
    readings = {
        (
            _score_threshold(nodes, node, filters, where),
            _number(nodes, nodes.inputs(node)[3], where),
            int(_size(nodes, nodes.inputs(node)[2], where)),
        )
        for node in found
    }
    if len(readings) != 1:
        raise NotSsdGraph(
            "the classes are suppressed by different rules",
            expected="one score threshold, IoU threshold and size for all classes",
            got=sorted(readings),
            where=where,
        )
    score, iou, per_class = readings.pop()
    return NmsReading(score, iou, per_class, _total(nodes, where))


def _score_filters(nodes: GraphMap, where: str) -> set[float]:
    """Thresholds of the filters that stand ahead of the older NMS ops, one a class."""
    return {
        _number(nodes, nodes.inputs(node)[1], where)
        for node in nodes.of_op("Greater", "GreaterEqual")
        # Other comparisons stand under ClipToWindow and PadOrClipBoxList.
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


def _size(nodes: GraphMap, tensor: str, where: str) -> float:
    """The configured size stands in ``min(size, number of boxes)``."""
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
