"""Variables without the ops that give them their first values."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.python.framework.ops import name_from_scope_name
from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable


def bare_variables() -> AbstractContextManager[None]:
    """Variables of the default graph that are created inside the block wait for their values.

    They have no initializer, are in no collection of trainable variables, and are read where a
    layer reads them only: `session.run` of the variable itself has nothing to fetch. What is
    pruned to the outputs is the same to the byte; building it takes little more than half of
    the time, for most of a graph's ops are there to initialise it and to fetch it.
    """
    scope: AbstractContextManager[None] = tf.variable_creator_scope(_bare)
    return scope


class _BareVariable(BaseResourceVariable):  # type: ignore[misc]
    """The handle of a variable in a graph, and no other op."""

    def __init__(self, name: str | None, shape: Any, dtype: Any, **options: Any) -> None:
        with tf.name_scope(name, "Variable") as scope:
            own = name_from_scope_name(scope)
            handle = tf.raw_ops.VarHandleOp(
                shape=shape, dtype=dtype, shared_name=own, debug_name=scope, name=scope
            )
        super().__init__(
            shape=shape,
            dtype=dtype,
            handle=handle,
            unique_id=own,
            handle_name=own,
            in_graph_mode=True,
            **options,
        )
        tf.add_to_collection(tf.GraphKeys.GLOBAL_VARIABLES, self)


def _bare(_: Any, **asked: Any) -> Any:
    names = ("name", "shape", "dtype", "trainable", "constraint")
    return _BareVariable(**{name: asked.get(name) for name in names})
