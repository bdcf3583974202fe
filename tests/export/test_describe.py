"""An exported graph is summarised from its file, whichever program wrote it."""

import dataclasses

import pytest
import tensorflow.compat.v1 as tf

from validation.errors import ArtefactMissing, CorruptGraph, GraphError
from validation.export.describe import classes_of, describe_graph
from validation.export.from_graph import without_postprocessing
from validation.export.graph_io import write_export
from validation.export.ssd_reading import read_ssd
from validation.specs.tensors import TensorSpec

INPUT = TensorSpec("normalized_input_image_tensor", "float32", (1, 48, 64, 3))
BOXES = TensorSpec("raw_outputs/box_encodings", "float32", (1, 132, 4))
SCORES = TensorSpec("raw_outputs/class_predictions", "float32", (1, 132, 3))


def test_summary_of_the_form_with_the_op(export_of, tmp_path):
    """Ends, shapes, attributes, anchors and ops."""
    summary = describe_graph(write_export(tmp_path, export_of()).graph)
    assert summary.inputs == (INPUT,)
    assert summary.outputs == ("TFLite_Detection_PostProcess",)
    assert summary.raw_outputs == (BOXES, SCORES)
    assert summary.postprocess == export_of().contract.postprocess
    assert summary.postprocess_inputs == (BOXES.name, SCORES.name, "anchors")
    assert summary.anchors == (132, 4)
    assert summary.ops["Conv2D"] == 8
    assert summary.ops["TFLite_Detection_PostProcess"] == 1
    assert list(summary.ops) == sorted(summary.ops)
    assert summary.variables == ()
    assert summary.training_batch_norms == 0


def test_summary_of_the_form_without_the_op(export_of, tmp_path):
    """Ends in the raw outputs; nothing of the op."""
    summary = describe_graph(write_export(tmp_path, without_postprocessing(export_of())).graph)
    assert set(summary.outputs) == {BOXES.name, SCORES.name}
    assert summary.raw_outputs == (BOXES, SCORES)
    assert (summary.postprocess, summary.postprocess_inputs, summary.anchors) == (None, (), ())


def test_batch_norms_in_training_are_counted(export_of, tmp_path, node_of):
    """Exported from a training graph, a batch of one would normalise itself."""
    graph = tf.GraphDef()
    graph.CopyFrom(export_of().graph)
    for place in (0, 2):
        name = f"FeatureExtractor/Miniature/Conv2d_{place}/BatchNorm/FusedBatchNorm"
        node_of(graph, name).attr["is_training"].b = True
    path = tmp_path / "training.pb"
    path.write_bytes(graph.SerializeToString())
    assert describe_graph(path).training_batch_norms == 2


def test_variables_left_are_named(tmp_path):
    """Somebody exported without freezing; open sides are -1."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, None, 2, 3], INPUT.name)
        weights = tf.Variable([1.0, 2.0, 3.0], name="weights", use_resource=False)
        tf.multiply(image, weights, name=BOXES.name)
    path = tmp_path / "unfrozen.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    summary = describe_graph(path)
    assert summary.variables == ("weights",)
    assert summary.inputs == (TensorSpec(INPUT.name, "float32", (1, -1, 2, 3)),)
    assert summary.raw_outputs == (TensorSpec(BOXES.name, "float32", (1, -1, 2, 3)),)


def test_body_that_cannot_be_imported_is_refused(export_of, tmp_path, node_of):
    """TensorFlow's complaint, with the file's name."""
    graph = tf.GraphDef()
    graph.CopyFrom(export_of().graph)
    node_of(graph, "FeatureExtractor/Miniature/Conv2d_1/Relu6").op = "Relu66"
    path = tmp_path / "odd.pb"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(
        GraphError, match=r"cannot import the graph \(odd.pb\): got Op type"
    ) as caught:
        describe_graph(path)
    assert "\n" not in str(caught.value)


def test_file_that_is_no_graph_is_refused(tmp_path):
    """As `read_graph` refuses it."""
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        describe_graph(tmp_path / "no.pb")
    (tmp_path / "empty.pb").write_bytes(b"")
    with pytest.raises(CorruptGraph, match=r"an empty file \(empty.pb\)"):
        describe_graph(tmp_path / "empty.pb")
    nothing = tf.GraphDef()
    nothing.library.function.add().signature.name = "f"
    nothing.versions.producer = 27
    (tmp_path / "nothing.pb").write_bytes(nothing.SerializeToString())
    with pytest.raises(CorruptGraph, match="no nodes"):
        describe_graph(tmp_path / "nothing.pb")


def test_classes_of_an_inference_graph(graph_of):
    """What its scores have columns for, less the background; None where nothing tells it."""
    graph = graph_of()
    reading = read_ssd(graph, "frozen_inference_graph.pb")
    assert classes_of(graph, reading) == SCORES.shape[-1] - 1
    scores = dataclasses.replace(reading.scores, tensor=f"{reading.class_predictions}:7")
    nowhere = dataclasses.replace(reading, scores=scores)
    assert classes_of(graph, nowhere) is None
