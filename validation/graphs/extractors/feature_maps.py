"""The feature maps of SSD: layers of the backbone, then stride-2 layers added on top.

Source: https://arxiv.org/abs/1512.02325, section 2.1, with a 1x1 convolution to half the
depth before each stride-2 convolution, as the OD API builds them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorOptions
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class FeatureMap:
    """One row of the table that an extractor gives.

    Args:
        from_layer: A layer of the backbone; empty for one that is added.
        depth: Channels of an added layer, before the depth multiplier.
        kernel: Side of an added layer's stride-2 convolution.
    """

    from_layer: str = ""
    depth: int = 0
    kernel: int = 3


def ssd_layout(first: str, second: str) -> tuple[FeatureMap, ...]:
    """The six rows of most SSD extractors: two layers of the backbone and four added.

    Args:
        first: Layer of stride 16.
        second: Layer of stride 32, which the added layers follow and are named after.
    """
    added = (FeatureMap(depth=depth) for depth in (512, 256, 256, 128))
    return (FeatureMap(first), FeatureMap(second), *added)


def explicit_padding(tensor: tf.Tensor, kernel: int) -> tf.Tensor:
    """Zero-pad so that a VALID convolution gives the size SAME would at stride 1.

    Unlike SAME the amount does not depend on the image: (kernel - 1) // 2 before, the rest
    after.

    Args:
        tensor: [batch, H, W, channels].
        kernel: Side of the convolution that follows.
    """
    if kernel == 1:
        return tensor
    before = (kernel - 1) // 2
    after = kernel - 1 - before
    return tf.pad(tensor, [[0, 0], [before, after], [before, after], [0, 0]])


def padded(tensor: tf.Tensor, kernel: int, *, explicit: bool) -> tuple[tf.Tensor, str]:
    """The input and the padding argument of a convolution or pooling, padded either way."""
    return (explicit_padding(tensor, kernel), "VALID") if explicit else (tensor, "SAME")


def upsample(net: tf.Tensor, scale: int = 2) -> tf.Tensor:
    """A multiple of height and width by repetition, as one op that TFLite has a builtin for."""
    size = [scale * int(net.shape[1]), scale * int(net.shape[2])]
    return tf.raw_ops.ResizeNearestNeighbor(
        images=net, size=size, align_corners=False, half_pixel_centers=False
    )


def multi_resolution_feature_maps(
    endpoints: Mapping[str, tf.Tensor], layout: Sequence[FeatureMap], options: ExtractorOptions
) -> list[tf.Tensor]:
    """Make the maps of a table, finest first.

    Call it inside the variable scope of the backbone, beside whose layers the added ones lie.

    Args:
        endpoints: The backbone's outputs, [batch, H, W, channels] by name.
        layout: The table; its first row names a layer of the backbone.
        options: depth_multiplier, min_depth, use_depthwise, use_explicit_padding, hyperparams
            and is_training are read.
    """
    maps: list[tf.Tensor] = []
    named_after = ""
    with options.hyperparams.scope(is_training=options.is_training):
        for index, row in enumerate(layout):
            if row.from_layer:
                named_after = row.from_layer
                maps.append(endpoints[row.from_layer])
            else:
                maps.append(
                    _added_layer(maps[-1], row, f"{named_after}_{{}}_Conv2d_{index}_", options)
                )
    return maps


def _added_layer(
    net: tf.Tensor, row: FeatureMap, name: str, options: ExtractorOptions
) -> tf.Tensor:
    """1x1 to half the depth, then stride 2; ``name`` has a field for the step, 1 or 2."""
    half, depth = options.depth(row.depth // 2), options.depth(row.depth)
    net = slim.conv2d(
        net, half, [1, 1], padding="SAME", stride=1, scope=name.format(1) + f"1x1_{half}"
    )
    net, padding = padded(net, row.kernel, explicit=options.use_explicit_padding)
    scope = name.format(2) + f"{row.kernel}x{row.kernel}_s2_{depth}"
    kernel = [row.kernel, row.kernel]
    if not options.use_depthwise:
        return slim.conv2d(net, depth, kernel, padding=padding, stride=2, scope=scope)
    net = slim.separable_conv2d(
        net, None, kernel, depth_multiplier=1, padding=padding, stride=2, scope=f"{scope}_depthwise"
    )
    return slim.conv2d(net, depth, [1, 1], padding="SAME", stride=1, scope=scope)
