"""MnasFPN on MobileNet V2: https://arxiv.org/abs/1912.01106, its cells as data.

conv_hyperparams of the feature extractor go for nothing here: backbone and pyramid have batch
norm parameters of their own, and ReLU 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import explicit_padding, padded, upsample
from validation.graphs.extractors.inverted_residual import TABLES, divisible, table_base
from validation.graphs.hyperparams import BatchNorm
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Block:
    """One new feature map of a cell: two earlier ones brought together and convolved.

    Args:
        inputs: Which ones: the cell's inputs count first, then its blocks.
        level: Of the new feature map; level n has stride 2**n.
        kernel: Side of the depthwise kernel.
        expansion: Channels of the sum, before the depth multiplier.
    """

    inputs: tuple[int, int]
    level: int
    kernel: int
    expansion: int


# The last blocks, one a level, are the inputs of the next cell.
CELL = (
    Block(inputs=(1, 2), level=4, kernel=3, expansion=256),
    Block(inputs=(0, 4), level=3, kernel=3, expansion=128),
    Block(inputs=(5, 4), level=4, kernel=3, expansion=128),
    Block(inputs=(4, 3), level=5, kernel=5, expansion=128),
    Block(inputs=(4, 3), level=6, kernel=3, expansion=96),
)
_CELLS = 4
_LEVELS = (3, 4, 5, 6)

# Levels 3 to 5; level 6 is pooled from level 5.
_BACKBONE_LAYERS = ("layer_7", "layer_14", "layer_18")

_BATCH_NORM = BatchNorm(epsilon=0.01, decay=0.99, scale=True, center=True)
_DIVISOR = 8
_POOL = 3


def ssd_mobilenet_v2_mnasfpn(image: tf.Tensor, options: ExtractorOptions) -> Sequence[tf.Tensor]:
    """Levels 3 to 6, every one of fpn.additional_layer_depth channels.

    Args:
        image: [batch, H, W, 3] float32, normalised.
        options: hyperparams, override_base_hyperparams and use_depthwise are without effect.

    Raises:
        ConfigError: Other levels than the cells', or a size that does not halve exactly.
    """
    levels = (options.pyramid.min_level, options.pyramid.max_level)
    if levels != (_LEVELS[0], _LEVELS[-1]):
        raise ConfigError(
            "levels that MnasFPN is not made for",
            expected=f"min_level {_LEVELS[0]}, max_level {_LEVELS[-1]}",
            got=f"min_level {levels[0]}, max_level {levels[1]}",
            where=f"feature_extractor.fpn of {options.kind}",
        )
    _check_sizes(image, options)
    with tf.variable_scope("MobilenetV2"):
        backbone = TABLES["mobilenet_v2"]
        endpoints = table_base(image, options, _BACKBONE_LAYERS[-1], backbone, _BATCH_NORM)
    features = [endpoints[name] for name in _BACKBONE_LAYERS]
    arguments = _BATCH_NORM.arguments(is_training=options.is_training)
    with tf.variable_scope("MnasFPN"), slim.arg_scope([slim.batch_norm], **arguments):
        pooled = _pooled(features[-1], 2, options, scope="C6_downsample")
        coarsest = _linear(pooled, _depth(options.pyramid.depth, options), scope="C6_Conv1x1")
        # The OD API's graph has this node, for quantisation.
        features.append(tf.identity(coarsest))
        for number in range(_CELLS):
            with tf.variable_scope(f"cell_{number}"):
                features = _cell(features, options)
    return features


def _cell(inputs: Sequence[tf.Tensor], options: ExtractorOptions) -> list[tf.Tensor]:
    """One feature map a level from one feature map a level."""
    features, levels = list(inputs), list(_LEVELS)
    for number, block in enumerate(CELL):
        with tf.variable_scope(f"block_{number}"):
            first, second = (
                _resampled(features[index], levels[index], block, f"input_{number}", options)
                for number, index in enumerate(block.inputs)
            )
            features.append(_convolved(first + second, block, options))
        levels.append(block.level)
    # In the first cell the backbone's channels differ: only what fits is added.
    return [
        output + given if output.shape.as_list() == given.shape.as_list() else output
        for given, output in zip(inputs, features[-len(inputs) :], strict=True)
    ]


def _resampled(
    net: tf.Tensor, level: int, block: Block, scope: str, options: ExtractorOptions
) -> tf.Tensor:
    """Bring one input to the block's level and expansion; the 1x1 is done at the coarser."""
    expansion = _depth(block.expansion, options)
    with tf.variable_scope(scope):
        if level < block.level:
            net = _pooled(net, 2 ** (block.level - level), options, scope="Downsample")
            return _linear(net, expansion, scope="Conv1x1")
        net = _linear(net, expansion, scope="Conv1x1")
        if level == block.level:
            return net
        return upsample(net, 2 ** (level - block.level))


def _convolved(net: tf.Tensor, block: Block, options: ExtractorOptions) -> tf.Tensor:
    """ReLU 6 and a separable convolution to the depth of the pyramid."""
    net = tf.nn.relu6(net)
    if options.use_explicit_padding:
        net = explicit_padding(net, block.kernel)
    return slim.separable_conv2d(
        net,
        _depth(options.pyramid.depth, options),
        [block.kernel, block.kernel],
        padding="VALID" if options.use_explicit_padding else "SAME",
        activation_fn=None,
        normalizer_fn=slim.batch_norm,
        scope="SepConv",
    )


def _pooled(net: tf.Tensor, stride: int, options: ExtractorOptions, *, scope: str) -> tf.Tensor:
    """Max pooling over 3x3, whatever the stride."""
    net, padding = padded(net, _POOL, explicit=options.use_explicit_padding)
    return slim.max_pool2d(net, [_POOL, _POOL], stride=stride, padding=padding, scope=scope)


def _linear(net: tf.Tensor, depth: int, *, scope: str) -> tf.Tensor:
    """1x1 convolution and batch norm without activation."""
    return slim.conv2d(
        net, depth, [1, 1], activation_fn=None, normalizer_fn=slim.batch_norm, scope=scope
    )


def _depth(channels: int, options: ExtractorOptions) -> int:
    """Channels after the multiplier, rounded as those of the backbone are."""
    return divisible(channels * options.depth_multiplier, _DIVISOR, options.min_depth)


def _check_sizes(image: tf.Tensor, options: ExtractorOptions) -> None:
    """Every level is half of the one before, or the sums in the cells are of unequal sizes.

    Strides round up, and rounding once for all of them gives the same.
    """
    multiple = options.pad_to_multiple
    sides = [-(-int(side) // multiple) * multiple for side in image.shape[1:3]]
    finest = [-(-side // 2 ** _LEVELS[0]) for side in sides]
    for level in _LEVELS[1:]:
        halved = [side / 2 ** (level - _LEVELS[0]) for side in finest]
        rounded = [-(-side // 2**level) for side in sides]
        if rounded != halved:
            raise ConfigError(
                f"level {level} of MnasFPN does not halve exactly",
                expected=f"{halved[0]:g}x{halved[1]:g}",
                got=f"{rounded[0]}x{rounded[1]}",
                where=f"image_resizer for {options.kind}",
                next_step="set height and width, or pad_to_multiple, to a multiple of "
                f"{2 ** _LEVELS[-1]}",
            )


ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_mobilenet_v2_mnasfpn": ExtractorEntry(ssd_mobilenet_v2_mnasfpn)
}
