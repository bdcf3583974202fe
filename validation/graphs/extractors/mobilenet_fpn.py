"""ssd_mobilenet_v1_fpn and ssd_mobilenet_v2_fpn."""

from __future__ import annotations

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors import inverted_residual, mobilenet_v1
from validation.graphs.extractors.fpn import feature_pyramid

# Layers of the backbones by pyramid level, and the number that the OD API counts the coarser
# levels on from: level 6 of MobileNet V1 is made by Conv2d_14.
_V1_LAYERS = {
    2: "Conv2d_3_pointwise",
    3: "Conv2d_5_pointwise",
    4: "Conv2d_11_pointwise",
    5: "Conv2d_13_pointwise",
}
_V1_LAST = 13
_V2_LAYERS = {2: "layer_4", 3: "layer_7", 4: "layer_14", 5: "layer_19"}
_V2_LAST = 19
_BACKBONE_LEVELS = 5

# With use_depthwise the end of the backbone is narrowed too: the pyramid's levels have at
# most 256 channels.
_V1_NARROW = (
    *mobilenet_v1.MOBILENET_V1[:-2],
    mobilenet_v1.Layer(512, stride=2),
    mobilenet_v1.Layer(256),
)
_V2 = inverted_residual.TABLES["mobilenet_v2"]
_V2_NARROW = (*_V2[:-1], inverted_residual.Convolution(256, kernel=1))


def ssd_mobilenet_v1_fpn(image: tf.Tensor, options: ExtractorOptions) -> list[tf.Tensor]:
    """Pyramid levels on MobileNet V1.

    Args:
        image: [batch, H, W, 3], normalised.
        options: Every field but num_layers is read.

    Raises:
        ConfigError: Levels or sizes that do not fit.
    """
    layers = _V1_NARROW if options.use_depthwise else mobilenet_v1.MOBILENET_V1
    with tf.variable_scope("MobilenetV1"):
        endpoints = mobilenet_v1.mobilenet_v1_base(image, options, layers=layers)
        return _pyramid(endpoints, options, _V1_LAYERS, _V1_LAST)


def ssd_mobilenet_v2_fpn(image: tf.Tensor, options: ExtractorOptions) -> list[tf.Tensor]:
    """Pyramid levels on MobileNet V2.

    Args:
        image: [batch, H, W, 3], normalised.
        options: Every field but num_layers is read.

    Raises:
        ConfigError: Levels or sizes that do not fit.
    """
    layers = _V2_NARROW if options.use_depthwise else _V2
    with tf.variable_scope("MobilenetV2"):
        endpoints = inverted_residual.table_base(image, options, "layer_19", layers)
        return _pyramid(endpoints, options, _V2_LAYERS, _V2_LAST)


def _pyramid(
    endpoints: dict[str, tf.Tensor], options: ExtractorOptions, layers: dict[int, str], last: int
) -> list[tf.Tensor]:
    return feature_pyramid(
        {level: endpoints[layer] for level, layer in layers.items()},
        options,
        lambda level: f"bottom_up_Conv2d_{level - _BACKBONE_LEVELS + last}",
        depthwise=options.use_depthwise,
        explicit=options.use_explicit_padding,
    )


ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_mobilenet_v1_fpn": ExtractorEntry(ssd_mobilenet_v1_fpn),
    "ssd_mobilenet_v2_fpn": ExtractorEntry(ssd_mobilenet_v2_fpn),
}
