"""MobileNet V3 and MobileNet-EdgeTPU as tables, and the SSD extractors on top of them.

Architecture: https://arxiv.org/abs/1905.02244, tables 1 and 2; for detection the last stage
has half the channels (section 6.3). EdgeTPU: fused blocks in place of depthwise ones in the
early stages, no squeeze-and-excite, no hard-swish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import multi_resolution_feature_maps, ssd_layout
from validation.graphs.extractors.inverted_residual import (
    Block,
    Convolution,
    Layer,
    divisible,
    table_base,
)
from validation.graphs.hyperparams import hard_swish
from validation.graphs.slim_compat import slim

_SQUEEZE = 4

# One sixth, in the digits that the published checkpoints were trained with.
_GATE_SLOPE = 0.16667


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


_RELU = partial(Block, activation=tf.nn.relu, pads_input=True)
_RELU_GATED = partial(_RELU, gate=squeeze_excite)
_SWISH = partial(Block, activation=hard_swish, pads_input=True)
_SWISH_GATED = partial(_SWISH, gate=squeeze_excite)
_FUSED = partial(_RELU, fused=True)

LARGE: tuple[Layer, ...] = (
    Convolution(16, kernel=3, stride=2, activation=hard_swish),
    _RELU(16, expansion=1),
    _RELU(24, expansion=4, stride=2),
    _RELU(24, expansion=3),
    _RELU_GATED(40, expansion=3, kernel=5, stride=2),
    _RELU_GATED(40, expansion=3, kernel=5),
    _RELU_GATED(40, expansion=3, kernel=5),
    _SWISH(80, expansion=6, stride=2),
    _SWISH(80, expansion=2.5),
    _SWISH(80, expansion=184 / 80),
    _SWISH(80, expansion=184 / 80),
    _SWISH_GATED(112, expansion=6),
    _SWISH_GATED(112, expansion=6),
    _SWISH_GATED(80, expansion=6, kernel=5, stride=2),
    _SWISH_GATED(80, expansion=6, kernel=5),
    _SWISH_GATED(80, expansion=6, kernel=5),
    Convolution(480, kernel=1, activation=hard_swish),
)

SMALL: tuple[Layer, ...] = (
    Convolution(16, kernel=3, stride=2, activation=hard_swish),
    _RELU_GATED(16, expansion=1, stride=2),
    _RELU(24, expansion=72 / 16, stride=2),
    _RELU(24, expansion=88 / 24),
    _SWISH_GATED(40, expansion=4, kernel=5, stride=2),
    _SWISH_GATED(40, expansion=6, kernel=5),
    _SWISH_GATED(40, expansion=6, kernel=5),
    _SWISH_GATED(48, expansion=3, kernel=5),
    _SWISH_GATED(48, expansion=3, kernel=5),
    _SWISH_GATED(48, expansion=6, kernel=5, stride=2),
    _SWISH_GATED(48, expansion=6, kernel=5),
    _SWISH_GATED(48, expansion=6, kernel=5),
    Convolution(288, kernel=1, activation=hard_swish),
)

# The detectors stop at the last block; the classifier's 1x1 convolution is not theirs.
EDGETPU: tuple[Layer, ...] = (
    Convolution(32, kernel=3, stride=2, activation=tf.nn.relu),
    _FUSED(16, expansion=1),
    _FUSED(32, expansion=8, stride=2),
    _FUSED(32, expansion=4),
    _FUSED(32, expansion=4),
    _FUSED(32, expansion=4),
    _FUSED(48, expansion=8, stride=2),
    _FUSED(48, expansion=4),
    _FUSED(48, expansion=4),
    _FUSED(48, expansion=4),
    _RELU(96, expansion=8, stride=2),
    _RELU(96, expansion=4),
    _RELU(96, expansion=4),
    _RELU(96, expansion=4),
    _RELU(96, expansion=8, residual=False),
    _RELU(96, expansion=4),
    _RELU(96, expansion=4),
    _RELU(96, expansion=4),
    _RELU(160, expansion=8, kernel=5, stride=2),
    _RELU(160, expansion=4, kernel=5),
    _RELU(160, expansion=4, kernel=5),
    _RELU(160, expansion=4, kernel=5),
    _RELU(192, expansion=8),
)


@dataclass(frozen=True)
class _Ssd:
    """An SSD extractor over one table.

    Args:
        scope: Variable scope of the backbone.
        layers: The table.
        first: The layer of stride 16 that is the first feature map.
        second: The layer of stride 32 that is the second.
    """

    scope: str
    layers: tuple[Layer, ...]
    first: str
    second: str

    def __call__(self, image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
        """Feature maps: the two layers and the added ones.

        Raises:
            ConfigError: Explicit padding with fused blocks.
        """
        if options.use_explicit_padding and any(
            isinstance(layer, Block) and layer.fused for layer in self.layers
        ):
            # The OD API pads by the depthwise kernel, which a fused block has not, and
            # then fails to add an input to a smaller output.
            raise ConfigError(
                "use_explicit_padding does not go with fused blocks",
                expected="false",
                got="true",
                where=f"feature_extractor of type {options.kind}",
                next_step="no checkpoint can have been trained with it",
            )
        layout = ssd_layout(self.first, self.second)[: options.num_layers]
        with tf.variable_scope(self.scope):
            endpoints = table_base(image, options, self.second, self.layers)
            return multi_resolution_feature_maps(endpoints, layout, options)


ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_mobilenet_v3_large": ExtractorEntry(
        _Ssd("MobilenetV3", LARGE, "layer_14/expansion_output", "layer_17")
    ),
    "ssd_mobilenet_v3_small": ExtractorEntry(
        _Ssd("MobilenetV3", SMALL, "layer_10/expansion_output", "layer_13")
    ),
    "ssd_mobilenet_edgetpu": ExtractorEntry(
        _Ssd("MobilenetEdgeTPU", EDGETPU, "layer_18/expansion_output", "layer_23")
    ),
}
