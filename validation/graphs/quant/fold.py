"""Fold batch norms into the convolutions in front of them.

With ``s = gamma / sqrt(variance + epsilon)`` the convolution's weights become ``w * s`` and
its bias ``beta - mean * s`` (https://arxiv.org/abs/1712.05877, section 3.2). Integer kernels
know no batch norm: the range has to be that of the weights which they get.
"""

from __future__ import annotations

import tensorflow.compat.v1 as tf

from validation.errors import GraphError
from validation.graphs.quant.layers import CONVOLUTIONS
from validation.graphs.quant.rerouting import op_scope, reroute

_BATCH_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})


def find_normalised(graph: tf.Graph) -> list[tf.Operation]:
    """Every batch norm that directly follows a convolution and whose output is read.

    Args:
        graph: In inference form.

    Raises:
        GraphError: A batch norm in training form.
    """
    normalised = []
    for op in graph.get_operations():
        if op.type not in _BATCH_NORMS or not op.outputs[0].consumers():
            continue
        if op.inputs[0].op.type not in CONVOLUTIONS:
            continue
        if op.get_attr("is_training"):
            raise GraphError(
                "a batch norm in training form cannot be folded",
                expected="moving averages in place of the batch's statistics",
                where=op.name,
                next_step="build the graph with is_training=False",
            )
        normalised.append(op)
    return normalised


def fold(graph: tf.Graph) -> None:
    """Fold what `find_normalised` finds; what was folded stays behind, without consumers.

    Args:
        graph: Changed in place.

    Raises:
        GraphError: See `find_normalised`.
    """
    with graph.as_default():
        for batch_norm in find_normalised(graph):
            _fold(graph, batch_norm)


def _fold(graph: tf.Graph, batch_norm: tf.Operation) -> None:
    normalised, gamma, beta, mean, variance = batch_norm.inputs
    convolution = normalised.op
    features, weights = convolution.inputs
    scope = op_scope(convolution)
    scope = f"{scope}/" if scope else ""
    # The slash at the end enters a scope that is there instead of making another one.
    with tf.name_scope(f"{scope}BatchNorm_Fold/"):
        scale = gamma * tf.rsqrt(variance + batch_norm.get_attr("epsilon"))
        bias = tf.subtract(beta, mean * scale, name="bias")
        if convolution.type == "DepthwiseConv2dNative":
            scale = tf.reshape(scale, weights.shape[2:], name="scale_reshape")
    consumers = batch_norm.outputs[0].consumers()
    with tf.name_scope(scope):
        folded = graph.create_op(
            convolution.type,
            [features, tf.multiply(weights, scale, name="mul_fold")],
            [convolution.outputs[0].dtype],
            attrs=dict(convolution.node_def.attr),
            name=f"{convolution.name.rpartition('/')[2]}_Fold",
        )
        biased = tf.add(folded.outputs[0], bias, name="add_fold")
    reroute(batch_norm.outputs[0], biased, consumers)
