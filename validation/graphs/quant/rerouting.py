"""Let consumers in a live graph read another tensor."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow.compat.v1 as tf


def reroute(source: tf.Tensor, target: tf.Tensor, consumers: Iterable[tf.Operation]) -> None:
    """Let consumers of one tensor read another.

    Args:
        source: What they read so far.
        target: What they read from now on.
        consumers: Those that are to change; any of them may read something else too.
    """
    for consumer in consumers:
        for index, tensor in enumerate(consumer.inputs):
            if tensor is source:
                # TensorFlow has no public way. The other one, to import the graph anew with
                # an input map, would lose its variables: the result is to be trained on.
                consumer._update_input(index, target)


def op_scope(op: tf.Operation) -> str:
    """The name scope of an op, by its name; empty at the top."""
    return str(op.name).rpartition("/")[0]
