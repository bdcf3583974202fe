"""Keras's layer classes, which TensorFlow turns to those of graphs for every layer anew."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from tensorflow.python.keras.utils import version_utils as tensorflow_versions
from tf_keras.src.utils import version_utils as tf_keras_versions


@contextlib.contextmanager
def layer_classes_chosen_once() -> Iterator[None]:
    """The first layer of a class chooses its base classes for all layers inside the block.

    Keras assigns ``__bases__`` of the layer's class and of all classes above it before it makes a
    layer, although they are right after the first one; that is a fifth of the time of building a
    graph. Inside the block only graphs may be built, no eager layers. The graph is the same to
    the byte.
    """
    with contextlib.ExitStack() as restored:
        for versions in (tensorflow_versions, tf_keras_versions):
            swap = versions.swap_class
            restored.callback(setattr, versions, "swap_class", swap)
            versions.swap_class = functools.cache(swap)
        yield
