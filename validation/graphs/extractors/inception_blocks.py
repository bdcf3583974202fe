"""The parts that Inception tables are made of, how a table is read, and the SSD on top of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorOptions, pad_to_multiple
from validation.graphs.extractors.feature_maps import FeatureMap, multi_resolution_feature_maps
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


@dataclass(frozen=True)
class InceptionSsd:
    """An SSD extractor over one of the tables.

    The backbone has no hyper-parameters of its own: conv_hyperparams go for it whatever
    override_base_feature_extractor_hyperparams says. Configs older than that field leave it
    out, and the OD API of today refuses them without need.

    Args:
        scope: Variable scope of the backbone.
        base: Gives the table's outputs by name, from the image and the depth multiplier.
        layout: Its feature maps; explicit padding goes for the added layers alone.
    """

    scope: str
    base: Callable[[tf.Tensor, Callable[[int], int]], dict[str, tf.Tensor]]
    layout: tuple[FeatureMap, ...]

    def __call__(self, image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
        """Feature maps of a normalised image [batch, H, W, 3]."""
        with tf.variable_scope(self.scope):
            padded = pad_to_multiple(image, options.pad_to_multiple)
            with (
                # The OD API enters the scope twice; op names of its graphs show it.
                tf.variable_scope(tf.get_variable_scope()),
                options.hyperparams.scope(is_training=options.is_training),
            ):
                endpoints = self.base(padded, options.depth)
            layout = self.layout[: options.num_layers]
            return multi_resolution_feature_maps(endpoints, layout, options)
