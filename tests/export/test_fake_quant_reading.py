"""FakeQuant nodes and the activations without one are read from a graph of any maker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.errors import ArtefactMissing, GraphError
from validation.export.fake_quant_facts import Activation, ConcatInput, FakeQuantFacts
from validation.export.fake_quant_reading import fake_quant_facts, read_fake_quant
from validation.files.structured import structure, unstructure

_WEIGHTS = np.linspace(-1, 1, 3 * 3 * 2 * 4, dtype=np.float32).reshape(3, 3, 2, 4)


def _graph(build: Callable[[Any], Any]) -> Any:
    """GraphDef of what is built on an image of two channels, ended as an export ends."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 8, 8, 2], "normalized_input_image_tensor")
        tf.identity(build(image), name="raw_outputs/box_encodings")
    return graph.as_graph_def()


def _quant(tensor: Any, low: float, high: float, name: str, **options: Any) -> Any:
    return tf.quantization.fake_quant_with_min_max_vars(
        tensor, tf.constant(low), tf.constant(high), name=name, **options
    )


def _conv(features: Any, name: str, weights: np.ndarray = _WEIGHTS) -> Any:
    ranged = _quant(tf.constant(weights), -1.0, 1.0, f"{name}/weights_quant", narrow_range=True)
    summed = tf.nn.conv2d(features, ranged, 1, "SAME", name=f"{name}/Conv2D")
    return tf.nn.bias_add(summed, tf.zeros(weights.shape[-1]), name=f"{name}/BiasAdd")


def test_ranges_of_weights_and_activations() -> None:
    """Both kinds, with what they quantise; what is fused into a layer is one activation."""

    def build(image: Any) -> Any:
        return _quant(tf.nn.relu6(_conv(image, "a"), "a/Relu6"), 0.0, 5.5, "a/act_quant")

    facts = fake_quant_facts(_graph(build))
    (weights,) = facts.weights
    assert (weights.layer, weights.op) == ("a/Conv2D", "Conv2D")
    assert (weights.minimum, weights.maximum) == (-1.0, 1.0)
    assert (weights.num_bits, weights.narrow_range) == (8, True)
    assert weights.clipped_share == 0
    columns = _WEIGHTS.reshape(-1, 4)
    assert weights.channel_spans == pytest.approx(columns.max(0) - columns.min(0), rel=1e-4)
    (found,) = facts.ranges
    assert (found.source, found.op, found.minimum, found.maximum) == ("a/Relu6", "Relu6", 0.0, 5.5)
    assert facts.activations == (
        Activation("a/Relu6", ("Conv2D", "BiasAdd", "Relu6"), "a/act_quant"),
    )
    assert facts.bare_weights == ()


def test_folded_batch_norm_is_multiplied_out() -> None:
    """The weights of the rewriter's graphs are a product that is left in the graph."""

    def build(image: Any) -> Any:
        scale = tf.constant([1.0, 2.0, 3.0, 4.0])
        folded = tf.multiply(tf.constant(_WEIGHTS), scale, name="a/mul_fold")
        ranged = _quant(folded, -2.0, 2.0, "a/weights_quant")
        return tf.nn.conv2d(image, ranged, 1, "SAME") + tf.constant([1.0, 2.0, 3.0, 4.0])

    facts = fake_quant_facts(_graph(build))
    product = _WEIGHTS * np.array([1, 2, 3, 4], np.float32)
    # Half a step of 255 inside the range are not cut.
    assert facts.weights[0].clipped_share == pytest.approx(
        (np.abs(product) > 2 + 2 / 255).mean(), abs=1e-4
    )
    assert facts.activations[0].ops == ("Conv2D", "AddV2")


def test_depthwise_channels_are_inputs_times_multiplier() -> None:
    """Each pair of input channel and multiplier is an output channel."""
    weights = np.arange(3 * 3 * 2 * 2, dtype=np.float32).reshape(3, 3, 2, 2)

    def build(image: Any) -> Any:
        ranged = _quant(tf.constant(weights), 0.0, 36.0, "weights_quant")
        return tf.nn.depthwise_conv2d(image, ranged, [1, 1, 1, 1], "SAME")

    (found,) = fake_quant_facts(_graph(build)).weights
    assert found.op == "DepthwiseConv2dNative"
    assert found.channel_spans == (32.0, 33.0, 34.0, 35.0)


def test_activations_without_ranges_are_found() -> None:
    """A layer, a sum and an activation on its own: each is named, with what makes it."""

    def build(image: Any) -> Any:
        left = _conv(image, "left")
        right = tf.nn.relu(_conv(image, "right"), "right/Relu")
        mixed = tf.add(left, right, "mixed")
        return tf.nn.max_pool2d(tf.nn.relu(mixed, "relu"), 2, 2, "SAME")

    facts = fake_quant_facts(_graph(build))
    assert facts.activations == (
        Activation("left/BiasAdd", ("Conv2D", "BiasAdd"), None),
        Activation("right/Relu", ("Conv2D", "BiasAdd", "Relu"), None),
        Activation("relu", ("AddV2", "Relu"), None),
    )


def test_range_behind_a_reshape_holds() -> None:
    """Reshapes, pools and concatenations keep the scale, so the range may stand behind them."""

    def build(image: Any) -> Any:
        pooled = tf.nn.max_pool2d(_conv(image, "a"), 2, 2, "SAME")
        return _quant(tf.reshape(pooled, [1, -1, 4]), -3.0, 3.0, "late_quant")

    facts = fake_quant_facts(_graph(build))
    assert [each.ranged_by for each in facts.activations] == ["late_quant"]
    assert (facts.ranges[0].source, facts.ranges[0].op) == ("a/BiasAdd", "BiasAdd")


def test_readers_of_sizes_do_not_count() -> None:
    """A Shape that reads an activation past its FakeQuant node takes no value of it."""

    def build(image: Any) -> Any:
        features = tf.nn.relu6(_conv(image, "a"), "a/Relu6")
        ranged = _quant(features, 0.0, 6.0, "a/act_quant")
        return tf.reshape(ranged, [tf.shape(features)[0], -1, 4])

    facts = fake_quant_facts(_graph(build))
    assert [each.ops for each in facts.activations] == [("Conv2D", "BiasAdd", "Relu6")]
    assert facts.activations[0].ranged_by == "a/act_quant"


def test_layers_with_bare_weights_are_named() -> None:
    """Ranges of activations alone are half of what is needed."""

    def build(image: Any) -> Any:
        features = tf.nn.conv2d(image, tf.constant(_WEIGHTS), 1, "SAME", name="bare/Conv2D")
        return _quant(features, -1.0, 1.0, "act_quant")

    facts = fake_quant_facts(_graph(build))
    assert facts.bare_weights == ("bare/Conv2D",)
    assert facts.weights == ()


def test_inputs_of_a_concatenation() -> None:
    """With their ranges, traced through reshapes; without one by the node that makes it."""

    def build(image: Any) -> Any:
        first = _quant(_conv(image, "a"), -1.0, 2.0, "a/act_quant")
        second = _quant(_conv(image, "b"), -4.0, 4.0, "b/act_quant")
        parts = [tf.reshape(part, [1, -1, 4]) for part in (first, second, _conv(image, "c"))]
        return tf.concat(parts, 1, "concat")

    (found,) = fake_quant_facts(_graph(build)).concatenations
    assert found.name == "concat"
    assert found.inputs == (
        ConcatInput("a/act_quant", -1.0, 2.0),
        ConcatInput("b/act_quant", -4.0, 4.0),
        ConcatInput("c/BiasAdd", None, None),
    )


def test_ranges_as_attributes() -> None:
    """The op with fixed ranges says the same in another place."""

    def build(image: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_args(
            _conv(image, "a"), min=-2.0, max=3.0, num_bits=4, name="fixed"
        )

    (found,) = fake_quant_facts(_graph(build)).ranges
    assert (found.name, found.minimum, found.maximum, found.num_bits) == ("fixed", -2.0, 3.0, 4)


def test_matmul_transposed() -> None:
    """Output channels are rows where the weights are read transposed."""
    weights = np.diag(np.arange(1, 4, dtype=np.float32))[:, :2]

    def build(image: Any) -> Any:
        ranged = _quant(tf.constant(weights), 0.0, 3.0, "weights_quant")
        flat = tf.reshape(image, [64, 2])
        return tf.matmul(flat, ranged, transpose_b=True)

    (found,) = fake_quant_facts(_graph(build)).weights
    assert found.channel_spans == (1.0, 2.0, 0.0)


def test_other_ends_are_taken_where_there_are_no_raw_outputs() -> None:
    """A graph that ends elsewhere is read whole."""
    graph = _graph(lambda image: _quant(_conv(image, "a"), -1.0, 1.0, "act_quant"))
    for node in graph.node:
        if node.name == "raw_outputs/box_encodings":
            node.name = "scores"
    assert len(fake_quant_facts(graph).ranges) == 1


def test_float_export_has_no_facts_but_activations(export_of: Any) -> None:
    """A float model: every layer bare, no activation ranged."""
    facts = fake_quant_facts(export_of().graph)
    assert (facts.weights, facts.ranges) == ((), ())
    assert len(facts.bare_weights) == len(facts.activations) == 8
    assert {each.ranged_by for each in facts.activations} == {None}


def test_ranges_that_are_no_constants() -> None:
    """An unfrozen graph is refused by TensorFlow's own words."""

    def build(image: Any) -> Any:
        low = tf.Variable(-1.0, use_resource=False, name="low")
        return tf.quantization.fake_quant_with_min_max_vars(image, low, tf.constant(1.0))

    with pytest.raises(GraphError, match=r"TensorFlow cannot run the graph.*low"):
        fake_quant_facts(_graph(build))


def test_file_and_back(tmp_path: Path) -> None:
    """The facts of a file survive JSON, ranges that are no number among them."""

    def build(image: Any) -> Any:
        return _quant(_conv(image, "a"), float("nan"), float("inf"), "act_quant")

    path = tmp_path / "tflite_graph.pb"
    path.write_bytes(_graph(build).SerializeToString())
    facts = read_fake_quant(path)
    again = structure(FakeQuantFacts, json.loads(json.dumps(unstructure(facts))))
    assert repr(again) == repr(facts)
    assert again.weights == facts.weights


def test_missing_file(tmp_path: Path) -> None:
    """Named as any other graph is."""
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        read_fake_quant(tmp_path / "tflite_graph.pb")
