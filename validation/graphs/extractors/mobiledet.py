"""MobileDet for CPU, DSP, Edge TPU and GPU, with SSD's added layers on top.

Backbones: https://arxiv.org/abs/2004.14525. Their batch norm parameters are fixed;
conv_hyperparams go for the added layers alone, whatever override_base_hyperparams says.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import (
    ExtractorEntry,
    ExtractorOptions,
    pad_to_multiple,
    refused_field,
)
from validation.graphs.extractors.feature_maps import multi_resolution_feature_maps, ssd_layout
from validation.graphs.extractors.mobiledet_blocks import BACKBONES, Backbone, Style
from validation.graphs.hyperparams import BatchNorm
from validation.graphs.slim_compat import slim

_BATCH_NORM = BatchNorm(epsilon=0.01, decay=0.99, scale=True, center=True)
_LAYOUT = ssd_layout("C4", "C5")


def mobiledet_base(
    image: tf.Tensor, options: ExtractorOptions, backbone: Backbone
) -> dict[str, tf.Tensor]:
    """The outputs of a backbone's stages, C1 to C5.

    Call it inside the variable scope of the backbone.

    Args:
        image: [batch, H, W, 3] float32, normalised and padded.
        options: depth_multiplier and is_training are read; min_depth is not: channels are
            multiples of 8 and at least 8.
        backbone: The table.
    """
    style = Style(backbone.activation, backbone.squeeze_excite, options.depth_multiplier)
    arguments = _BATCH_NORM.arguments(is_training=options.is_training)
    endpoints: dict[str, tf.Tensor] = {}
    net = image
    with slim.arg_scope([slim.batch_norm], **arguments):
        for number, stage in enumerate(backbone.stages, start=1):
            for block in stage:
                net = block.build(net, style)
            endpoints[f"C{number}"] = net
    return endpoints


def ssd_mobiledet(
    image: tf.Tensor, options: ExtractorOptions, *, backbone: Backbone
) -> Sequence[tf.Tensor]:
    """C4, C5 and four added layers.

    Args:
        image: [batch, H, W, 3] float32, normalised.
        options: Of the config.
        backbone: The table.

    Raises:
        ConfigError: use_explicit_padding, or num_layers is not 6.
    """
    if options.use_explicit_padding:
        raise refused_field("use_explicit_padding on MobileDet", options, False, True)
    if options.num_layers != len(_LAYOUT):
        what, expected = "MobileDet has a fixed number of feature maps", len(_LAYOUT)
        raise refused_field(what, options, f"num_layers {expected}", options.num_layers)
    with tf.variable_scope(backbone.scope):
        padded = pad_to_multiple(image, options.pad_to_multiple)
        endpoints = mobiledet_base(padded, options, backbone)
        return multi_resolution_feature_maps(endpoints, _LAYOUT, options)


ENTRIES: dict[str, ExtractorEntry] = {
    f"ssd_mobiledet_{name}": ExtractorEntry(functools.partial(ssd_mobiledet, backbone=backbone))
    for name, backbone in BACKBONES.items()
}
