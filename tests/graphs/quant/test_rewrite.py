"""Where fake quantisation is put, and what it is called."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.graphs.quant.options import Sums
from validation.graphs.slim_compat import slim

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

_PLAIN = {"activation_fn": None, "normalizer_fn": None}


def test_layer_gets_weights_and_output(rewritten) -> None:
    """Folded weights in a narrow range, the output behind the activation."""
    made = rewritten(lambda net: slim.conv2d(net, 3, 3))
    assert made.ranges == {"Conv/weights_quant", "Conv/act_quant"}
    weights, output = (made.fake_quant(scope) for scope in ("Conv/weights_quant", "Conv/act_quant"))
    assert (weights.get_attr("narrow_range"), output.get_attr("narrow_range")) == (True, False)
    assert weights.inputs[0].op.name == "Conv/mul_fold"
    assert made.op("Conv/Conv2D_Fold").inputs[1] is weights.outputs[0]
    assert output.inputs[0].op.name == "Conv/Relu6"
    assert made.op("end").inputs[0] is output.outputs[0]


def test_ranges_are_variables_that_nobody_trains(rewritten) -> None:
    """Scalars min and max, saved with the others; gradients pass through to the weights."""
    made = rewritten(lambda net: slim.conv2d(net, 3, 3))
    with made.graph.as_default():
        named = {variable.op.name: variable for variable in tf.global_variables()}
        ends = [f"Conv/{kind}_quant/{end}" for kind in ("weights", "act") for end in ("min", "max")]
        assert all(named[name].shape == [] for name in ends)
        assert not set(ends) & {variable.op.name for variable in tf.trainable_variables()}
        trained = [named[f"Conv/{name}"] for name in ("weights", "BatchNorm/gamma")]
        assert None not in tf.gradients(made.output, trained)
    assert made.run(*(named[name] for name in ends)) == [-6.0, 6.0, 0.0, 6.0]


def test_last_layer_ends_in_its_bias(rewritten) -> None:
    """A head has neither batch norm nor activation."""
    made = rewritten(lambda net: tf.reshape(slim.conv2d(net, 4, 1, **_PLAIN), [1, -1, 4]))
    assert made.ranges == {"Conv/weights_quant", "Conv/act_quant"}
    output = made.fake_quant("Conv/act_quant")
    assert output.inputs[0].op.name == "Conv/BiasAdd"
    assert made.op("Reshape").inputs[0] is output.outputs[0]


def _residual(net: tf.Tensor) -> tf.Tensor:
    """The block of MobileNet V2."""
    with tf.variable_scope("block"):
        entry = tf.identity(net, "input")
        net = slim.conv2d(entry, 4, 1, activation_fn=tf.identity, scope="project")
        return tf.identity(net + entry, "output")


def test_sum_behind_an_activation(rewritten) -> None:
    """The linear output has a range, and the sum has another."""
    made = rewritten(_residual)
    assert made.ranges == {
        "block/project/weights_quant",
        "block/project/act_quant",
        "block/post_activation_bypass_quant",
    }
    assert made.fake_quant("block/project/act_quant").inputs[0].op.name == "block/project/Identity"
    total = made.fake_quant("block/post_activation_bypass_quant")
    assert total.inputs[0].op.name == "block/add"
    assert made.op("block/output").inputs[0] is total.outputs[0]


def test_sum_behind_an_activation_and_before_another(rewritten) -> None:
    """It is computed together with the ReLU that follows, and has no range of its own."""
    made = rewritten(lambda net: tf.nn.relu(slim.conv2d(net, 4, 1) + net))
    assert made.ranges == {"Conv/weights_quant", "Conv/act_quant"}


def _bypassed(net: tf.Tensor) -> tf.Tensor:
    with tf.variable_scope("unit"):
        shortcut = slim.conv2d(net, 4, 1, activation_fn=None, scope="shortcut")
        residual = slim.conv2d(net, 4, 3, activation_fn=None, scope="conv")
        return tf.nn.relu(residual + shortcut)


def test_sum_in_front_of_an_activation(rewritten) -> None:
    """The unit of ResNet: both summands have ranges, the sum has none, the output one."""
    made = rewritten(_bypassed)
    assert made.ranges == {
        "unit/conv/weights_quant",
        "unit/conv/conv_quant",
        "unit/act_quant",
        "unit/shortcut/weights_quant",
        "unit/shortcut/act_quant",
    }
    summands = {tensor.op.name for tensor in made.op("unit/add").inputs}
    assert summands == {
        "unit/conv/conv_quant/FakeQuantWithMinMaxVars",
        "unit/shortcut/act_quant/FakeQuantWithMinMaxVars",
    }


def test_both_halves_of_a_separable_convolution(rewritten) -> None:
    """Nothing stands between them, so the depthwise half ends in itself."""
    made = rewritten(
        lambda net: slim.separable_conv2d(net, 3, 3, depth_multiplier=1, scope="head", **_PLAIN)
    )
    assert made.ranges == {
        "head/weights_quant",
        "head/act_quant",
        "head/separable_conv2d/weights_quant",
        "head/separable_conv2d/act_quant",
    }
    half = made.fake_quant("head/separable_conv2d/act_quant")
    assert half.inputs[0].op.name == "head/separable_conv2d/depthwise"
    assert made.op("head/separable_conv2d").inputs[0] is half.outputs[0]


def _shared(net: tf.Tensor) -> tf.Tensor:
    nets = [net, net * 2.0]
    with tf.variable_scope("heads", reuse=tf.AUTO_REUSE):
        return tf.concat([slim.conv2d(each, 2, 1, scope="head", **_PLAIN) for each in nets], 1)


def test_shared_weights_are_rounded_once(rewritten) -> None:
    """By the first layer's range; each layer's output has its own."""
    made = rewritten(_shared, Sums.NONE)
    assert made.ranges == {
        "heads/head/weights_quant",
        "heads/head/act_quant",
        "heads/head_1/act_quant",
    }
    rounded = made.fake_quant("heads/head/weights_quant").outputs[0]
    for name in ("heads/head/Conv2D", "heads/head_1/Conv2D"):
        assert made.op(name).inputs[1] is rounded


def test_second_range_of_a_name_gets_a_number(rewritten) -> None:
    """Two units in one scope: as variable scopes are numbered in TensorFlow 1."""

    def two(net: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(slim.conv2d(net, 4, 1, scope="a/x", activation_fn=None) + net) + (
            tf.nn.relu(slim.conv2d(net, 4, 1, scope="a/y", activation_fn=None) + net)
        )

    made = rewritten(two)
    assert {"a/act_quant", "a/act_quant_1"} <= made.ranges


def _merged(net: tf.Tensor) -> tf.Tensor:
    with tf.name_scope("top_down"):
        lateral = slim.conv2d(net, 4, 1, scope="lateral", **_PLAIN)
        coarse = slim.conv2d(net, 4, 1, scope="coarse", **_PLAIN)
        merged = lateral + coarse
    return slim.conv2d(merged * 0.5, 3, 3, scope="smoothing")


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        (Sums.NONE, set()),
        (Sums.ADD, {"top_down/add/activation_Add_quant", "mul/activation_Mul_quant"}),
        (Sums.ADD_V2, {"top_down/add/activation_AddV2_quant", "mul/activation_Mul_quant"}),
    ],
)
def test_sums_between_layers(rewritten, sums: Sums, expected: set[str]) -> None:
    """By the release: none, or one behind each addition and multiplication."""
    made = rewritten(_merged, sums)
    assert {name for name in made.ranges if "/activation_" in name} == expected
    assert {name.rpartition("/")[2] for name in made.ranges - expected} == {
        "weights_quant",
        "act_quant",
    }


def test_folded_constants_have_no_ranges(rewritten) -> None:
    """The products that fold a batch norm are weights, not activations."""
    made = rewritten(_residual)
    assert not [name for name in made.ranges if "BatchNorm_Fold" in name or "mul_fold" in name]


def test_sum_that_a_layer_computes_has_no_range(rewritten) -> None:
    """Between two layers too: a ReLU right behind it is fused."""
    made = rewritten(lambda net: tf.nn.relu6(slim.conv2d(net, 4, 1, **_PLAIN) * net))
    assert made.ranges == {"Conv/weights_quant", "Conv/act_quant"}


def test_what_is_rounded_already_is_left_alone(rewritten) -> None:
    """A network with ranges of its own keeps them."""

    def own(net: tf.Tensor) -> tf.Tensor:
        net = slim.conv2d(net, 4, 1)
        return tf.quantization.fake_quant_with_min_max_args(tf.identity(net), 0.0, 6.0)

    assert rewritten(own).ranges == {"Conv/weights_quant"}


def test_bits_are_the_configs(rewritten) -> None:
    """Of weights and of activations, each its own."""
    made = rewritten(_residual, weight_bits=4, activation_bits=16)
    found = {name: made.fake_quant(name).get_attr("num_bits") for name in made.ranges}
    assert found.pop("block/project/weights_quant") == 4
    assert set(found.values()) == {16}


def test_rounding_alone_changes_the_outputs(rewritten) -> None:
    """Within half a step of an output range that nothing leaves."""
    made = rewritten(lambda net: slim.conv2d(net, 3, 3), weight_bits=16, activation_bits=8)
    tensors = (
        made.op(f"Conv/{name}").outputs[0] for name in ("Relu6", "BatchNorm/FusedBatchNormV3")
    )
    after, before, unfolded = made.run(made.output, *tensors)
    assert 0 < np.abs(before - after).max() <= 6 / 255 / 2 + 1e-6
    assert np.abs(np.clip(unfolded, 0, 6) - before).max() < 1e-2
