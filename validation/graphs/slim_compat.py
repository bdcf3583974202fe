"""tf-slim 1.1 on TensorFlow 2.21: two gaps closed before it is imported.

Import ``slim`` from here and nowhere else. Build inside an explicit ``tf.Graph()``.
"""

from __future__ import annotations

import importlib
import sys

import tensorflow.compat.v1 as tf
from tensorflow.python.framework import ops

# tf_slim.layers.utils asks for ops.Tensor in batch_norm; it moved out of `ops`.
if not hasattr(ops, "Tensor"):
    ops.Tensor = tf.Tensor

# Separable convolution and unfused batch norm ask for tf_keras.legacy_tf_layers, which
# tf-keras 2.21 keeps under tf_keras.src only.
sys.modules.setdefault(
    "tf_keras.legacy_tf_layers", importlib.import_module("tf_keras.src.legacy_tf_layers")
)

import tf_slim as slim  # noqa: E402  the gaps have to be closed first

__all__ = ["slim"]
