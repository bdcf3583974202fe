"""Resize and normalisation are read as one size and one affine map a channel."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import NotSsdGraph
from validation.export.graph_map import GraphMap
from validation.export.processing_reading import read_preprocessing

MEANS = [123.68, 116.78, 103.94]


def _graph(steps=(), resize="ResizeBilinear", size=(30, 50)):
    """A resize and a chain of (op, constant, is it the first input)."""
    graph = tf.GraphDef()
    graph.node.add(name="image", op="Placeholder")
    _constant(graph, "size", np.int32(size))
    graph.node.add(name="resize", op=resize, input=["image", "size"])
    last = "resize"
    for place, (op, value, is_first) in enumerate(steps):
        _constant(graph, f"value_{place}", np.float32(value))
        inputs = [f"value_{place}", last] if is_first else [last, f"value_{place}"]
        last = f"step_{place}"
        graph.node.add(name=last, op=op, input=inputs)
    graph.node.add(name="end", op="Identity", input=[last])
    return graph


def _constant(graph, name, value):
    node = graph.node.add(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))


def _read(graph):
    return read_preprocessing(GraphMap(graph), "end", "g.pb")


_STEPS = {
    ("Mul", False): lambda x, value: x * value,
    ("Mul", True): lambda x, value: x * value,
    ("Sub", False): lambda x, value: x - value,
    ("Add", False): lambda x, value: x + value,
    ("AddV2", True): lambda x, value: x + value,
    ("RealDiv", False): lambda x, value: x / value,
    ("Div", False): lambda x, value: x / value,
}
_VALUES = st.floats(0.25, 4, width=32) | st.lists(
    st.floats(0.25, 4, width=32), min_size=3, max_size=3
)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), _VALUES), max_size=5),
    st.lists(st.floats(0, 255), min_size=3, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_any_chain_of_steps_is_one_affine_map(steps, pixel):
    """Whatever the order and the side of the constant, scale and offset do the same."""
    read = _read(_graph([(op, value, is_first) for (op, is_first), value in steps]))
    expected = np.array(pixel)
    for step, value in steps:
        expected = _STEPS[step](expected, np.array(value))
    got = np.array(pixel) * read.scale - read.offset
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_channel_means_keep_their_channels():
    """Three means, three offsets, in the order of the channels."""
    read = _read(_graph([("Sub", [[MEANS]], False)]))
    assert read.scale == (1, 1, 1)
    assert read.offset == tuple(float(np.float32(mean)) for mean in MEANS)


def test_height_comes_before_width():
    """As ResizeBilinear has it."""
    read = _read(_graph(size=(30, 50)))
    assert (read.height, read.width) == (30, 50)


@pytest.mark.parametrize("name", ["align_corners", "half_pixel_centers"])
def test_attributes_of_the_resize_are_kept(name):
    """A graph that samples otherwise says so."""
    graph = _graph()
    assert not getattr(_read(graph), name)
    next(node for node in graph.node if node.name == "resize").attr[name].b = True
    assert getattr(_read(graph), name)


@pytest.mark.parametrize("step", [("Sub", 1.0, True), ("RealDiv", 1.0, True), ("Exp", 1.0, False)])
def test_other_normalisation_is_refused(step):
    """A constant less the image, or a function, is no factor and offset."""
    with pytest.raises(NotSsdGraph, match=f"not one factor.*got {step[0]} in node 'step_0'"):
        _read(_graph([step]))


def test_constant_of_another_shape_is_refused():
    """A value for each pixel is no value for each channel."""
    with pytest.raises(NotSsdGraph, match="not one factor"):
        _read(_graph([("Sub", np.zeros((2, 2, 3)), False)]))


@pytest.mark.parametrize("op", ["ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"])
def test_other_resize_is_refused(op):
    """The harness resizes bilinearly; another method would be another model."""
    graph = _graph(resize=op)
    next(node for node in graph.node if node.name == "end").input[0] = "stack"
    graph.node.add(name="stack", op="Pack", input=["resize"])
    with pytest.raises(NotSsdGraph, match=f"one ResizeBilinear, got {op};"):
        _read(graph)


def test_two_resizes_are_refused():
    """Which of them makes the input's size cannot be known."""
    graph = _graph()
    graph.node.add(name="again", op="ResizeBilinear", input=["resize", "size"])
    next(node for node in graph.node if node.name == "end").input[0] = "again"
    with pytest.raises(NotSsdGraph, match="got 2 ResizeBilinear"):
        _read(graph)


def test_keep_aspect_resizer_is_refused(graph_of):
    """Its size is computed from the image; the message says what to do."""
    graph = graph_of(resizer="keep_aspect")
    with pytest.raises(NotSsdGraph, match=r"keep_aspect_ratio_resizer.*use fixed_shape_resizer"):
        read_preprocessing(GraphMap(graph), "Preprocessor/sub", "g.pb")
