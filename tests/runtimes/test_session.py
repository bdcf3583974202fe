"""The TensorFlow session as a runtime: what only it can refuse."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import OUTPUTS, Miniature, build_graph, write_frozen_graph

from validation.errors import ArtefactMissing, CorruptGraph, GraphError
from validation.runtimes.session import SessionRuntime
from validation.specs.tensors import TensorSpec


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """frozen_inference_graph.pb of the default miniature."""
    return write_frozen_graph(tmp_path_factory.mktemp("frozen") / "frozen_inference_graph.pb")


def test_inference_graph_takes_images_of_any_size(frozen):
    """Loops and all, from uint8 pixels to detections."""
    with SessionRuntime(frozen, OUTPUTS, threads=1) as runtime:
        assert runtime.inputs == (TensorSpec("image_tensor", "uint8", (-1, -1, -1, 3)),)
        assert [spec.name for spec in runtime.outputs] == list(OUTPUTS)
        for height, width in ((30, 90), (70, 20)):
            image = np.random.default_rng(height).integers(0, 256, (1, height, width, 3), np.uint8)
            assert runtime.run({"image_tensor": image})["detection_boxes"].shape == (1, 20, 4)


def test_outputs_keep_the_order_asked_for(frozen):
    """Whatever their order in the graph."""
    with SessionRuntime(frozen, OUTPUTS[::-1]) as runtime:
        assert [spec.name for spec in runtime.outputs] == list(OUTPUTS[::-1])


def test_graph_in_memory_is_as_good_as_a_file(frozen):
    """Nothing else is taken from the path."""
    image = {"image_tensor": np.full((1, 40, 60, 3), 99, np.uint8)}
    definition = build_graph(Miniature()).as_graph_def()
    with SessionRuntime(definition, OUTPUTS) as one, SessionRuntime(frozen, OUTPUTS) as two:
        first, second = one.run(image), two.run(image)
    for name in OUTPUTS:
        np.testing.assert_array_equal(first[name], second[name])


def test_inputs_are_only_those_that_are_needed():
    """A placeholder beside the way need not be fed."""
    with tf.Graph().as_default() as graph:
        tf.placeholder(tf.float32, [2], "unused")
        tf.negative(tf.placeholder(tf.float32, None, "used"), name="end")
    with SessionRuntime(graph.as_graph_def(), ["end"]) as runtime:
        assert [spec.name for spec in runtime.inputs] == ["used"]


def test_missing_output_is_named(frozen):
    """With the file."""
    with pytest.raises(GraphError, match=r"no such output \(frozen_inference_graph.pb\).*masks"):
        SessionRuntime(frozen, ["detection_masks"])


def test_post_processing_op_is_refused_with_the_way_out(files):
    """TensorFlow has no such op; the raw outputs are what can be compared."""
    graph = files.float.parent / "float" / "tflite_graph.pb"
    with pytest.raises(GraphError, match=r"cannot run TFLite_Detection.*ask for raw_outputs/box"):
        SessionRuntime(graph, ["TFLite_Detection_PostProcess"])


def test_raw_outputs_of_a_graph_with_the_op_run(files):
    """The op is cut away before the import."""
    graph = files.float.parent / "float" / "tflite_graph.pb"
    with SessionRuntime(graph, ["raw_outputs/box_encodings"]) as runtime:
        assert runtime.outputs[0].shape == (1, 132, 4)


def test_graph_that_cannot_be_imported_is_refused():
    """An op of another build of TensorFlow; one line."""
    graph = tf.GraphDef()
    graph.node.add(name="end", op="Unheard")
    with pytest.raises(
        GraphError, match=r"cannot import the graph .*not registered 'Unheard'"
    ) as e:
        SessionRuntime(graph, ["end"])
    assert "\n" not in str(e.value)


def test_variables_that_were_not_frozen_fail_when_run():
    """The message names the variable, not a trace."""
    graph = build_graph(Miniature(), frozen=False).as_graph_def()
    with (
        SessionRuntime(graph, ["Squeeze"]) as runtime,
        pytest.raises(GraphError, match=r"failed while it ran: got .*uninitialized value .*, node"),
    ):
        runtime.run({"image_tensor": np.zeros((1, 9, 9, 3), np.uint8)})


def test_file_that_is_no_graph_is_refused(tmp_path):
    """As `read_graph` refuses it."""
    with pytest.raises(ArtefactMissing, match=r"no.pb"):
        SessionRuntime(tmp_path / "no.pb", OUTPUTS)
    (tmp_path / "bad.pb").write_bytes(b"404 Not Found")
    with pytest.raises(CorruptGraph, match=r"bad.pb"):
        SessionRuntime(tmp_path / "bad.pb", OUTPUTS)
