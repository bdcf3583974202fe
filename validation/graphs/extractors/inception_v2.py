"""Inception V2 as a table, and ssd_inception_v2 on top of it.

Architecture: https://arxiv.org/abs/1502.03167, figure 5, with slim's names.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorEntry
from validation.graphs.extractors.feature_maps import ssd_layout
from validation.graphs.extractors.inception_blocks import Conv, InceptionSsd, Mixed, Pool, run
from validation.graphs.slim_compat import slim


def _mixed(
    scope: str, one: int, three: tuple[int, int], double: tuple[int, int], pool: str, projected: int
) -> Mixed:
    """A module that keeps the resolution.

    Args:
        scope: Its name.
        one: Channels of the 1x1 branch.
        three: Channels of the 1x1 and the 3x3 of the second branch.
        double: Channels of the 1x1 and of each of two 3x3 of the third branch.
        pool: Scope of the fourth branch's pooling.
        projected: Channels of the 1x1 behind it.
    """
    return Mixed(
        scope,
        (
            (Conv("Conv2d_0a_1x1", one),),
            (Conv("Conv2d_0a_1x1", three[0]), Conv("Conv2d_0b_3x3", three[1], (3, 3))),
            (
                Conv("Conv2d_0a_1x1", double[0]),
                Conv("Conv2d_0b_3x3", double[1], (3, 3)),
                Conv("Conv2d_0c_3x3", double[1], (3, 3)),
            ),
            (Pool(pool), Conv("Conv2d_0b_1x1", projected)),
        ),
    )


def _halving(scope: str, three: tuple[int, int], double: tuple[int, int]) -> Mixed:
    """A module of stride 2: channels as in _mixed, the last convolutions and the pool stride."""
    return Mixed(
        scope,
        (
            (Conv("Conv2d_0a_1x1", three[0]), Conv("Conv2d_1a_3x3", three[1], (3, 3), stride=2)),
            (
                Conv("Conv2d_0a_1x1", double[0]),
                Conv("Conv2d_0b_3x3", double[1], (3, 3)),
                Conv("Conv2d_1a_3x3", double[1], (3, 3), stride=2),
            ),
            (Pool("MaxPool_1a_3x3", stride=2),),
        ),
    )


_AVERAGE, _MAXIMUM = "AvgPool_0a_3x3", "MaxPool_0a_3x3"

# The first layer, a separable convolution, comes before this table.
INCEPTION_V2: tuple[Conv | Pool | Mixed, ...] = (
    Pool("MaxPool_2a_3x3", stride=2),
    Conv("Conv2d_2b_1x1", 64),
    Conv("Conv2d_2c_3x3", 192, (3, 3)),
    Pool("MaxPool_3a_3x3", stride=2),
    _mixed("Mixed_3b", 64, (64, 64), (64, 96), _AVERAGE, 32),
    _mixed("Mixed_3c", 64, (64, 96), (64, 96), _AVERAGE, 64),
    _halving("Mixed_4a", (128, 160), (64, 96)),
    _mixed("Mixed_4b", 224, (64, 96), (96, 128), _AVERAGE, 128),
    _mixed("Mixed_4c", 192, (96, 128), (96, 128), _AVERAGE, 128),
    _mixed("Mixed_4d", 160, (128, 160), (128, 160), _AVERAGE, 96),
    _mixed("Mixed_4e", 96, (128, 192), (160, 192), _AVERAGE, 96),
    _halving("Mixed_5a", (128, 192), (192, 256)),
    _mixed("Mixed_5b", 352, (192, 320), (160, 224), _AVERAGE, 128),
    _mixed("Mixed_5c", 352, (192, 320), (192, 224), _MAXIMUM, 128),
)

_FIRST_CHANNELS, _FIRST_KERNEL = 64, 7
_MOST_FILTERS = 8

_SSD_LAYOUT = ssd_layout("Mixed_4c", "Mixed_5c")


def inception_v2_base(image: tf.Tensor, depth: Callable[[int], int]) -> dict[str, tf.Tensor]:
    """Outputs of the layers by name, up to Mixed_5c.

    To be called inside the scope InceptionV2 and an arg_scope that gives convolutions their
    activation and batch norm.

    Args:
        image: [batch, H, W, channels], normalised.
        depth: Channels after the depth multiplier.
    """
    first = depth(_FIRST_CHANNELS)
    # As many depthwise filters a colour as the 1x1 that follows can tell apart.
    filters = min(first // int(image.shape[-1]), _MOST_FILTERS)
    net = slim.separable_conv2d(
        image,
        first,
        [_FIRST_KERNEL, _FIRST_KERNEL],
        depth_multiplier=filters,
        stride=2,
        padding="SAME",
        scope="Conv2d_1a_7x7",
    )
    return run(net, INCEPTION_V2, depth)


ENTRIES: dict[str, ExtractorEntry] = {
    # Feature maps: Mixed_4c, Mixed_5c and the added ones.
    "ssd_inception_v2": ExtractorEntry(InceptionSsd("InceptionV2", inception_v2_base, _SSD_LAYOUT))
}
