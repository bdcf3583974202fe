"""ResNet v1 backbones, 50, 101 and 152 layers deep, with slim's variable names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Block:
    """Units of one resolution.

    Args:
        name: Scope of the block.
        units: Number of bottleneck units.
        bottleneck: Channels inside a unit before the depth multiplier; a unit returns
            EXPANSION times as many.
        stride: Subsampling behind the last unit. The block's feature map is taken before it.
    """

    name: str
    units: int
    bottleneck: int
    stride: int


EXPANSION = 4

# https://arxiv.org/abs/1512.03385, table 1: units of the four blocks by the number of layers.
_UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_BOTTLENECKS = (64, 128, 256, 512)
_STRIDES = (2, 2, 2, 1)
_ROOT_CHANNELS, _ROOT_KERNEL = 64, 7


def blocks(layers: int) -> Iterator[Block]:
    """Rows of the backbone's table.

    Args:
        layers: 50, 101 or 152.
    """
    rows = zip(_UNITS[layers], _BOTTLENECKS, _STRIDES, strict=True)
    for number, (units, bottleneck, stride) in enumerate(rows, start=1):
        yield Block(f"block{number}", units, bottleneck, stride)


def resnet_v1_base(
    image: tf.Tensor, layers: int, depth: Callable[[int], int]
) -> dict[str, tf.Tensor]:
    """Feature maps block1 to block4, of strides 4, 8, 16 and 32.

    To be called inside the scope that names the network and inside an arg_scope that
    gives convolutions their activation and batch norm.

    Args:
        image: [batch, H, W, channels], normalised.
        layers: 50, 101 or 152.
        depth: Channels after the depth multiplier. It goes for the bottlenecks alone: the
            root keeps 64 channels.

    Returns:
        Each block's activations before the stride at its end.
    """
    net = _root(image)
    features = {}
    for block in blocks(layers):
        bottleneck = depth(block.bottleneck)
        with tf.variable_scope(block.name):
            for number in range(1, block.units + 1):
                with tf.variable_scope(f"unit_{number}"), tf.variable_scope("bottleneck_v1"):
                    net = _bottleneck_unit(net, bottleneck)
        features[block.name] = net
        if block.stride > 1:
            net = slim.max_pool2d(net, [1, 1], stride=block.stride, padding="SAME")
    return features


def _root(image: tf.Tensor) -> tf.Tensor:
    """Convolution and pooling down to stride 4.

    The convolution pads evenly on both sides: SAME would put the odd pixel of an even side
    at the end, and the stride would meet other pixels.
    """
    before = (_ROOT_KERNEL - 1) // 2
    padding = [before, _ROOT_KERNEL - 1 - before]
    padded = tf.pad(image, [[0, 0], padding, padding, [0, 0]])
    kernel = [_ROOT_KERNEL, _ROOT_KERNEL]
    net = slim.conv2d(padded, _ROOT_CHANNELS, kernel, stride=2, padding="VALID", scope="conv1")
    return slim.max_pool2d(net, [3, 3], stride=2, padding="SAME", scope="pool1")


def _bottleneck_unit(net: tf.Tensor, bottleneck: int) -> tf.Tensor:
    """One residual unit of stride 1; its sum ends in ReLU whatever conv_hyperparams say."""
    channels = bottleneck * EXPANSION
    shortcut = net
    if int(net.shape[-1]) != channels:
        shortcut = slim.conv2d(net, channels, [1, 1], activation_fn=None, scope="shortcut")
    residual = slim.conv2d(net, bottleneck, [1, 1], scope="conv1")
    residual = slim.conv2d(residual, bottleneck, [3, 3], scope="conv2")
    residual = slim.conv2d(residual, channels, [1, 1], activation_fn=None, scope="conv3")
    return tf.nn.relu(shortcut + residual)
