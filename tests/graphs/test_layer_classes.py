"""Layers get the base classes of graphs once, and only inside the block."""

import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim
from tf_keras.src.utils import version_utils

from validation.graphs.layer_classes import layer_classes_chosen_once


def _graph() -> bytes:
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 8, 8, 3])
        with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm):
            slim.conv2d(slim.conv2d(image, 4, 3), 4, 3)
    return bytes(graph.as_graph_def().SerializeToString(deterministic=True))


@pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")
def test_the_graph_is_the_same() -> None:
    """To the byte, with several layers of one class."""
    plain = _graph()
    with layer_classes_chosen_once():
        assert _graph() == plain


def test_an_error_leaves_nothing_behind() -> None:
    """Keras chooses by itself again."""
    swap = version_utils.swap_class
    with pytest.raises(ZeroDivisionError), layer_classes_chosen_once():
        assert version_utils.swap_class is not swap
        raise ZeroDivisionError
    assert version_utils.swap_class is swap
