"""Variables become constants with a checkpoint's values, all of them or none."""

import shutil

import numpy as np
import pytest
import tensorflow as tf2
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from miniatures import OUTPUTS, draw_picture

from validation.errors import ArtefactMissing, GraphError
from validation.export.checkpoint import open_checkpoint
from validation.export.freezing import freeze, frozen_from_checkpoint, prune, variables
from validation.export.graph_io import read_graph

WEIGHTS = "FeatureExtractor/Miniature/Conv2d_1/weights"
DATA = "model.ckpt.data-00000-of-00001"


@pytest.fixture(scope="module")
def meta(checkpoint):
    """The graph beside the default miniature's checkpoint."""
    return read_graph(checkpoint.with_name("model.ckpt.meta"))


@pytest.fixture
def own_checkpoint(checkpoint, tmp_path):
    """A copy that a test may damage."""
    for path in checkpoint.parent.iterdir():
        shutil.copy(path, tmp_path)
    return tmp_path / checkpoint.name


def _constants(graph):
    return {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in graph.node
        if node.op == "Const"
    }


def test_frozen_graph_detects_what_its_source_detects(checkpoint, graph_of, run_graph):
    """From image to detections, the same as the graph that was built with constants."""
    frozen = frozen_from_checkpoint(checkpoint.with_name("model.ckpt.meta"), checkpoint, OUTPUTS)
    assert variables(frozen) == {}
    image = np.asarray(draw_picture(1))[np.newaxis]
    got = run_graph(frozen, OUTPUTS, {"image_tensor": image})
    expected = run_graph(graph_of(), OUTPUTS, {"image_tensor": image})
    assert expected["num_detections"][0] > 0
    for name in OUTPUTS:
        np.testing.assert_array_equal(got[name], expected[name])


def test_variables_are_listed_with_their_shapes(meta, graph_of):
    """Of a frozen graph none; step counters and constants are not among them."""
    found = variables(meta)
    assert found[WEIGHTS] == (3, 3, 12, 16)
    assert found["FeatureExtractor/Miniature/Conv2d_0/BatchNorm/moving_mean"] == (12,)
    assert len(found) == 29
    assert variables(graph_of()) == {}


def test_values_are_the_checkpoints(meta, checkpoint, graph_of):
    """Each constant holds what was saved under its name."""
    frozen = _constants(freeze(prune(meta, ["Squeeze", "concat_1"]), open_checkpoint(checkpoint)))
    original = _constants(graph_of())
    assert set(variables(meta)) <= set(frozen)
    for name in variables(meta):
        np.testing.assert_array_equal(frozen[name], original[name])


def test_resource_variables_are_frozen_as_well(run_graph):
    """Newer graphs keep a handle and read it."""
    with tf.Graph().as_default() as graph:
        weights = tf.Variable([[2.0, 3.0]], name="weights", use_resource=True, dtype=tf.float32)
        tf.add(weights.read_value(), 1.0, name="end")
    pruned = prune(graph.as_graph_def(), ["end"])
    assert variables(pruned) == {"weights": (1, 2)}
    frozen = freeze(pruned, {"weights": np.float32([[5, 7]])}.get)
    assert run_graph(frozen, ["end"], {})["end"].tolist() == [[6, 8]]


def test_missing_values_are_all_named(meta):
    """Not only the first, with how many there should be."""
    names = sorted(variables(meta))[:2]

    def values(name):
        return None if name in names else np.zeros(variables(meta)[name], np.float32)

    with pytest.raises(GraphError, match=f"2 of 29 variables.*{names[0]}, {names[1]}; .*different"):
        freeze(meta, values)


def test_other_shapes_are_all_named(meta):
    """Both shapes, as somebody with another class count needs them."""

    def values(name):
        shape = variables(meta)[name]
        return np.zeros((*shape[:-1], shape[-1] + 6 * ("ClassPredictor" in name)), np.float32)

    with pytest.raises(GraphError, match=r"4 variables have another shape") as caught:
        freeze(meta, values)
    assert "BoxPredictor_0/ClassPredictor/biases: graph [6], checkpoint [12]" in str(caught.value)
    assert "BoxPredictor_1/ClassPredictor/weights: graph [1, 1, 24, 9], " in str(caught.value)


def test_freezing_leaves_the_source_as_it_was(meta, checkpoint):
    """A copy is frozen."""
    before = meta.SerializeToString(deterministic=True)
    freeze(meta, open_checkpoint(checkpoint))
    assert meta.SerializeToString(deterministic=True) == before


def test_pruned_graph_has_no_marks_of_the_session(meta):
    """Devices and colocation name what a frozen graph does not have."""
    graph = tf.GraphDef()
    graph.CopyFrom(meta)
    graph.node[0].device = "/gpu:0"
    for node in graph.node:
        node.attr["_class"].list.s.append(b"loc:@somewhere")
    pruned = prune(graph, OUTPUTS)
    assert not [node.name for node in pruned.node if node.device or "_class" in node.attr]
    assert not [node.name for node in pruned.node if node.op in ("Assign", "SaveV2", "RestoreV2")]
    assert pruned.versions == meta.versions


def test_control_inputs_go():
    """They order assertions; what is computed does not depend on them."""
    with tf.Graph().as_default() as graph:
        start = tf.placeholder(tf.int32, [], "start")
        with tf.control_dependencies([tf.debugging.Assert(start > 0, [start], name="check")]):
            tf.identity(start, name="end")
    pruned = prune(graph.as_graph_def(), ["end"])
    assert [node.name for node in pruned.node] == ["start", "end"]
    assert list(pruned.node[1].input) == ["start"]


def test_constant_in_a_loop_keeps_its_frame():
    """Inside a loop a control input says in which frame a constant lives."""
    graph = tf.GraphDef()
    graph.node.add(name="start", op="Placeholder")
    graph.node.add(name="enter", op="Enter", input=["start"])
    graph.node.add(name="pivot", op="Identity", input=["enter"])
    graph.node.add(name="one", op="Const", input=["^pivot"])
    graph.node.add(name="outside", op="Const", input=["^gone"])
    graph.node.add(name="gone", op="NoOp")
    graph.node.add(name="sum", op="Add", input=["enter", "one"])
    pruned = {node.name: list(node.input) for node in prune(graph, ["sum"]).node}
    assert pruned == {
        "start": [],
        "enter": ["start"],
        "pivot": ["enter"],
        "one": ["^pivot"],
        "sum": ["enter", "one"],
    }


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_pruned_graph_keeps_the_ancestors_and_no_more(seed):
    """Of any graph of additions: what the outputs depend on, in the same order."""
    random = np.random.default_rng(seed)
    graph = tf.GraphDef()
    inputs = {}
    for place in range(12):
        inputs[place] = random.integers(0, place, 2).tolist() if place > 2 else []
        graph.node.add(name=f"n{place}", op="Add", input=[f"n{each}" for each in inputs[place]])
    wanted, waiting = set(), random.integers(0, 12, 2).tolist()
    outputs = [f"n{place}:0" for place in waiting]
    while waiting:
        place = waiting.pop()
        wanted.add(place)
        waiting += inputs[place]
    assert [node.name for node in prune(graph, outputs).node] == [f"n{p}" for p in sorted(wanted)]


def test_variable_that_is_not_there_has_no_value(checkpoint):
    """Whoever asks decides whether that is an error."""
    assert open_checkpoint(checkpoint)("no/such/weights") is None


@pytest.mark.parametrize("suffix", [".index", ".meta", ".data-00000-of-00001"])
def test_suffix_left_on_the_prefix_is_told(checkpoint, suffix):
    """The most common mistake with --trained_checkpoint_prefix."""
    with pytest.raises(ArtefactMissing, match=rf"ends before.*expected model.ckpt, got.*{suffix}"):
        open_checkpoint(checkpoint.with_name(f"model.ckpt{suffix}"))


def test_no_checkpoint_of_that_name(tmp_path):
    """A .meta alone is no checkpoint."""
    (tmp_path / "model.ckpt.meta").write_bytes(b"")
    with pytest.raises(ArtefactMissing, match=r"no checkpoint with.*expected model.ckpt.index"):
        open_checkpoint(tmp_path / "model.ckpt")


def test_missing_shard_is_told_by_the_variable(own_checkpoint):
    """The index promises what no file holds."""
    own_checkpoint.with_name(DATA).unlink()
    with pytest.raises(GraphError, match=r"cannot be .*\(model.ckpt\)") as caught:
        open_checkpoint(own_checkpoint)(WEIGHTS)
    assert "\n" not in str(caught.value)


def test_damaged_shard_is_told_by_the_variable(own_checkpoint):
    """The checksum of each tensor stands in the index."""
    path = own_checkpoint.with_name(DATA)
    damaged = bytearray(path.read_bytes())
    for place in range(0, len(damaged), 64):
        damaged[place] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(GraphError, match=f"variable '{WEIGHTS}' cannot be read.*fetch the archive"):
        open_checkpoint(own_checkpoint)(WEIGHTS)


def test_truncated_shard_is_told_by_the_variable(own_checkpoint):
    """A transfer that stopped half way."""
    path = own_checkpoint.with_name(DATA)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(GraphError, match=r"variable '.*' cannot be read.*damaged or missing"):
        open_checkpoint(own_checkpoint)("FeatureExtractor/Miniature/position")


@pytest.mark.parametrize("content", [b"", b"no table", b"\0" * 4096])
def test_damaged_index_is_refused(own_checkpoint, content):
    """Not the table that an index is."""
    own_checkpoint.with_name("model.ckpt.index").write_bytes(content)
    with pytest.raises(GraphError, match=r"cannot be opened \(model.ckpt\)") as caught:
        open_checkpoint(own_checkpoint)
    assert "\n" not in str(caught.value)


def test_truncated_index_is_refused(own_checkpoint):
    """Its footer is gone."""
    path = own_checkpoint.with_name("model.ckpt.index")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(GraphError, match="cannot be opened"):
        open_checkpoint(own_checkpoint)


def test_object_based_checkpoint_is_told(tmp_path):
    """TensorFlow 2 saves an object graph; its names are no variable names."""
    prefix = tf2.train.Checkpoint(weights=tf2.Variable([1.0])).write(str(tmp_path / "ckpt-0"))
    with pytest.raises(GraphError, match=r"object-based.*name-based.*TensorFlow 2 OD API"):
        open_checkpoint(tmp_path / prefix.rpartition("/")[2])
