"""MobileNet V1, as ``mobilenet_v1.toml`` lists its layers, and the SSD extractor on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.files.structured import read_toml
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions, pad_to_multiple
from validation.graphs.extractors.feature_maps import (
    multi_resolution_feature_maps,
    padded,
    ssd_layout,
)
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Layer:
    """A 3x3 convolution; in every layer but the first it is depthwise, with 1x1 behind.

    Args:
        depth: Output channels before the depth multiplier.
        stride: Of the 3x3 convolution.
    """

    depth: int
    stride: int = 1


_TABLES = read_toml(Path(__file__).with_name("mobilenet_v1.toml"), dict[str, tuple[Layer, ...]])
MOBILENET_V1 = _TABLES["layers"]

_KERNEL = 3

# What the backbone has of its own, where conv_hyperparams do not go for it.
_OWN = ConvHyperparams(tf.nn.relu6, BatchNorm(epsilon=0.001, decay=0.9997, scale=True, center=True))

_SSD_LAYOUT = ssd_layout("Conv2d_11_pointwise", "Conv2d_13_pointwise")


def mobilenet_v1_base(
    image: tf.Tensor,
    options: ExtractorOptions,
    final_endpoint: str = "Conv2d_13_pointwise",
    *,
    layers: Sequence[Layer] = MOBILENET_V1,
) -> dict[str, tf.Tensor]:
    """The backbone up to one of its layers.

    Call it inside the variable scope MobilenetV1.

    Args:
        image: [batch, H, W, 3] float32, normalised; it is padded to pad_to_multiple here.
        options: depth_multiplier, min_depth, pad_to_multiple, use_explicit_padding,
            override_base_hyperparams with hyperparams, and is_training are read.
        final_endpoint: The last layer to build.
        layers: The table; FPN extractors narrow its end.

    Returns:
        Outputs by name, in order: Conv2d_0, then Conv2d_<i>_depthwise and Conv2d_<i>_pointwise.

    Raises:
        ConfigError: The table has no such endpoint.
    """
    endpoints: dict[str, tf.Tensor] = {}
    net = pad_to_multiple(image, options.pad_to_multiple)
    # The scope is entered once more, as in the OD API: its operations are named below
    # MobilenetV1/MobilenetV1, its variables below MobilenetV1.
    with (
        tf.variable_scope(tf.get_variable_scope()),
        _hyperparams(options).scope(is_training=options.is_training),
    ):
        for index, layer in enumerate(layers):
            net = _convolution(net, index, layer, options)
            endpoints[_name(index)] = net
            if _name(index) == final_endpoint:
                return endpoints
            if index == 0:
                continue
            name = f"Conv2d_{index}_pointwise"
            net = slim.conv2d(net, options.depth(layer.depth), [1, 1], padding="SAME", scope=name)
            endpoints[name] = net
            if name == final_endpoint:
                return endpoints
    raise ConfigError("no such layer", expected=" | ".join(endpoints), got=final_endpoint)


def _name(index: int) -> str:
    return "Conv2d_0" if index == 0 else f"Conv2d_{index}_depthwise"


def _convolution(net: tf.Tensor, index: int, layer: Layer, options: ExtractorOptions) -> tf.Tensor:
    """The 3x3 convolution of a layer."""
    net, padding = padded(net, _KERNEL, explicit=options.use_explicit_padding)
    kernel = [_KERNEL, _KERNEL]
    arguments = {"stride": layer.stride, "padding": padding, "scope": _name(index)}
    if index == 0:
        return slim.conv2d(net, options.depth(layer.depth), kernel, **arguments)
    return slim.separable_conv2d(net, None, kernel, depth_multiplier=1, **arguments)


def _hyperparams(options: ExtractorOptions) -> ConvHyperparams:
    """The backbone's own, or the config's; it is batch-normalised in either case."""
    if not options.override_base_hyperparams:
        return _OWN
    given = options.hyperparams
    return ConvHyperparams(given.activation, given.batch_norm or _OWN.batch_norm)


def ssd_mobilenet_v1(image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
    """Feature maps of ssd_mobilenet_v1: layers 11 and 13 and the added ones."""
    with tf.variable_scope("MobilenetV1"):
        endpoints = mobilenet_v1_base(image, options)
        return multi_resolution_feature_maps(endpoints, _SSD_LAYOUT[: options.num_layers], options)


ENTRIES: dict[str, ExtractorEntry] = {"ssd_mobilenet_v1": ExtractorEntry(ssd_mobilenet_v1)}
