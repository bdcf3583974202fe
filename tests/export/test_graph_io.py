"""Graphs are read whole or refused, and exports are written whole or not at all."""

import json
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from full_disk import NO_ROOM, room_for
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from miniatures import write_frozen_graph

from validation.errors import (
    ArtefactMissing,
    CorruptGraph,
    GraphError,
    NotSsdGraph,
    ValidationError,
)
from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import node_name, read_export, read_graph, write_export

FILES = ["anchors.npy", "tflite_graph.json", "tflite_graph.pb", "tflite_graph.pbtxt"]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """frozen_inference_graph.pb of the default miniature."""
    return write_frozen_graph(tmp_path_factory.mktemp("frozen") / "frozen_inference_graph.pb")


@pytest.fixture(scope="module")
def borders(frozen):
    """Length of the file up to the end of each node."""
    ends, end = [], 0
    for node in tf.GraphDef.FromString(frozen.read_bytes()).node:
        alone = tf.GraphDef()
        alone.node.add().CopyFrom(node)
        end += alone.ByteSize()
        ends.append(end)
    return ends


def test_graph_is_read_in_every_form(frozen, tmp_path):
    """.pb, .pbtxt and .meta of one graph are one graph."""
    graph = tf.GraphDef.FromString(frozen.read_bytes())
    text = tmp_path / "graph.pbtxt"
    text.write_text(text_format.MessageToString(graph))
    meta = tmp_path / "model.ckpt.meta"
    meta.write_bytes(tf.MetaGraphDef(graph_def=graph).SerializeToString())
    assert read_graph(frozen) == graph
    assert read_graph(text) == graph
    assert read_graph(meta) == graph


def test_missing_graph_is_named(tmp_path):
    """No file, and a folder where a file is meant."""
    with pytest.raises(ArtefactMissing, match=r"cannot be read \(no.pb\): got No such file"):
        read_graph(tmp_path / "no.pb")
    with pytest.raises(CorruptGraph, match="this is a folder"):
        read_graph(tmp_path)


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "model.ckpt.meta"])
def test_empty_file_is_no_graph(tmp_path, name):
    """An empty file parses as an empty message; it is distinguished."""
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(CorruptGraph, match=r"this is an empty file \(.*\)"):
        read_graph(tmp_path / name)


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "model.ckpt.meta"])
def test_other_files_are_no_graphs(tmp_path, name):
    """A page that says 404, saved as a graph."""
    (tmp_path / name).write_bytes(b"<html>\xff404 Not Found</html>")
    with pytest.raises(CorruptGraph, match=r"this is a web page .*download the file itself"):
        read_graph(tmp_path / name)


def test_text_that_does_not_parse_is_no_graph(tmp_path):
    """Valid UTF-8, invalid proto text."""
    (tmp_path / "graph.pbtxt").write_text("node { nam: 1 }")
    with pytest.raises(CorruptGraph, match="not a TensorFlow graph"):
        read_graph(tmp_path / "graph.pbtxt")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_garbage_is_read_or_refused(tmp_path_factory, data):
    """Whatever the bytes, a graph or one of the harness's errors."""
    path = tmp_path_factory.getbasetemp() / "garbage.pb"
    path.write_bytes(data)
    try:
        graph = read_graph(path)
    except CorruptGraph as error:
        assert "\n" not in str(error)
    else:
        assert graph.node


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_truncated_graph_is_never_exported(frozen, borders, tmp_path_factory, data):
    """Cut anywhere, or between two nodes where it still parses: one line of complaint."""
    whole = frozen.read_bytes()
    # Behind the last node only the version follows; without it the graph is the same.
    cut = data.draw(st.integers(0, borders[-1] - 1) | st.sampled_from(borders[:-1]))
    path = tmp_path_factory.getbasetemp() / "cut.pb"
    path.write_bytes(whole[:cut])
    with pytest.raises(GraphError) as caught:
        export_from_graph(read_graph(path), ExportOptions(), where=path.name)
    assert type(caught.value) in (CorruptGraph, NotSsdGraph, GraphError)
    assert "\n" not in str(caught.value)


@given(st.data())
# The same flips every time: a size that a flip makes huge would be allocated by native code.
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_damaged_graph_raises_only_the_harness_s_errors(frozen, tmp_path_factory, data):
    """Flipped bits in weights cannot be seen here; elsewhere they are refused in one line."""
    damaged = bytearray(frozen.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=3)):
        damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.getbasetemp() / "damaged.pb"
    path.write_bytes(damaged)
    try:
        export_from_graph(read_graph(path), ExportOptions(), where=path.name)
    except ValidationError as error:
        assert "\n" not in str(error)


def test_node_that_reads_a_missing_one_is_named(tmp_path):
    """A cut at a node's border shows in the inputs, control inputs among them."""
    graph = tf.GraphDef()
    graph.node.add(name="a", op="Const")
    graph.node.add(name="b", op="Identity", input=["a:0", "^gone"])
    (tmp_path / "g.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(CorruptGraph, match=r"incomplete \(g.pb\).*node 'gone', got node 'b'"):
        read_graph(tmp_path / "g.pb")


@pytest.mark.parametrize("tensor", ["a/b", "a/b:1", "^a/b"])
def test_node_name_of_every_reference(tensor):
    """Tensors and control inputs are written differently."""
    assert node_name(tensor) == "a/b"


def test_export_comes_back_as_it_was_written(export_of, tmp_path):
    """Graph, text, contract and anchors, in a folder that is made."""
    folder = tmp_path / "new" / "folder"
    written = write_export(folder, export_of())
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert read_graph(written.graph) == export_of().graph
    assert read_graph(written.text) == export_of().graph
    assert written.contract == export_of().contract
    assert written.add_postprocessing_op
    back = read_export(written)
    np.testing.assert_array_equal(back.anchors, export_of().anchors)
    assert (back.graph, back.contract) == (export_of().graph, export_of().contract)
    assert back.add_postprocessing_op


def test_form_is_kept_in_the_contract(export_of, tmp_path):
    """The other form says so, and its anchors are there all the same."""
    written = write_export(tmp_path, without_postprocessing(export_of()))
    assert not written.add_postprocessing_op
    assert json.loads((tmp_path / "tflite_graph.json").read_text())["num_anchors"] == 132
    assert read_export(written).anchors.shape == (132, 4)


def test_two_exports_are_the_same_bytes(export_of, tmp_path):
    """Nothing of the time or of the order of a table gets into the files."""
    for name in ("one", "two"):
        write_export(tmp_path / name, export_of())
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_damaged_anchors_are_named(export_of, tmp_path):
    """A half-written array is no array."""
    written = write_export(tmp_path, export_of())
    written.anchors.write_bytes(written.anchors.read_bytes()[:20])
    with pytest.raises(GraphError, match=r"anchors of an exported graph.*npy\).*export the graph"):
        read_export(written)


@pytest.mark.parametrize("fails_at", range(4))
def test_full_disk_leaves_the_earlier_export(export_of, tmp_path, fails_at):
    """Whichever file cannot be written, nothing is replaced and nothing lies about."""
    write_export(tmp_path, export_of())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = without_postprocessing(export_of(num_classes=5))
    write_export(tmp_path / "other", other)
    sizes = sorted(path.stat().st_size for path in (tmp_path / "other").iterdir())
    shutil.rmtree(tmp_path / "other")
    with (
        room_for(sizes[fails_at] - 1),
        pytest.raises(GraphError, match=rf"cannot be written.*{NO_ROOM}"),
    ):
        write_export(tmp_path, other)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_folder_that_cannot_be_made_is_named(export_of, tmp_path):
    """A file stands where the folder should."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(GraphError, match=r"cannot be written \(.*taken\): got File exists"):
        write_export(tmp_path / "taken", export_of())


@pytest.mark.parametrize("number", [None, 0, 99])
def test_type_that_there_is_not_is_refused(frozen, tmp_path, number):
    """Of a placeholder: everything asks for it."""
    graph = tf.GraphDef.FromString(frozen.read_bytes())
    placeholder = next(node for node in graph.node if node.op == "Placeholder")
    if number is None:
        del placeholder.attr["dtype"]
    else:
        placeholder.attr["dtype"].type = number
    path = tmp_path / "graph.pb"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(CorruptGraph, match=rf"unknown type .*got dtype {number or 0} of node"):
        read_graph(path)
