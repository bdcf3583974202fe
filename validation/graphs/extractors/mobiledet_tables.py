"""The four MobileDet backbones as tables (https://arxiv.org/abs/2004.14525).

Each stage halves the resolution once; the outputs of the stages are called C1 to C5.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.graphs.extractors.mobiledet_blocks import (
    Block,
    Fused,
    Ibn,
    IbnNoExpansion,
    Stem,
    Tucker,
)
from validation.graphs.hyperparams import Activation, hard_swish


@dataclass(frozen=True)
class Backbone:
    """One MobileDet.

    Args:
        scope: Variable scope below FeatureExtractor.
        stages: The blocks of C1 to C5.
        activation: Of all convolutions but a block's last.
        squeeze_excite: Whether inverted bottlenecks are gated.
    """

    scope: str
    stages: tuple[tuple[Block, ...], ...]
    activation: Activation = tf.nn.relu6
    squeeze_excite: bool = False


CPU = Backbone(
    scope="MobileDetCPU",
    activation=hard_swish,
    squeeze_excite=True,
    stages=(
        (Stem(16), IbnNoExpansion(8)),
        (Ibn(16, 4, stride=2, residual=False),),
        (Ibn(32, 8, stride=2, residual=False), Ibn(32, 4), Ibn(32, 4), Ibn(32, 4)),
        (
            Ibn(72, 8, kernel=5, stride=2, residual=False),
            Ibn(72, 8),
            Ibn(72, 4, kernel=5),
            Ibn(72, 4),
            Ibn(72, 8, residual=False),
            Ibn(72, 8),
            Ibn(72, 8),
            Ibn(72, 8),
        ),
        (
            Ibn(104, 8, kernel=5, stride=2, residual=False),
            Ibn(104, 4, kernel=5),
            Ibn(104, 4, kernel=5),
            Ibn(104, 4),
            Ibn(144, 8, residual=False),
        ),
    ),
)

DSP = Backbone(
    scope="MobileDetDSP",
    stages=(
        (Stem(32), IbnNoExpansion(24)),
        (Fused(32, 4, stride=2, residual=False), Fused(32, 4), Ibn(32, 4), Tucker(32, 0.25, 0.75)),
        (Fused(64, 8, stride=2, residual=False), Ibn(64, 4), Fused(64, 4), Fused(64, 4)),
        (
            Fused(120, 8, stride=2, residual=False),
            Ibn(120, 4),
            Ibn(120, 8),
            Ibn(120, 8),
            Fused(144, 8, residual=False),
            Ibn(144, 8),
            Ibn(144, 8),
            Ibn(144, 8),
        ),
        (
            Ibn(160, 4, stride=2, residual=False),
            Ibn(160, 4),
            Fused(160, 4),
            Tucker(160, 0.75, 0.75),
            Ibn(240, 8, residual=False),
        ),
    ),
)

EDGETPU = Backbone(
    scope="MobileDetEdgeTPU",
    stages=(
        (Stem(32), Tucker(16, 0.25, 0.75, residual=False)),
        (Fused(16, 8, stride=2, residual=False), Fused(16, 4), Fused(16, 8), Fused(16, 4)),
        (
            Fused(40, 8, kernel=5, stride=2, residual=False),
            Fused(40, 4),
            Fused(40, 4),
            Fused(40, 4),
        ),
        (
            Ibn(72, 8, stride=2, residual=False),
            Ibn(72, 8),
            Fused(72, 4),
            Fused(72, 4),
            Ibn(96, 8, kernel=5, residual=False),
            Ibn(96, 8, kernel=5),
            Ibn(96, 8),
            Ibn(96, 8),
        ),
        (
            Ibn(120, 8, kernel=5, stride=2, residual=False),
            Ibn(120, 8),
            Ibn(120, 4, kernel=5),
            Ibn(120, 8),
            Ibn(384, 8, kernel=5, residual=False),
        ),
    ),
)

GPU = Backbone(
    scope="MobileDetGPU",
    stages=(
        (Stem(32), Tucker(16, 0.25, 0.25, residual=False)),
        (
            Fused(32, 8, stride=2, residual=False),
            Tucker(32, 0.25, 0.25),
            Tucker(32, 0.25, 0.25),
            Tucker(32, 0.25, 0.25),
        ),
        (Fused(64, 8, stride=2, residual=False), Fused(64, 8), Fused(64, 8), Fused(64, 4)),
        (
            Fused(128, 8, stride=2, residual=False),
            Fused(128, 4),
            Fused(128, 4),
            Fused(128, 4),
            Fused(128, 8, residual=False),
            Fused(128, 8),
            Fused(128, 8),
            Fused(128, 8),
        ),
        (
            Fused(128, 4, stride=2, residual=False),
            Fused(128, 4),
            Fused(128, 4),
            Fused(128, 4),
            Ibn(384, 8, residual=False),
        ),
    ),
)
