"""ssd_resnet50_v1_fpn, ssd_resnet101_v1_fpn and ssd_resnet152_v1_fpn."""

from __future__ import annotations

import dataclasses
import functools

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import (
    ExtractorEntry,
    ExtractorOptions,
    pad_to_multiple,
    refused_field,
)
from validation.graphs.extractors.fpn import feature_pyramid
from validation.graphs.extractors.resnet_v1 import resnet_v1_base
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams
from validation.specs.contracts import CHANNEL_MEANS

# Batch norm of slim's ResNets. conv_hyperparams reach slim.batch_norm's defaults only, and
# slim's ResNets name these three at each convolution, so they hold with the override flag too.
_BATCH_NORM = BatchNorm(epsilon=1e-5, decay=0.997, scale=True)

# Blocks of the backbone by pyramid level.
_BLOCKS = {2: "block1", 3: "block2", 4: "block3", 5: "block4"}


def build_resnet_fpn(
    image: tf.Tensor, options: ExtractorOptions, *, layers: int
) -> list[tf.Tensor]:
    """Pyramid levels on a ResNet v1 backbone.

    Args:
        image: [batch, H, W, 3], channel means subtracted.
        options: use_depthwise is without effect, as in the OD API.
        layers: 50, 101 or 152.

    Raises:
        ConfigError: use_explicit_padding, or levels or sizes that do not fit.
    """
    if options.use_explicit_padding:
        raise refused_field("use_explicit_padding on a ResNet pyramid", options, False, True)
    name = f"resnet_v1_{layers}"
    with tf.variable_scope(name) as network:
        # The OD API enters the scope twice; op names of its graphs show it.
        with (
            backbone_hyperparams(options).scope(is_training=options.is_training),
            tf.variable_scope(network),
        ):
            padded = pad_to_multiple(image, options.pad_to_multiple)
            features = resnet_v1_base(padded, layers, options.depth)
        return feature_pyramid(
            {level: features[block] for level, block in _BLOCKS.items()},
            options,
            lambda level: f"bottom_up_block{level - 1}",
        )


def backbone_hyperparams(options: ExtractorOptions) -> ConvHyperparams:
    """Activation and batch norm inside the residual units.

    The override flag exchanges ReLU for the configured activation, and takes batch norm
    away where conv_hyperparams have none. Epsilon, decay and gamma stay slim's.
    """
    if not options.override_base_hyperparams:
        return ConvHyperparams(tf.nn.relu, _BATCH_NORM)
    configured = options.hyperparams
    if configured.batch_norm is None:
        return configured
    norm = dataclasses.replace(_BATCH_NORM, center=configured.batch_norm.center)
    return ConvHyperparams(configured.activation, norm)


ENTRIES: dict[str, ExtractorEntry] = {
    f"ssd_resnet{layers}_v1_fpn": ExtractorEntry(
        functools.partial(build_resnet_fpn, layers=layers),
        scale=CHANNEL_MEANS[0],
        offset=CHANNEL_MEANS[1],
    )
    for layers in (50, 101, 152)
}
