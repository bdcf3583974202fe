"""Inception V3 as a table, and ssd_inception_v3 on top of it.

Architecture: https://arxiv.org/abs/1512.00567, table 1, with slim's names. Some of those
names lie about the kernel or break the pattern; checkpoints hold them, so they stay.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorEntry
from validation.graphs.extractors.feature_maps import FeatureMap
from validation.graphs.extractors.inception_blocks import (
    Conv,
    Fork,
    InceptionSsd,
    Layer,
    Mixed,
    Pool,
    run,
)


def _pooled(channels: int) -> tuple[Layer, ...]:
    """Fourth branch of every module that keeps the resolution."""
    return (Pool("AvgPool_0a_3x3"), Conv("Conv2d_0b_1x1", channels))


def _five(
    scope: str, projected: int, names: tuple[str, str] = ("Conv2d_0a_1x1", "Conv2d_0b_5x5")
) -> Mixed:
    """A module of stride 8.

    Args:
        scope: Its name.
        projected: Channels behind the pooling.
        names: Scopes of the 5x5 branch.
    """
    return Mixed(
        scope,
        (
            (Conv("Conv2d_0a_1x1", 64),),
            (Conv(names[0], 48), Conv(names[1], 64, (5, 5))),
            (
                Conv("Conv2d_0a_1x1", 64),
                Conv("Conv2d_0b_3x3", 96, (3, 3)),
                Conv("Conv2d_0c_3x3", 96, (3, 3)),
            ),
            _pooled(projected),
        ),
    )


def _seven(scope: str, inner: int) -> Mixed:
    """A module of stride 16: 7x7 kernels taken apart into 1x7 and 7x1.

    Args:
        scope: Its name.
        inner: Channels of all but the last convolution of a branch.
    """
    return Mixed(
        scope,
        (
            (Conv("Conv2d_0a_1x1", 192),),
            (
                Conv("Conv2d_0a_1x1", inner),
                Conv("Conv2d_0b_1x7", inner, (1, 7)),
                Conv("Conv2d_0c_7x1", 192, (7, 1)),
            ),
            (
                Conv("Conv2d_0a_1x1", inner),
                Conv("Conv2d_0b_7x1", inner, (7, 1)),
                Conv("Conv2d_0c_1x7", inner, (1, 7)),
                Conv("Conv2d_0d_7x1", inner, (7, 1)),
                Conv("Conv2d_0e_1x7", 192, (1, 7)),
            ),
            _pooled(192),
        ),
    )


def _forked(scope: str, upright: str) -> Mixed:
    """A module of stride 32: 3x3 kernels taken apart into 1x3 beside 3x1.

    Args:
        scope: Its name.
        upright: Scope of the second branch's 3x1.
    """
    return Mixed(
        scope,
        (
            (Conv("Conv2d_0a_1x1", 320),),
            (
                Conv("Conv2d_0a_1x1", 384),
                Fork((Conv("Conv2d_0b_1x3", 384, (1, 3)), Conv(upright, 384, (3, 1)))),
            ),
            (
                Conv("Conv2d_0a_1x1", 448),
                Conv("Conv2d_0b_3x3", 384, (3, 3)),
                Fork((Conv("Conv2d_0c_1x3", 384, (1, 3)), Conv("Conv2d_0d_3x1", 384, (3, 1)))),
            ),
            _pooled(192),
        ),
    )


def _halved(scope: str, channels: int) -> Conv:
    return Conv(scope, channels, (3, 3), stride=2, padding="VALID")


_POOL_HALVED = Pool("MaxPool_1a_3x3", stride=2, padding="VALID")

INCEPTION_V3: tuple[Conv | Pool | Mixed, ...] = (
    Conv("Conv2d_1a_3x3", 32, (3, 3), stride=2, padding="VALID"),
    Conv("Conv2d_2a_3x3", 32, (3, 3), padding="VALID"),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    Pool("MaxPool_3a_3x3", stride=2, padding="VALID"),
    Conv("Conv2d_3b_1x1", 80, padding="VALID"),
    Conv("Conv2d_4a_3x3", 192, (3, 3), padding="VALID"),
    Pool("MaxPool_5a_3x3", stride=2, padding="VALID"),
    _five("Mixed_5b", 32),
    _five("Mixed_5c", 64, names=("Conv2d_0b_1x1", "Conv_1_0c_5x5")),
    _five("Mixed_5d", 64),
    Mixed(
        "Mixed_6a",
        (
            (_halved("Conv2d_1a_1x1", 384),),
            (
                Conv("Conv2d_0a_1x1", 64),
                Conv("Conv2d_0b_3x3", 96, (3, 3)),
                _halved("Conv2d_1a_1x1", 96),
            ),
            (_POOL_HALVED,),
        ),
    ),
    _seven("Mixed_6b", 128),
    _seven("Mixed_6c", 160),
    _seven("Mixed_6d", 160),
    _seven("Mixed_6e", 192),
    Mixed(
        "Mixed_7a",
        (
            (Conv("Conv2d_0a_1x1", 192), _halved("Conv2d_1a_3x3", 320)),
            (
                Conv("Conv2d_0a_1x1", 192),
                Conv("Conv2d_0b_1x7", 192, (1, 7)),
                Conv("Conv2d_0c_7x1", 192, (7, 1)),
                _halved("Conv2d_1a_3x3", 192),
            ),
            (_POOL_HALVED,),
        ),
    ),
    _forked("Mixed_7b", "Conv2d_0b_3x1"),
    _forked("Mixed_7c", "Conv2d_0c_3x1"),
)

_SSD_LAYOUT = (
    FeatureMap("Mixed_5d"),
    FeatureMap("Mixed_6e"),
    FeatureMap("Mixed_7c"),
    FeatureMap(depth=512),
    FeatureMap(depth=256),
    FeatureMap(depth=128),
)


def inception_v3_base(image: tf.Tensor, depth: Callable[[int], int]) -> dict[str, tf.Tensor]:
    """Outputs of the layers by name, up to Mixed_7c.

    To be called inside the scope InceptionV3 and an arg_scope that gives convolutions their
    activation and batch norm.

    Args:
        image: [batch, H, W, channels], normalised.
        depth: Channels after the depth multiplier.
    """
    return run(image, INCEPTION_V3, depth)


ENTRIES: dict[str, ExtractorEntry] = {
    # Feature maps: Mixed_5d, Mixed_6e, Mixed_7c and the added ones.
    "ssd_inception_v3": ExtractorEntry(InceptionSsd("InceptionV3", inception_v3_base, _SSD_LAYOUT))
}
