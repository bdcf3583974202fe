"""The post-processing node carries every attribute that TFLite reads, and gives them back."""

import dataclasses

import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import GraphError
from validation.export.postprocess_node import add_postprocess_node, read_postprocess_node
from validation.specs.contracts import PostprocessAttributes

COUNTS = st.integers(1, 10_000)
SHARES = st.floats(0, 1, width=32)
SCALES = st.floats(0.0625, 100, width=32)
ATTRIBUTES = st.builds(
    PostprocessAttributes,
    max_detections=COUNTS,
    max_classes_per_detection=COUNTS,
    nms_score_threshold=SHARES,
    nms_iou_threshold=SHARES,
    num_classes=COUNTS,
    y_scale=SCALES,
    x_scale=SCALES,
    h_scale=SCALES,
    w_scale=SCALES,
    detections_per_class=COUNTS,
    use_regular_nms=st.booleans(),
)


def _node(attributes):
    graph = tf.GraphDef()
    add_postprocess_node(graph, attributes)
    return graph, graph.node[-1]


@given(ATTRIBUTES)
@settings(max_examples=50, deadline=None)
def test_attributes_come_back_as_they_were_written(attributes):
    """Every float32, every count, both booleans."""
    assert read_postprocess_node(_node(attributes)[0]) == attributes


def test_node_is_the_exporters(export_of):
    """Op, inputs in their order, and the types of each attribute."""
    node = export_of().graph.node[-1]
    assert node.name == node.op == "TFLite_Detection_PostProcess"
    assert list(node.input) == [
        "raw_outputs/box_encodings",
        "raw_outputs/class_predictions",
        "anchors",
    ]
    kinds = {name: attr.WhichOneof("value") for name, attr in node.attr.items()}
    assert kinds == {
        "max_detections": "i",
        "max_classes_per_detection": "i",
        "nms_score_threshold": "f",
        "nms_iou_threshold": "f",
        "num_classes": "i",
        "y_scale": "f",
        "x_scale": "f",
        "h_scale": "f",
        "w_scale": "f",
        "detections_per_class": "i",
        "use_regular_nms": "b",
        "_output_quantized": "b",
        "_output_types": "list",
        "_support_output_type_float_in_quantized_op": "b",
    }
    assert list(node.attr["_output_types"].list.type) == [tf.float32.as_datatype_enum] * 4
    assert node.attr["_output_quantized"].b
    assert node.attr["_support_output_type_float_in_quantized_op"].b


def test_graph_without_the_node_has_no_attributes(graph_of):
    """Not an error: it is the other form."""
    assert read_postprocess_node(graph_of()) is None


def test_missing_attributes_are_all_named(export_of):
    """An older exporter wrote no detections_per_class; an empty attribute is none either."""
    graph, node = _node(export_of().contract.postprocess)
    del node.attr["detections_per_class"]
    node.attr["use_regular_nms"].Clear()
    with pytest.raises(
        GraphError, match=r"lacks.*no detections_per_class, use_regular_nms; export"
    ):
        read_postprocess_node(graph)


def test_every_field_of_the_contract_is_an_attribute(export_of):
    """A field added to the contract reaches the node."""
    _, node = _node(export_of().contract.postprocess)
    assert {field.name for field in dataclasses.fields(PostprocessAttributes)} <= set(node.attr)
