"""Variables that are hashed as TensorFlow 1 hashed them, while a graph is built."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow.compat.v1 as tf


@contextlib.contextmanager
def identity_hashes() -> Iterator[None]:
    """Tensors and variables are hashed and compared by identity inside the block.

    For each weight of a layer tf_keras makes a set of all variables so far, and TensorFlow 2 asks
    of each one of them whether the program runs eagerly before it is hashed: two of five
    seconds of an SSDLite MobileNet V2, and the square of that for a ResNet. The graph is the same
    to the byte.
    """
    # There is no public way to ask; without it TensorFlow 2 compares by value.
    by_value = getattr(tf.Tensor, "_USE_EQUALITY", True)
    tf.disable_tensor_equality()
    try:
        yield
    finally:
        if by_value:
            tf.enable_tensor_equality()
