"""The building blocks of MobileDet backbones (https://arxiv.org/abs/2004.14525, section 3).

A block is a row of data with a build method; a backbone is a table of such rows. Variable
scopes are numbered in the order of building (IBN, IBN_1, …), so rows must not be reordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.files.structured import read_toml, register_union
from validation.graphs.hyperparams import Activation
from validation.graphs.slim_compat import slim

# Channel counts are multiples of this.
_DIVISOR = 8
# Hidden channels of squeeze-and-excite, as a share of its input's.
_SQUEEZE = 0.25


def scaled(channels: int, factor: float) -> int:
    """Channels times factor, to the nearest multiple of 8 (halves up), at least 8."""
    return max(int(channels * factor / _DIVISOR + 0.5) * _DIVISOR, _DIVISOR)


@dataclass(frozen=True)
class Style:
    """What all blocks of one backbone share.

    Args:
        activation: Follows every convolution but a block's last.
        squeeze_excite: Whether inverted bottlenecks have a squeeze-and-excite gate.
        multiplier: Depth multiplier.
    """

    activation: Activation
    squeeze_excite: bool
    multiplier: float


@dataclass(frozen=True)
class Stem:
    """A plain convolution with batch norm.

    Args:
        filters: Output channels before the depth multiplier.
        kernel: Side of the kernel.
        stride: Of the convolution.
    """

    filters: int
    kernel: int = 3
    stride: int = 2

    def build(self, features: tf.Tensor, style: Style) -> tf.Tensor:
        """Apply the block."""
        return _conv(
            features,
            scaled(self.filters, style.multiplier),
            self.kernel,
            self.stride,
            style.activation,
        )


@dataclass(frozen=True)
class IbnNoExpansion:
    """An inverted bottleneck without its expansion: depthwise, then projection.

    Args:
        filters: Output channels before the depth multiplier.
    """

    filters: int

    def build(self, features: tf.Tensor, style: Style) -> tf.Tensor:
        """Apply the block."""
        with tf.variable_scope(None, default_name="IBNNoExpansion"):
            features = _gated(_depthwise(features, 3, 1, style.activation), style)
            return _projected(features, scaled(self.filters, style.multiplier))


@dataclass(frozen=True)
class _Expanding:
    """The columns of the blocks that widen, convolve and narrow.

    Args:
        filters: Output channels before the depth multiplier.
        expansion: Inner channels, as a multiple of the input's.
        kernel: Side of the spatial kernel.
        stride: Of the spatial convolution.
        residual: Whether the input is added to the output.
    """

    filters: int
    expansion: int
    kernel: int = 3
    stride: int = 1
    residual: bool = True


@dataclass(frozen=True)
class Ibn(_Expanding):
    """An inverted bottleneck: expansion, depthwise convolution, projection."""

    def build(self, features: tf.Tensor, style: Style) -> tf.Tensor:
        """Apply the block."""
        with tf.variable_scope(None, default_name="IBN"):
            inner = _conv(features, _channels(features) * self.expansion, 1, 1, style.activation)
            inner = _depthwise(inner, self.kernel, self.stride, style.activation)
            outer = _projected(_gated(inner, style), scaled(self.filters, style.multiplier))
            return outer + features if self.residual else outer


@dataclass(frozen=True)
class Fused(_Expanding):
    """A fused inverted bottleneck: one full convolution expands, then projection."""

    def build(self, features: tf.Tensor, style: Style) -> tf.Tensor:
        """Apply the block."""
        with tf.variable_scope(None, default_name="FusedConv"):
            expanded = _channels(features) * self.expansion
            inner = _conv(features, expanded, self.kernel, self.stride, style.activation)
            outer = _projected(_gated(inner, style), scaled(self.filters, style.multiplier))
            return outer + features if self.residual else outer


@dataclass(frozen=True)
class Tucker:
    """A Tucker convolution: narrow, convolve between the ranks, widen.

    Args:
        filters: Output channels before the depth multiplier.
        input_rank: Channels of the first convolution, as a share of the input's.
        output_rank: Channels of the spatial convolution, as a share of the output's.
        residual: Whether the input is added to the output.
    """

    filters: int
    input_rank: float
    output_rank: float
    residual: bool = True

    def build(self, features: tf.Tensor, style: Style) -> tf.Tensor:
        """Apply the block."""
        filters = scaled(self.filters, style.multiplier)
        with tf.variable_scope(None, default_name="TuckerConv"):
            narrow = scaled(_channels(features), self.input_rank)
            inner = _conv(features, narrow, 1, 1, style.activation)
            inner = _conv(inner, scaled(filters, self.output_rank), 3, 1, style.activation)
            outer = _projected(inner, filters)
            return outer + features if self.residual else outer


Block = Stem | IbnNoExpansion | Ibn | Fused | Tucker
register_union(Block, "block")


@dataclass(frozen=True)
class Backbone:
    """One MobileDet.

    Args:
        scope: Variable scope below FeatureExtractor.
        stages: The blocks of C1 to C5.
        activation: Of all convolutions but a block's last.
        squeeze_excite: Whether inverted bottlenecks are gated.
    """

    scope: str
    stages: tuple[tuple[Block, ...], ...]
    activation: Activation = tf.nn.relu6
    squeeze_excite: bool = False


# By the hardware that they are made for.
BACKBONES = read_toml(Path(__file__).with_name("mobiledet.toml"), dict[str, Backbone])


def _channels(features: tf.Tensor) -> int:
    return int(features.shape[-1])


def _conv(
    features: tf.Tensor, filters: int, kernel: int, stride: int, activation: Activation
) -> tf.Tensor:
    return slim.conv2d(
        features,
        filters,
        kernel,
        stride=stride,
        activation_fn=activation,
        normalizer_fn=slim.batch_norm,
    )


def _projected(features: tf.Tensor, filters: int) -> tf.Tensor:
    # The identity is a node of its own: quantisation-aware training puts the range of the
    # linear output there.
    return _conv(features, filters, 1, 1, tf.identity)


def _depthwise(features: tf.Tensor, kernel: int, stride: int, activation: Activation) -> tf.Tensor:
    return slim.separable_conv2d(
        features,
        None,
        kernel,
        stride=stride,
        activation_fn=activation,
        normalizer_fn=slim.batch_norm,
    )


def _gated(features: tf.Tensor, style: Style) -> tf.Tensor:
    """Squeeze-and-excite (https://arxiv.org/abs/1709.01507), where the style has it."""
    if not style.squeeze_excite:
        return features
    channels = _channels(features)
    with tf.variable_scope(None, default_name="SqueezeExcite"):
        # A pool over the whole map, not a mean: it is what the TFLite kernels know best.
        gate = slim.avg_pool2d(features, features.shape[1:3].as_list(), stride=1, padding="VALID")
        gate = slim.conv2d(gate, scaled(channels, _SQUEEZE), 1, activation_fn=style.activation)
        gate = slim.conv2d(gate, channels, 1, activation_fn=tf.nn.sigmoid)
        return gate * features
