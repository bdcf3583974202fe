"""Feature pyramid on a backbone: top-down to the finest level, then coarser levels.

https://arxiv.org/abs/1612.03144, with the variable names of the OD API.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions
from validation.graphs.extractors.feature_maps import padded, upsample
from validation.graphs.slim_compat import slim

_KERNEL = 3


@dataclass(frozen=True)
class PyramidConvs:
    """How the 3x3 convolutions of a pyramid are made.

    Args:
        depth: Channels of every level, after the depth multiplier.
        depthwise: Separable instead of full.
        explicit: Pad evenly at both ends instead of SAME.
    """

    depth: int
    depthwise: bool = False
    explicit: bool = False

    def __call__(self, net: tf.Tensor, *, stride: int, scope: str) -> tf.Tensor:
        """One convolution with the activation and batch norm of the arg_scope around it."""
        net, padding = padded(net, _KERNEL, explicit=self.explicit)
        arguments: dict[str, Any] = {"stride": stride, "padding": padding, "scope": scope}
        if self.depthwise:
            return slim.separable_conv2d(
                net, self.depth, [_KERNEL, _KERNEL], depth_multiplier=1, **arguments
            )
        return slim.conv2d(net, self.depth, [_KERNEL, _KERNEL], **arguments)


def feature_pyramid(
    levels: Mapping[int, tf.Tensor],
    options: ExtractorOptions,
    coarse_scope: Callable[[int], str],
    *,
    depthwise: bool = False,
    explicit: bool = False,
) -> list[tf.Tensor]:
    """Feature maps of ``options.pyramid``, finest first, made in the scope fpn.

    Args:
        levels: Backbone feature maps by level; level n has stride 2**n.
        options: Gives the levels, the depth and conv_hyperparams.
        coarse_scope: Scope of the convolution that makes a level above the backbone's.
        depthwise: Separable convolutions.
        explicit: Even padding instead of SAME.

    Raises:
        ConfigError: Levels that the backbone lacks, or an input size that does not halve
            exactly from level to level.
    """
    pyramid = options.pyramid
    coarsest = min(pyramid.max_level, max(levels))
    if pyramid.min_level not in levels or coarsest < pyramid.min_level:
        raise ConfigError(
            "fpn levels that the backbone does not have",
            expected=f"{min(levels)} <= min_level <= {max(levels)}, min_level <= max_level",
            got=f"min_level {pyramid.min_level}, max_level {pyramid.max_level}",
            where=f"feature_extractor.fpn of {options.kind}",
        )
    convs = PyramidConvs(options.depth(pyramid.depth), depthwise, explicit)
    backbone = [levels[level] for level in range(pyramid.min_level, coarsest + 1)]
    with options.hyperparams.scope(is_training=options.is_training), tf.variable_scope("fpn"):
        features = top_down(backbone, convs, where=f"image_resizer for {options.kind}")
        for level in range(coarsest + 1, pyramid.max_level + 1):
            features.append(convs(features[-1], stride=2, scope=coarse_scope(level)))
    return features


def top_down(backbone: Sequence[tf.Tensor], convs: PyramidConvs, *, where: str) -> list[tf.Tensor]:
    """One feature map for each of the backbone's, each with what the coarser ones know.

    The coarsest map is its projection alone. The sums, not the smoothed maps, go on to the
    next finer level.

    Args:
        backbone: Feature maps, finest first.
        convs: Depth and kind of the smoothing convolutions.
        where: Place in the config that decides the sizes, for messages.

    Raises:
        ConfigError: A map that is not half as large as the next finer one.
    """
    with tf.name_scope("top_down"):
        merged = _projection(backbone[-1], convs.depth, number=len(backbone))
        features = [merged]
        for number in range(len(backbone) - 1, 0, -1):
            upsampled = upsample(merged)
            lateral = _projection(backbone[number - 1], convs.depth, number=number)
            height, width = int(lateral.shape[1]), int(lateral.shape[2])
            if convs.explicit:
                # An odd side was rounded up when it was halved: one row or column is over. The
                # OD API cuts it off here and refuses it with SAME padding.
                upsampled = upsampled[:, :height, :width, :]
            if upsampled.shape[1:3] != lateral.shape[1:3]:
                raise ConfigError(
                    "feature maps of the pyramid do not halve exactly",
                    expected=f"{height}x{width}",
                    got=f"{upsampled.shape[1]}x{upsampled.shape[2]} after upsampling",
                    where=where,
                    next_step="set height and width, or pad_to_multiple, to a multiple of the "
                    "coarsest stride",
                )
            merged = upsampled + lateral
            features.append(convs(merged, stride=1, scope=f"smoothing_{number}"))
    return features[::-1]


def _projection(net: tf.Tensor, depth: int, *, number: int) -> tf.Tensor:
    """1x1 convolution with biases, without activation and batch norm."""
    return slim.conv2d(
        net, depth, [1, 1], activation_fn=None, normalizer_fn=None, scope=f"projection_{number}"
    )
