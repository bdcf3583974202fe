"""The parts that Inception tables are made of, and the one way to read such a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.graphs.slim_compat import slim

_CHANNEL_AXIS = 3


@dataclass(frozen=True)
class Conv:
    """A convolution with the activation and batch norm of the arg_scope around it.

    Args:
        scope: Name of the layer.
        channels: Before the depth multiplier.
        kernel: Height and width.
        stride: Both ways.
        padding: SAME or VALID.
    """

    scope: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = "SAME"

    def __call__(self, net: tf.Tensor, depth: Callable[[int], int]) -> tf.Tensor:
        """Apply to [batch, H, W, channels]."""
        return slim.conv2d(
            net,
            depth(self.channels),
            list(self.kernel),
            stride=self.stride,
            padding=self.padding,
            scope=self.scope,
        )


@dataclass(frozen=True)
class Pool:
    """A 3x3 pooling.

    Args:
        scope: Name of the layer; it begins with AvgPool or MaxPool.
        stride: Both ways.
        padding: SAME or VALID.
    """

    scope: str
    stride: int = 1
    padding: str = "SAME"

    def __call__(self, net: tf.Tensor, depth: Callable[[int], int]) -> tf.Tensor:  # noqa: ARG002  one call for every layer
        """Apply to [batch, H, W, channels]."""
        pool = slim.avg_pool2d if self.scope.startswith("AvgPool") else slim.max_pool2d
        return pool(net, [3, 3], stride=self.stride, padding=self.padding, scope=self.scope)


@dataclass(frozen=True)
class Fork:
    """Convolutions of one input, their outputs side by side.

    Args:
        convs: In the order of their channels.
    """

    convs: tuple[Conv, ...]

    def __call__(self, net: tf.Tensor, depth: Callable[[int], int]) -> tf.Tensor:
        """Apply to [batch, H, W, channels]."""
        return tf.concat([conv(net, depth) for conv in self.convs], axis=_CHANNEL_AXIS)


Layer = Conv | Pool | Fork


@dataclass(frozen=True)
class Mixed:
    """An Inception module: branches of one input, their outputs side by side.

    Args:
        scope: Name of the module.
        branches: Layers of each branch, first to last.
    """

    scope: str
    branches: tuple[tuple[Layer, ...], ...]

    def __call__(self, net: tf.Tensor, depth: Callable[[int], int]) -> tf.Tensor:
        """Apply to [batch, H, W, channels]."""
        outputs = []
        with tf.variable_scope(self.scope):
            for number, layers in enumerate(self.branches):
                output = net
                with tf.variable_scope(f"Branch_{number}"):
                    for layer in layers:
                        output = layer(output, depth)
                outputs.append(output)
            return tf.concat(outputs, axis=_CHANNEL_AXIS)


def run(
    net: tf.Tensor, table: Sequence[Conv | Pool | Mixed], depth: Callable[[int], int]
) -> dict[str, tf.Tensor]:
    """Outputs of a table's rows by their scope, in order.

    Args:
        net: [batch, H, W, channels].
        table: Rows, each fed by the one before.
        depth: Channels after the depth multiplier.
    """
    endpoints = {}
    for row in table:
        net = row(net, depth)
        endpoints[row.scope] = net
    return endpoints
