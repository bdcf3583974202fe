"""MobileNet V2 as a table, and the SSD extractor on top of it.

Architecture: https://arxiv.org/abs/1801.04381, table 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import multi_resolution_feature_maps, ssd_layout
from validation.graphs.extractors.inverted_residual import Block, Convolution, Layer, table_base
from validation.graphs.hyperparams import BatchNorm

MOBILENET_V2: tuple[Layer, ...] = (
    Convolution(32, kernel=3, stride=2),
    Block(16, expansion=1, divisor=1),
    Block(24, stride=2),
    Block(24),
    Block(32, stride=2),
    Block(32),
    Block(32),
    Block(64, stride=2),
    Block(64),
    Block(64),
    Block(64),
    Block(96),
    Block(96),
    Block(96),
    Block(160, stride=2),
    Block(160),
    Block(160),
    Block(320),
    Convolution(1280, kernel=1),
)

_SSD_LAYOUT = ssd_layout("layer_15/expansion_output", "layer_19")


def mobilenet_v2_base(
    image: tf.Tensor,
    options: ExtractorOptions,
    final_endpoint: str = "layer_19",
    *,
    layers: Sequence[Layer] = MOBILENET_V2,
    batch_norm: BatchNorm | None = None,
) -> dict[str, tf.Tensor]:
    """The backbone up to one of its layers.

    Call it inside the variable scope MobilenetV2.

    Args:
        image: [batch, H, W, 3] float32, normalised; it is padded to pad_to_multiple here.
        options: See inverted_residual.table_base.
        final_endpoint: The last layer to build.
        layers: The table; FPN extractors narrow its end.
        batch_norm: In place of the backbone's own or the config's.

    Returns:
        Outputs by name: layer_1 to layer_19, and of each block layer_<n>/output,
        /depthwise_output and, where it expands, /expansion_output.

    Raises:
        ConfigError: The table has no such endpoint.
    """
    return table_base(image, options, final_endpoint, layers, batch_norm)


def ssd_mobilenet_v2(image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
    """Feature maps of ssd_mobilenet_v2: inside layer 15, layer 19 and the added ones."""
    with tf.variable_scope("MobilenetV2"):
        endpoints = mobilenet_v2_base(image, options)
        return multi_resolution_feature_maps(endpoints, _SSD_LAYOUT[: options.num_layers], options)


ENTRIES: dict[str, ExtractorEntry] = {"ssd_mobilenet_v2": ExtractorEntry(ssd_mobilenet_v2)}
