"""Additions and multiplications that no layer takes in: each wants a range of its own.

The rules of TensorFlow 1.13 to 1.15, contrib/quantize; earlier releases left such tensors
without ranges, and their converter refused the graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import tensorflow.compat.v1 as tf

from validation.graphs.quant.layers import ADDITIONS, RELUS

_SUMS = ADDITIONS | {"Mul"}
# Ops behind which a tensor still is the one that was rounded, or a part of it.
_PASSED = frozenset({"Reshape", "Identity", "BatchToSpaceND", "SpaceToBatchND", "MaxPool", "Max"})


def find_sums(graph: tf.Graph, done: Collection[tf.Operation]) -> Iterator[tf.Operation]:
    """The additions and multiplications of rounded tensors, in the order of the graph.

    Each is looked at after the ones before it have got their ranges: the caller inserts
    them while it goes through.

    Args:
        graph: With the ranges of its layers in place.
        done: Ops whose outputs have got what they need.
    """
    for op in graph.get_operations():
        if _wants_range(op, done):
            yield op


def _wants_range(op: tf.Operation, done: Collection[tf.Operation]) -> bool:
    if op in done or op.type not in _SUMS:
        return False
    consumers = op.outputs[0].consumers()
    if len(consumers) == 1 and consumers[0].type in RELUS:
        return False
    for tensor in op.inputs:
        source = tensor.op
        while source.type in _PASSED:
            source = source.inputs[0].op
        if source.type == "FakeQuantWithMinMaxVars":
            return True
        if source.type in _SUMS and any(_wants_range(each.op, done) for each in source.inputs):
            return True
    return False
