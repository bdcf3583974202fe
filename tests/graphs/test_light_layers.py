"""Layers made without Keras are the ones that Keras makes, to the byte."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import tensorflow.compat.v1 as tf
from tf_slim.layers import layers

from validation.export.freezing import prune
from validation.graphs.bare_variables import bare_variables
from validation.graphs.light_layers import light_layers
from validation.graphs.slim_compat import slim

pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

_NORM: dict[str, Any] = {"normalizer_fn": slim.batch_norm}


def _ops(context: AbstractContextManager[None], norm: dict[str, Any], **options: Any) -> Any:
    """What two layers of one variable scope need for their output."""
    with tf.Graph().as_default() as graph, bare_variables(), context:
        image = tf.placeholder(tf.float32, [1, 9, 8, 3])
        with slim.arg_scope([slim.batch_norm], is_training=False, **norm):
            for scope in ("first", "second"):
                image = slim.conv2d(image, 4, scope=scope, **{"kernel_size": [3, 3], **options})
    return prune(graph.as_graph_def(), [image.op.name])


@pytest.mark.parametrize(
    ("options", "norm"),
    [
        ({}, {}),
        ({"stride": 2, "padding": "VALID", "activation_fn": None}, {}),
        ({"rate": 2, "kernel_size": 1}, {}),
        ({"rate": [2, 1], **_NORM}, {}),
        ({"weights_regularizer": slim.l2_regularizer(0.1), **_NORM}, {}),
        ({"biases_initializer": None}, {}),
        (_NORM, {"scale": True, "epsilon": 0.01}),
        (_NORM, {"center": False}),
        (_NORM, {"scale": False, "center": False}),
    ],
)
def test_ops_are_those_of_keras(options: dict[str, Any], norm: dict[str, Any]) -> None:
    """Names, order and attributes, for every option that extractors and heads use."""
    assert _ops(light_layers(), norm, **options) == _ops(nullcontext(), norm, **options)


def test_an_error_leaves_nothing_behind() -> None:
    """Layers for training are Keras's again."""
    keras = layers.convolutional_layers.Convolution2D
    with pytest.raises(ZeroDivisionError), light_layers():
        assert layers.convolutional_layers.Convolution2D is not keras
        raise ZeroDivisionError
    assert layers.convolutional_layers.Convolution2D is keras
