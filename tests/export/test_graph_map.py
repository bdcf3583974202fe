"""A GraphDef is walked without being run."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.errors import CorruptGraph
from validation.export.graph_map import GraphMap


@pytest.fixture
def nodes():
    """Two constants, one behind a cast and a loop's door, a sum and a control edge."""
    graph = tf.GraphDef()
    for name, value in (("one", np.float32(1)), ("two", np.int32([2, 3]))):
        graph.node.add(name=name, op="Const").attr["value"].tensor.CopyFrom(
            tf.make_tensor_proto(value)
        )
    graph.node.add(name="enter", op="Enter", input=["two"])
    graph.node.add(name="cast", op="Cast", input=["enter:0"])
    graph.node.add(name="sum", op="Add", input=["one", "cast:0", "^order"])
    graph.node.add(name="order", op="NoOp")
    graph.node.add(name="end", op="Identity", input=["sum"])
    return GraphMap(graph)


def test_constants_are_found_through_what_passes_them_on(nodes):
    """Identity, Enter and Cast change nothing that matters; a sum is computed."""
    assert nodes.constant("one") == 1
    assert nodes.constant("cast").tolist() == [2, 3]
    assert nodes.constant("end") is None


@pytest.mark.parametrize("damage", [{"dtype": 0}, {"tensor_content": b"abc"}])
def test_damaged_constant_is_told(nodes, damage):
    """No type, or bytes that do not fill the shape."""
    tensor = nodes.nodes["two"].attr["value"].tensor
    for field, value in damage.items():
        setattr(tensor, field, value)
    with pytest.raises(
        CorruptGraph, match=r"constant of the graph is damaged \(node 'two'\)"
    ) as caught:
        nodes.constant("cast")
    assert "\n" not in str(caught.value)


def test_skip_follows_the_first_input_through_some_ops(nodes):
    """Up to the first node of another op."""
    assert nodes.skip("end") == "sum"
    assert nodes.skip("cast", {"Cast", "Enter"}) == "two"
    assert nodes.skip("cast") == "cast"


def test_inputs_leave_control_edges_out(nodes):
    """They carry no tensor."""
    assert nodes.inputs(nodes.nodes["sum"]) == ["one", "cast:0"]
    assert nodes.source("cast:0").name == "cast"


def test_consumers_read_a_node(nodes):
    """Whichever of its outputs; a control edge does not read."""
    assert [node.name for node in nodes.consumers("cast")] == ["sum"]
    assert nodes.consumers("order") == []
    assert nodes.consumers("nowhere") == []


def test_ancestors_stop_where_told(nodes):
    """The nodes themselves are among them; a stop is neither taken nor passed."""
    assert nodes.ancestors(["cast:0"]) == {"cast", "enter", "two"}
    assert nodes.ancestors(["end"], stop=lambda node: node.op == "Cast") == {"end", "sum", "one"}


def test_ops_come_in_graph_order(nodes):
    """Several op types at once."""
    assert [node.name for node in nodes.of_op("NoOp", "Const")] == ["one", "two", "order"]
