"""A part of a graph is run once, and what goes wrong is reported in one line."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.errors import GraphError
from validation.export.evaluation import cause_of, evaluate


@pytest.fixture(scope="module")
def graph():
    """Splits a vector in two and divides the second half."""
    with tf.Graph().as_default() as scope:
        value = tf.placeholder(tf.float32, [4], "value")
        tf.split(value, 2, name="halves")
        tf.reshape(value, tf.placeholder(tf.int32, [2], "shape"), name="square")
    return scope.as_graph_def()


def test_tensors_come_in_the_order_asked_for(graph):
    """A bare node name is its first output."""
    second, first = evaluate(graph, ["halves:1", "halves"], {"value": np.float32([1, 2, 3, 4])})
    assert (first.tolist(), second.tolist()) == ([1, 2], [3, 4])


def test_default_graph_is_left_alone(graph):
    """Nothing is added to the caller's graph."""
    with tf.Graph().as_default() as scope:
        evaluate(graph, ["halves"], {"value": np.zeros(4, np.float32)})
        assert scope.get_operations() == []


@pytest.mark.parametrize(
    ("tensors", "feed", "message"),
    [
        (["no_such"], {"value": np.zeros(4, np.float32)}, "no_such"),
        (["halves"], {}, "feed a value.*, node 'value'"),
        (["halves"], {"value": np.zeros(3, np.float32)}, "shape"),
        (
            ["square"],
            {"value": np.zeros(4, np.float32), "shape": np.int32([3, 3])},
            "tensor with 4 values, but the requested shape has 9, node 'square'$",
        ),
    ],
    ids=["no tensor", "no feed", "wrong feed", "fails inside"],
)
def test_what_goes_wrong_is_told_in_one_line(graph, tensors, feed, message):
    """A name, a feed, or an op that fails."""
    with pytest.raises(GraphError, match=f"cannot run the graph: got .*{message}") as error:
        evaluate(graph, tensors, feed)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Graph execution error:\n\nRead less bytes\n\t [[{{node RestoreV2}}]]", "Read less bytes"),
        (
            "Op type not registered 'A' in binary. Make sure the Op",
            "Op type not registered 'A' in binary",
        ),
        ("Graph execution error:\n\nNode: 'a'\nbad\n\t [[a]]", "bad, node 'a'"),
        ("Node: 'a'", "Node: 'a'"),
        ("", "ValueError"),
    ],
)
def test_cause_is_the_line_that_matters(text, cause):
    """Not the heading of a trace, and never nothing."""
    assert cause_of(ValueError(text)) == cause
