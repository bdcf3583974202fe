"""Inception V2 and V3 from the tables of ``inception.toml``, and the SSD extractors on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.files.structured import read_toml, register_union
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions, pad_to_multiple
from validation.graphs.extractors.feature_maps import (
    FeatureMap,
    multi_resolution_feature_maps,
    ssd_layout,
)
from validation.graphs.slim_compat import slim

_CHANNEL_AXIS = 3

# The first layer of V2.
_FIRST_CHANNELS, _FIRST_KERNEL = 64, 7
_MOST_FILTERS = 8

_V2_LAYOUT = ssd_layout("Mixed_4c", "Mixed_5c")
_V3_LAYOUT = (
    *map(FeatureMap, ("Mixed_5d", "Mixed_6e", "Mixed_7c")),
    *(FeatureMap(depth=depth) for depth in (512, 256, 128)),
)


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
register_union(Layer, "layer")


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


Row = Conv | Pool | Mixed
register_union(Row, "layer")
TABLES = read_toml(Path(__file__).with_name("inception.toml"), dict[str, tuple[Row, ...]])


def run(net: tf.Tensor, table: Sequence[Row], depth: Callable[[int], int]) -> dict[str, tf.Tensor]:
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


def inception_v2_base(image: tf.Tensor, depth: Callable[[int], int]) -> dict[str, tf.Tensor]:
    """Outputs of the layers of Inception V2 by name, up to Mixed_5c.

    To be called inside the scope InceptionV2 and an arg_scope that gives convolutions their
    activation and batch norm.

    Args:
        image: [batch, H, W, channels], normalised.
        depth: Channels after the depth multiplier.
    """
    first = depth(_FIRST_CHANNELS)
    # As many depthwise filters a colour as the 1x1 that follows can tell apart.
    filters = min(first // int(image.shape[-1]), _MOST_FILTERS)
    net = slim.separable_conv2d(
        image,
        first,
        [_FIRST_KERNEL, _FIRST_KERNEL],
        depth_multiplier=filters,
        stride=2,
        padding="SAME",
        scope="Conv2d_1a_7x7",
    )
    return run(net, TABLES["inception_v2"], depth)


def inception_v3_base(image: tf.Tensor, depth: Callable[[int], int]) -> dict[str, tf.Tensor]:
    """As `inception_v2_base`, of Inception V3 up to Mixed_7c, inside the scope InceptionV3."""
    return run(image, TABLES["inception_v3"], depth)


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


ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_inception_v2": ExtractorEntry(InceptionSsd("InceptionV2", inception_v2_base, _V2_LAYOUT)),
    "ssd_inception_v3": ExtractorEntry(InceptionSsd("InceptionV3", inception_v3_base, _V3_LAYOUT)),
}
