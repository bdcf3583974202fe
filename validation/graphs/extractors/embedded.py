"""Embedded SSD on MobileNet V1: five maps of a 256x256 image, no kernel larger than its map."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import FeatureMap, multi_resolution_feature_maps
from validation.graphs.extractors.mobilenet_v1 import mobilenet_v1_base

_SIDE = 256

# The fourth map has two cells a side: a 3x3 kernel would be larger.
_LAYOUT = (
    FeatureMap("Conv2d_11_pointwise"),
    FeatureMap("Conv2d_13_pointwise"),
    FeatureMap(depth=512),
    FeatureMap(depth=256),
    FeatureMap(depth=256, kernel=2),
)


def embedded_ssd_mobilenet_v1(image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
    """Feature maps of embedded_ssd_mobilenet_v1: 16, 8, 4, 2 and 1 cells a side.

    Raises:
        ConfigError: Another image size, or pad_to_multiple other than 1.
    """
    height, width = int(image.shape[1]), int(image.shape[2])
    if (height, width) != (_SIDE, _SIDE):
        raise ConfigError(
            "embedded_ssd_mobilenet_v1 has one image size",
            expected=f"{_SIDE}x{_SIDE}",
            got=f"{height}x{width}",
            where="image_resizer",
        )
    if options.pad_to_multiple != 1:
        raise ConfigError(
            "embedded_ssd_mobilenet_v1 does not pad",
            expected=1,
            got=options.pad_to_multiple,
            where="feature_extractor.pad_to_multiple",
        )
    with tf.variable_scope("MobilenetV1"):
        endpoints = mobilenet_v1_base(image, options)
        return multi_resolution_feature_maps(endpoints, _LAYOUT, options)


ENTRIES: dict[str, ExtractorEntry] = {
    "embedded_ssd_mobilenet_v1": ExtractorEntry(embedded_ssd_mobilenet_v1)
}
