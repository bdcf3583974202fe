"""A graph without its weights has the types and shapes of the whole one, and gets them back."""

import numpy as np
import tensorflow.compat.v1 as tf
from miniatures import Miniature, build_graph

from validation.export import light_graph
from validation.export.evaluation import graph_tensors
from validation.export.light_graph import with_weights, without_weights

_LARGE = 2**16


def _graph(bytes_of_weights=_LARGE):
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, None], "image")
        table = tf.constant(np.ones((1, bytes_of_weights // 4), np.float32), name="table")
        tf.reshape(table * image[0, 0], [-1, 4], name="end")
    return graph.as_graph_def()


def _nodes(graph):
    return list(graph.node)


def test_large_constants_become_placeholders_of_their_shape():
    """All else stays: shapes and axes are small constants."""
    graph = _graph()
    light = without_weights(graph)
    changed = [node for node, was in zip(light.node, graph.node, strict=True) if node != was]
    assert [(node.name, node.op) for node in changed] == [("table", "Placeholder")]
    assert light.ByteSize() < 2000


def test_smaller_constants_stay():
    """A shape that is computed from them is known."""
    assert _nodes(without_weights(_graph(_LARGE - 16))) == _nodes(_graph(_LARGE - 16))


def test_shapes_are_those_of_the_whole_graph(monkeypatch):
    """Of every tensor of a detector."""
    graph = build_graph(Miniature()).as_graph_def()
    whole = graph_tensors(graph)
    monkeypatch.setattr(light_graph, "_LARGE_BYTES", 256)
    assert _nodes(without_weights(graph)) != _nodes(graph)
    assert graph_tensors(graph) == whole


def test_weights_come_back():
    """With what TensorFlow noted of the node since."""
    graph = _graph()
    light = without_weights(graph)
    light.node.add(name="more", op="NoOp")
    (node,) = [node for node in light.node if node.name == "table"]
    node.attr["_noted"].i = 3
    full = with_weights(light, graph)
    (restored,) = [node for node in full.node if node.name == "table"]
    assert restored.attr.pop("_noted").i == 3
    del full.node[-1]
    assert _nodes(full) == _nodes(graph)


def test_damaged_constant_stays():
    """Fewer bytes than its shape says, and still large: who reads its value refuses it."""
    graph = _graph(2 * _LARGE)
    (node,) = [node for node in graph.node if node.name == "table"]
    value = node.attr["value"].tensor
    value.tensor_content = value.tensor_content[:-4]
    assert _nodes(without_weights(graph)) == _nodes(graph)
