"""Backbones of inverted residual blocks: MobileNet V2, V3 and EdgeTPU, by their tables.

Block: https://arxiv.org/abs/1801.04381, table 1; gate: https://arxiv.org/abs/1905.02244.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.files.structured import read_toml, register_union
from validation.graphs.extractor import ExtractorOptions, pad_to_multiple
from validation.graphs.extractors.feature_maps import explicit_padding
from validation.graphs.hyperparams import Activation, BatchNorm, ConvHyperparams
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Convolution:
    """A plain convolution.

    Args:
        depth: Output channels before the depth multiplier.
        kernel: Side.
        stride: Of the convolution.
        activation: What follows its batch norm.
    """

    depth: int
    kernel: int
    stride: int = 1
    activation: Activation = tf.nn.relu6


@dataclass(frozen=True)
class Block:
    """An inverted residual: 1x1 to more channels, depthwise, 1x1 to few without activation.

    Args:
        depth: Output channels before the depth multiplier.
        stride: Of the block.
        expansion: Inner channels over input channels; where that gives no more than the input
            has, the first 1x1 is left out.
        divisor: The inner channels are a multiple of it.
        kernel: Side of the depthwise convolution.
        activation: Of the inner convolutions.
        gated: Squeeze-and-excite of the inner channels before the last 1x1.
        residual: Add the input where stride and channels allow it.
        fused: One kernel x kernel convolution in place of the first 1x1 and the depthwise.
        pads_input: Explicit padding goes before the whole block, not before its depthwise
            convolution, which then pads again by SAME: maps grow, as the OD API's do.
    """

    depth: int
    stride: int = 1
    expansion: float = 6
    divisor: int = 8
    kernel: int = 3
    activation: Activation = tf.nn.relu6
    gated: bool = False
    residual: bool = True
    fused: bool = False
    pads_input: bool = False


Layer = Convolution | Block
register_union(Layer, "layer")
TABLES = read_toml(Path(__file__).with_name("inverted_residual.toml"), dict[str, tuple[Layer, ...]])

# What a backbone has of its own, where conv_hyperparams do not go for it.
_OWN = BatchNorm(epsilon=0.001, decay=0.9997, scale=True, center=True)

_DIVISOR = 8

_SQUEEZE = 4

# One sixth, in the digits that the published checkpoints were trained with.
_GATE_SLOPE = 0.16667

# Fewer channels than this share of what was asked for are rounded up instead.
_LEAST_SHARE = 0.9


def divisible(channels: float, divisor: int = _DIVISOR, least: int = _DIVISOR) -> int:
    """The nearest multiple of a divisor, halves up, but never more than a tenth below.

    Source: the rounding of channels in MobileNet V2's published implementation.

    Args:
        channels: What a multiplication gave.
        divisor: The result is a multiple of it, unless ``least`` is taken.
        least: The smallest result.
    """
    rounded = max(least, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < _LEAST_SHARE * channels else rounded


def table_base(
    image: tf.Tensor,
    options: ExtractorOptions,
    final_endpoint: str,
    layers: Sequence[Layer],
    batch_norm: BatchNorm | None = None,
) -> dict[str, tf.Tensor]:
    """A backbone up to one of its layers.

    Of conv_hyperparams a backbone takes over epsilon and decay only: activations are the
    table's, and there is always a gamma and a beta.

    Args:
        image: [batch, H, W, 3] float32, normalised; it is padded to pad_to_multiple here.
        options: depth_multiplier, min_depth, pad_to_multiple, use_explicit_padding,
            override_base_hyperparams with hyperparams, and is_training are read.
        final_endpoint: The last layer to build.
        layers: The table.
        batch_norm: In place of the backbone's own or the config's.

    Returns:
        Outputs by name, in order: layer_1 and so on, and of each block layer_<n>/output (the
        same as layer_<n>), /depthwise_output and, where it expands, /expansion_output.

    Raises:
        ConfigError: The table has no such endpoint.
    """
    endpoints: dict[str, tf.Tensor] = {}
    net = pad_to_multiple(image, options.pad_to_multiple)
    explicit = options.use_explicit_padding
    hyperparams = ConvHyperparams(None, batch_norm or _batch_norm(options))
    counts = {Convolution: 0, Block: 0}
    with hyperparams.scope(is_training=options.is_training):
        for number, layer in enumerate(layers, start=1):
            count = counts[type(layer)]
            counts[type(layer)] += 1
            depth = divisible(layer.depth * options.depth_multiplier, least=options.min_depth)
            name = f"layer_{number}"
            if isinstance(layer, Convolution):
                net = _convolution(net, layer, depth, _numbered("Conv", count), explicit=explicit)
            else:
                scope = _numbered("expanded_conv", count)
                parts = inverted_residual(net, layer, depth, scope, explicit=explicit)
                endpoints |= {f"{name}/{part}": tensor for part, tensor in parts.items()}
                net = parts["output"]
            endpoints[name] = net
            if name == final_endpoint:
                return endpoints
    raise ConfigError("no such layer", expected=" | ".join(endpoints), got=final_endpoint)


def inverted_residual(
    net: tf.Tensor, block: Block, depth: int, scope: str, *, explicit: bool
) -> dict[str, tf.Tensor]:
    """Build one block, within an arg scope that gives the batch norm.

    Args:
        net: [batch, H, W, channels].
        block: What to build.
        depth: Output channels, multiplied and rounded already.
        scope: Its variable scope.
        explicit: Zero-pad by the kernel instead of SAME.

    Returns:
        output, and depthwise_output and expansion_output where there are such convolutions.
    """
    parts: dict[str, tf.Tensor] = {}
    channels = int(net.shape[-1])
    inner = divisible(channels * block.expansion, block.divisor, block.divisor)
    if explicit and block.pads_input:
        net = explicit_padding(net, block.kernel)
    with tf.variable_scope(scope), slim.arg_scope([slim.conv2d], padding="SAME"):
        # The identities carry the names that the OD API's graph gives these tensors.
        entry = net = tf.identity(net, "input")
        if inner > channels:
            net = slim.conv2d(
                net,
                inner,
                _square(block.kernel if block.fused else 1),
                stride=block.stride if block.fused else 1,
                activation_fn=block.activation,
                scope="expand",
            )
            net = parts["expansion_output"] = tf.identity(net, "expansion_output")
        if not block.fused:
            net = _depthwise(net, block, explicit=explicit and not block.pads_input)
            net = parts["depthwise_output"] = tf.identity(net, "depthwise_output")
        if block.gated:
            net = squeeze_excite(net)
        # The identity is where quantisation-aware training puts the range of the output.
        net = slim.conv2d(net, depth, _square(1), activation_fn=tf.identity, scope="project")
        if block.residual and block.stride == 1 and depth == channels:
            net += entry
        parts["output"] = tf.identity(net, "output")
    return parts


def squeeze_excite(net: tf.Tensor) -> tf.Tensor:
    """Scale each channel by what two 1x1 convolutions make of all channels' averages.

    Args:
        net: [batch, H, W, channels], H and W known.
    """
    height, width, channels = (int(size) for size in net.shape[1:])
    with tf.variable_scope("squeeze_excite"):
        pooled = tf.nn.avg_pool(net, [1, height, width, 1], [1, 1, 1, 1], "VALID")
        with slim.arg_scope([slim.conv2d], normalizer_fn=None):
            squeezed = slim.conv2d(
                pooled,
                divisible(channels / _SQUEEZE),
                [1, 1],
                activation_fn=tf.nn.relu,
                scope="Conv",
            )
            gate = slim.conv2d(
                squeezed, channels, [1, 1], activation_fn=_hard_sigmoid, scope="Conv_1"
            )
        return net * gate


def _hard_sigmoid(tensor: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu6(tensor + 3.0) * _GATE_SLOPE


def _depthwise(net: tf.Tensor, block: Block, *, explicit: bool) -> tf.Tensor:
    return slim.separable_conv2d(
        explicit_padding(net, block.kernel) if explicit else net,
        None,
        _square(block.kernel),
        depth_multiplier=1,
        stride=block.stride,
        padding="VALID" if explicit else "SAME",
        activation_fn=block.activation,
        scope="depthwise",
    )


def _convolution(
    net: tf.Tensor, layer: Convolution, depth: int, scope: str, *, explicit: bool
) -> tf.Tensor:
    return slim.conv2d(
        explicit_padding(net, layer.kernel) if explicit else net,
        depth,
        _square(layer.kernel),
        stride=layer.stride,
        padding="VALID" if explicit else "SAME",
        activation_fn=layer.activation,
        scope=scope,
    )


def _square(side: int) -> list[int]:
    return [side, side]


def _numbered(name: str, count: int) -> str:
    """The name that a scope gets when it is opened again: name, name_1, name_2."""
    return f"{name}_{count}" if count else name


def _batch_norm(options: ExtractorOptions) -> BatchNorm:
    given = options.hyperparams.batch_norm
    if not options.override_base_hyperparams or given is None:
        return _OWN
    return replace(given, scale=True, center=True)
