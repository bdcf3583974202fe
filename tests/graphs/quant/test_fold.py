"""Folded batch norms compute what they computed before."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import GraphError
from validation.graphs.quant.fold import find_normalised, fold
from validation.graphs.slim_compat import slim

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

# float32: another order of the same products, over at most 45 of them.
_LIMIT = 2e-5


def _normalised(*, scale: bool, center: bool, epsilon: float, seed: int) -> dict:
    random = tf.random_uniform_initializer
    return {
        "is_training": False,
        "scale": scale,
        "center": center,
        "epsilon": epsilon,
        "param_initializers": {
            "gamma": random(0.5, 2, seed),
            "beta": random(-1, 1, seed + 1),
            "moving_mean": random(-1, 1, seed + 2),
            "moving_variance": random(0.1, 4, seed + 3),
        },
    }


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.sampled_from([1, 3]),
    channels=st.integers(1, 5),
    # 0: a plain convolution; else the multiplier of a depthwise one.
    multiplier=st.integers(0, 3),
    scale=st.booleans(),
    center=st.booleans(),
    epsilon=st.sampled_from([1e-5, 1e-3, 0.1]),
    seed=st.integers(0, 1000),
)
def test_outputs_are_kept(
    kernel: int,
    channels: int,
    multiplier: int,
    scale: bool,
    center: bool,
    epsilon: float,
    seed: int,
) -> None:
    """Plain and depthwise, with and without gamma and beta, of any epsilon."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [2, 6, 5, channels])
        arguments = {
            "activation_fn": None,
            "normalizer_fn": slim.batch_norm,
            "normalizer_params": _normalised(
                scale=scale, center=center, epsilon=epsilon, seed=seed
            ),
            "weights_initializer": tf.random_uniform_initializer(-1, 1, seed),
            "scope": "Layer",
        }
        if multiplier:
            net = slim.separable_conv2d(
                image, None, kernel, depth_multiplier=multiplier, stride=2, **arguments
            )
        else:
            net = slim.conv2d(image, 3, kernel, stride=2, **arguments)
        end = tf.identity(net)
        fold(graph)
        assert end.op.inputs[0].op.name == "Layer/add_fold"
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            pixels = np.random.default_rng(seed).uniform(-1, 1, image.shape)
            before, after = session.run([net, end], {image: pixels})
    np.testing.assert_allclose(after, before, rtol=_LIMIT, atol=_LIMIT * np.abs(before).max())


def test_nodes_are_called_as_in_tensorflow_1() -> None:
    """Whoever looks for a node of a zoo graph finds it."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 4, 4, 2])
        normaliser = {"normalizer_fn": slim.batch_norm, "normalizer_params": {"is_training": False}}
        slim.separable_conv2d(image, None, 3, depth_multiplier=1, scope="Layer", **normaliser)
        fold(graph)
    names = {op.name for op in graph.get_operations()}
    inside = ("add", "Rsqrt", "mul", "mul_1", "bias", "scale_reshape")
    assert {f"Layer/BatchNorm_Fold/{name}" for name in inside} <= names
    assert {"Layer/mul_fold", "Layer/depthwise_Fold", "Layer/add_fold"} <= names


def test_what_is_not_right_behind_a_convolution_stays() -> None:
    """A batch norm of a sum or of a bias has nothing to be folded into."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 4, 4, 2])
        biased = slim.conv2d(image, 2, 1, activation_fn=None)
        for net in (image + 1.0, biased):
            tf.identity(slim.batch_norm(net, is_training=False))
        before = len(graph.get_operations())
        fold(graph)
        assert len(graph.get_operations()) == before


def test_unread_batch_norm_stays() -> None:
    """What was folded once has no consumers, and is not folded again."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 4, 4, 2])
        normaliser = {"normalizer_fn": slim.batch_norm, "normalizer_params": {"is_training": False}}
        slim.conv2d(image, 2, 1, **normaliser)
        assert len(find_normalised(graph)) == 1
        fold(graph)
        assert not find_normalised(graph)


def test_training_form_is_refused() -> None:
    """Statistics of the batch cannot be folded into weights."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 4, 4, 2])
        normaliser = {"normalizer_fn": slim.batch_norm, "normalizer_params": {"is_training": True}}
        slim.conv2d(image, 2, 1, **normaliser)
    with pytest.raises(GraphError, match=r"training form cannot be folded.*Conv/BatchNorm/"):
        fold(graph)
