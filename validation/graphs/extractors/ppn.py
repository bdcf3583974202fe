"""Pooling pyramid networks: one feature map of the backbone, then max pools of it.

https://arxiv.org/abs/1807.03284. The levels have no weights of their own, so that one box
predictor can serve them all.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import (
    ExtractorEntry,
    ExtractorOptions,
    pad_to_multiple,
    refused_field,
)
from validation.graphs.extractors.mobilenet_v1 import mobilenet_v1_base
from validation.graphs.extractors.resnet_fpn import ENTRIES as RESNET_FPN_ENTRIES
from validation.graphs.extractors.resnet_fpn import backbone_hyperparams
from validation.graphs.extractors.resnet_v1 import resnet_v1_base
from validation.graphs.slim_compat import slim

_LEVELS = 6
_POOL = 2
# Of the 1x1 convolution below the pyramid of the ResNets; MobileNet V1 has none.
_RESNET_DEPTH = 1024


def pooling_pyramid(base: tf.Tensor) -> list[tf.Tensor]:
    """The base and five 2x2 max pools, each of the one before; odd sides round up.

    Args:
        base: [batch, H, W, channels].
    """
    levels = [base]
    for number in range(_LEVELS - 1):
        levels.append(
            slim.max_pool2d(
                levels[-1],
                [_POOL, _POOL],
                stride=_POOL,
                padding="SAME",
                scope=f"MaxPool2d_{number}_2x2",
            )
        )
    return levels


def ssd_mobilenet_v1_ppn(image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
    """Layer 11 of MobileNet V1 and its pools.

    The OD API builds the backbone to its end; layers 12 and 13 are in its checkpoints,
    though no output needs them.

    Args:
        image: [batch, H, W, 3] float32, normalised.
        options: Of the config; use_depthwise is without effect.

    Raises:
        ConfigError: num_layers is not 6.
    """
    _check_levels(options)
    with tf.variable_scope("MobilenetV1"):
        return pooling_pyramid(mobilenet_v1_base(image, options)["Conv2d_11_pointwise"])


def ssd_resnet_v1_ppn(
    image: tf.Tensor, options: ExtractorOptions, *, layers: int
) -> Sequence[tf.Tensor]:
    """Block 3 of ResNet v1, narrowed, and its pools.

    Args:
        image: [batch, H, W, 3] float32, channel means subtracted.
        options: use_depthwise and use_explicit_padding are without effect, as in the OD API.
        layers: 50, 101 or 152.

    Raises:
        ConfigError: num_layers is not 6, or there is a depth multiplier.
    """
    _check_levels(options)
    if options.depth_multiplier != 1:
        what = "depth_multiplier on a ResNet pooling pyramid"
        raise refused_field(what, options, 1.0, options.depth_multiplier)
    with tf.variable_scope(f"resnet_v1_{layers}") as network:
        # As for the feature pyramid: operation names show the scope twice.
        with (
            backbone_hyperparams(options).scope(is_training=options.is_training),
            tf.variable_scope(network),
        ):
            padded = pad_to_multiple(image, options.pad_to_multiple)
            features = resnet_v1_base(padded, layers, lambda channels: channels)
        with options.hyperparams.scope(is_training=options.is_training):
            scope = f"Base_Conv2d_1x1_{_RESNET_DEPTH}"
            base = slim.conv2d(features["block3"], _RESNET_DEPTH, [1, 1], scope=scope)
        return pooling_pyramid(base)


def _check_levels(options: ExtractorOptions) -> None:
    if options.num_layers != _LEVELS:
        raise ConfigError(
            "a pooling pyramid has a fixed number of feature maps",
            expected=_LEVELS,
            got=options.num_layers,
            where=f"feature_extractor.num_layers of {options.kind}",
        )


ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_mobilenet_v1_ppn": ExtractorEntry(ssd_mobilenet_v1_ppn),
    **{
        f"ssd_resnet{layers}_v1_ppn": dataclasses.replace(
            # The backbone's normalisation is that of the feature pyramid.
            RESNET_FPN_ENTRIES[f"ssd_resnet{layers}_v1_fpn"],
            build=functools.partial(ssd_resnet_v1_ppn, layers=layers),
        )
        for layers in (50, 101, 152)
    },
}
