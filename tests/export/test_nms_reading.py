"""Thresholds and sizes of the graph's own NMS, whichever op it uses."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap
from validation.export.processing_reading import NmsReading, read_nms

LOOP = "Postprocessor/BatchMultiClassNonMaxSuppression/map/while/MultiClassNonMaxSuppression"
VALUES = {"score_threshold": 0.125, "iou_threshold": 0.45, "per_class": 7, "total": 9}


def _read(graph):
    return read_nms(GraphMap(graph), "g.pb")


def _set(node, value):
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.float32(value)))


@pytest.mark.parametrize("op", ["V1", "V2", "V3", "V5", "Combined"])
def test_every_op_gives_the_same_reading(graph_of, op):
    """Inputs of the op, the filter ahead of it, or the one op for all."""
    expected = NmsReading(0.125, float(np.float32(0.45)), 7, 9)
    assert _read(graph_of(nms_op=op, **VALUES)) == expected


def test_v4_has_the_inputs_of_v3(graph_of):
    """Only its outputs are padded."""
    graph = graph_of(**VALUES)
    for node in graph.node:
        node.op = node.op.replace("SuppressionV3", "SuppressionV4")
    assert _read(graph) == _read(graph_of(**VALUES))


def test_no_threshold_in_the_op_means_the_filters(graph_of, node_of):
    """Releases between 2017 and 2018 gave V3 no threshold and kept the filter."""
    graph = graph_of(**VALUES)
    for name in ("non_max_suppression", "non_max_suppression_1"):
        _set(node_of(graph, f"{LOOP}/{name}/score_threshold"), -np.inf)
    with pytest.raises(NotSsdGraph, match=r"score threshold cannot be read.*got \[\]"):
        _read(graph)
    threshold = graph.node.add(name="FilterGreaterThan/Greater/y", op="Const")
    _set(threshold, 0.5)
    graph.node.add(
        name="FilterGreaterThan/Greater", op="Greater", input=["detection_scores", threshold.name]
    )
    assert _read(graph).score_threshold == 0.5


def test_classes_with_different_thresholds_are_refused(graph_of, node_of):
    """The op has one threshold for all classes."""
    graph = graph_of(**VALUES)
    _set(node_of(graph, f"{LOOP}/non_max_suppression_1/iou_threshold"), 0.9)
    with pytest.raises(NotSsdGraph, match=r"NMS settings differ.*0\.44.*0\.89"):
        _read(graph)


def test_filters_that_differ_are_refused(graph_of, node_of):
    """As above, where the threshold stands in the filters."""
    graph = graph_of(nms_op="V2", **VALUES)
    _set(node_of(graph, f"{LOOP}/FilterGreaterThan_1/Greater/y"), 0.75)
    with pytest.raises(NotSsdGraph, match=r"cannot be read.*got \[0\.125, 0\.75\]"):
        _read(graph)


def test_graph_without_nms_is_refused(graph_of):
    """There is nothing to take the thresholds from."""
    graph = graph_of()
    for node in graph.node:
        node.op = node.op.replace("NonMaxSuppression", "SomeSuppression")
    with pytest.raises(NotSsdGraph, match=r"no non-maximum suppression.*NonMaxSuppression to"):
        _read(graph)


def test_graph_without_a_total_is_refused(graph_of, node_of):
    """The Range over the sorted boxes ends in it."""
    graph = graph_of()
    node_of(graph, f"{LOOP}/range").input[1] = f"{LOOP}/strided_slice"
    with pytest.raises(NotSsdGraph, match="total number of detections cannot be read"):
        _read(graph)


def test_computed_parameter_is_refused(graph_of, node_of):
    """An attribute needs a number."""
    graph = graph_of()
    nms = node_of(graph, f"{LOOP}/non_max_suppression/NonMaxSuppressionV3")
    nms.input[3] = f"{LOOP}/strided_slice"
    with pytest.raises(NotSsdGraph, match=r"computed, not constant \(g\.pb, '.*strided_slice'"):
        _read(graph)
