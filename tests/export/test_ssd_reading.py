"""An SSD's parts are found by their wiring, and everything else is refused by name."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature

from validation.errors import NotSsdGraph
from validation.export.processing_reading import NmsReading
from validation.export.ssd_reading import read_ssd

DECODE = "Postprocessor/Decode"
ANCHOR_DECODE = f"{DECODE}/get_center_coordinates_and_sizes"


def test_parts_of_a_graph_are_its_tensors(graph_of):
    """Tensor names of the ends, and the values that the graph holds."""
    reading = read_ssd(graph_of(nms_op="V2", score_threshold=0.25))
    assert reading.extractor_input == "Preprocessor/sub"
    assert reading.box_encodings == "Squeeze"
    assert reading.class_predictions == "Postprocessor/convert_scores"
    assert reading.anchors == "Concatenate/concat"
    assert reading.score_converter == "SIGMOID"
    assert reading.box_coder_scales == (10, 10, 5, 5)
    assert (reading.preprocessing.height, reading.preprocessing.width) == (48, 64)
    assert reading.nms == NmsReading(0.25, float(np.float32(0.6)), 12, 20)


def test_encodings_may_enter_the_postprocessor_unsqueezed(graph_of):
    """Then the raw tensor is the concatenation itself."""
    assert read_ssd(graph_of(squeeze_outside=False)).box_encodings == "concat"


def test_encodings_may_be_decoded_image_by_image(graph_of):
    """As in 2017, where the batch of one was unstacked before."""
    graph = graph_of()
    one = graph.node.add(name="Postprocessor/unstack", op="Unpack")
    one.attr["num"].i = 1
    readers = [
        node
        for node in graph.node
        if node.op == "Reshape" and node.input[0] == "Postprocessor/raw_box_encodings"
    ]
    assert readers
    one.input.append(readers[0].input[0])
    for node in readers:
        node.input[0] = one.name
    assert read_ssd(graph) == read_ssd(graph_of())


def test_other_numbering_does_not_matter(graph_of):
    """Releases number their helper ops differently; the wiring counts."""
    graph = graph_of()
    old = f"{DECODE}/unstack"
    for node in graph.node:
        node.name = node.name.replace(old, f"{old}_7")
        for place, source in enumerate(node.input):
            node.input[place] = source.replace(old, f"{old}_7")
    before, after = read_ssd(graph_of()), read_ssd(graph)
    assert before == after


def test_strided_slice_may_drop_the_background(graph_of, node_of):
    """Another op at the same place with the same begin is as good."""
    graph = graph_of()
    node_of(graph, "Postprocessor/Slice").op = "StridedSlice"
    assert read_ssd(graph).class_predictions == "Postprocessor/convert_scores"


def test_reading_does_not_change_the_graph(graph_of):
    """Only looked at."""
    graph = graph_of()
    read_ssd(graph)
    assert graph == graph_of()


def test_faster_rcnn_is_told_by_its_stages(graph_of):
    """Somebody takes another archive of the zoo: the message names what it is."""
    graph = graph_of(architecture="faster_rcnn")
    with pytest.raises(NotSsdGraph, match=r"Faster R-CNN.*\(frcnn.pb\).*an SSD of the detection"):
        read_ssd(graph, "frcnn.pb")


def test_exported_graph_is_not_exported_again(export_of):
    """Its input is already the exporter's."""
    with pytest.raises(NotSsdGraph, match=r"exported for TFLite already.*convert it as it is"):
        read_ssd(export_of().graph)


def test_tf2_saved_model_is_told_by_its_call():
    """A frozen TensorFlow 2 SavedModel has another wiring altogether."""
    graph = tf.GraphDef()
    graph.node.add(name="serving_default_input_tensor", op="Placeholder")
    graph.node.add(name="StatefulPartitionedCall", op="StatefulPartitionedCall")
    with pytest.raises(NotSsdGraph, match=r"TensorFlow 2 SavedModel.*TensorFlow 2 OD API"):
        read_ssd(graph)


@pytest.mark.parametrize("missing", ["image_tensor", "Preprocessor", "Postprocessor"])
def test_graph_without_the_od_apis_scopes_is_refused(graph_of, missing):
    """Each missing part is named."""
    graph = tf.GraphDef()
    graph.node.extend(node for node in graph_of().node if node.name.partition("/")[0] != missing)
    with pytest.raises(NotSsdGraph, match=f"not an inference graph.*got no {missing};"):
        read_ssd(graph, "other.pb")


def test_graph_cut_off_before_its_outputs_is_refused(graph_of):
    """The last nodes are the outputs; without them the file lost its end."""
    graph = graph_of()
    kept = [node for node in graph.node if node.name not in ("num_detections", "detection_classes")]
    del graph.node[:]
    graph.node.extend(kept)
    with pytest.raises(
        NotSsdGraph, match=r"lacks detection outputs.*no detection_classes, num_detections; .*cut"
    ):
        read_ssd(graph)


@pytest.mark.parametrize(
    ("unpack", "part"),
    [(f"{DECODE}/unstack", "encodings"), (f"{ANCHOR_DECODE}/unstack", "anchors")],
)
def test_other_box_coder_is_refused(graph_of, node_of, unpack, part):
    """Without the split into four parts the decoding is not the one that TFLite does."""
    graph = graph_of()
    node_of(graph, unpack).op = "Identity"
    with pytest.raises(NotSsdGraph, match=f"split of the {part} is not where.*got 0"):
        read_ssd(graph)


def test_two_box_coders_are_refused(graph_of, node_of):
    """Which of them counts cannot be known."""
    graph = graph_of()
    graph.node.add().CopyFrom(node_of(graph, f"{DECODE}/unstack"))
    graph.node[-1].name += "_1"
    with pytest.raises(NotSsdGraph, match=r"split of the encodings.*one Unpack.*got 2"):
        read_ssd(graph)


def test_postprocessor_that_computes_before_decoding_is_refused(graph_of, node_of):
    """What enters the decoder would not be the raw output."""
    graph = graph_of()
    node_of(graph, "Postprocessor/raw_box_encodings").op = "Relu6"
    with pytest.raises(
        NotSsdGraph, match=r"computes on its inputs.*Relu6 in node 'Postprocessor/raw"
    ):
        read_ssd(graph)


def test_scores_without_background_are_refused(graph_of, node_of):
    """The op expects the background in column 0; a Slice from 0 says that there is none."""
    graph = graph_of()
    begin = node_of(graph, "Postprocessor/Slice/begin")
    begin.attr["value"].tensor.CopyFrom(tf.make_tensor_proto([0, 0, 0]))
    with pytest.raises(NotSsdGraph, match="no node drops the background"):
        read_ssd(graph)


def test_extractor_with_two_images_is_refused(graph_of, node_of):
    """There would be two inputs to replace."""
    graph = graph_of()
    node_of(graph, "FeatureExtractor/Miniature/add").input[1] = "Preprocessor/mul"
    with pytest.raises(
        NotSsdGraph,
        match=r"does not read one normalised image.*got Preprocessor/mul, Preprocessor/sub",
    ):
        read_ssd(graph)


def test_heads_that_see_no_image_are_refused(graph_of):
    """Outputs that do not depend on the image are no detector's."""
    graph = graph_of()
    for node in graph.node:
        for place, source in enumerate(node.input):
            if source == "Preprocessor/sub":
                node.input[place] = "ToFloat"
    with pytest.raises(NotSsdGraph, match=r"does not read one normalised image.*got none"):
        read_ssd(graph)


def test_computed_scale_is_refused(graph_of, node_of):
    """An attribute needs a number."""
    graph = graph_of()
    node_of(graph, f"{DECODE}/truediv_2").input[1] = "Postprocessor/strided_slice"
    with pytest.raises(NotSsdGraph, match=r"scale is not a constant \(m.pb, node '.*truediv_2'\)"):
        read_ssd(graph, "m.pb")


@pytest.mark.parametrize("knobs", [{"score_converter": "SOFTMAX"}, {"score_converter": "IDENTITY"}])
def test_converter_is_found_above_its_reshapes(graph_of, knobs):
    """Softmax stands between two reshapes."""
    assert read_ssd(graph_of(Miniature(**knobs))).score_converter == knobs["score_converter"]
