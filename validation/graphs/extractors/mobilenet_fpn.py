"""ssd_mobilenet_v1_fpn and ssd_mobilenet_v2_fpn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.fpn import feature_pyramid
from validation.graphs.extractors.inverted_residual import TABLES, Convolution, table_base
from validation.graphs.extractors.mobilenet_v1 import MOBILENET_V1, Layer, mobilenet_v1_base

_COARSEST = 5


@dataclass(frozen=True)
class MobilenetFpn:
    """Pyramid levels on a MobileNet.

    Args:
        scope: Variable scope of the backbone.
        base: Gives the outputs of its layers by name.
        table: Its layers.
        narrow: Its layers with use_depthwise: the pyramid's levels have at most 256 channels.
        levels: Layers by pyramid level, the last one for level 5.
        last: Number of that layer, which the OD API counts the coarser levels on from: level 6
            of MobileNet V1 is made by Conv2d_14.
    """

    scope: str
    base: Callable[..., dict[str, tf.Tensor]]
    table: Sequence[Any]
    narrow: Sequence[Any]
    levels: dict[int, str]
    last: int

    def __call__(self, image: tf.Tensor, options: ExtractorOptions) -> list[tf.Tensor]:
        """Feature maps of a normalised image [batch, H, W, 3].

        Raises:
            ConfigError: Levels or sizes that do not fit.
        """
        layers = self.narrow if options.use_depthwise else self.table
        with tf.variable_scope(self.scope):
            endpoints = self.base(image, options, self.levels[_COARSEST], layers=layers)
            return feature_pyramid(
                {level: endpoints[layer] for level, layer in self.levels.items()},
                options,
                lambda level: f"bottom_up_Conv2d_{level - _COARSEST + self.last}",
                depthwise=options.use_depthwise,
                explicit=options.use_explicit_padding,
            )


_V2 = TABLES["mobilenet_v2"]
ENTRIES: dict[str, ExtractorEntry] = {
    "ssd_mobilenet_v1_fpn": ExtractorEntry(
        MobilenetFpn(
            "MobilenetV1",
            mobilenet_v1_base,
            MOBILENET_V1,
            (*MOBILENET_V1[:-2], Layer(512, stride=2), Layer(256)),
            {level: f"Conv2d_{n}_pointwise" for level, n in ((2, 3), (3, 5), (4, 11), (5, 13))},
            13,
        )
    ),
    "ssd_mobilenet_v2_fpn": ExtractorEntry(
        MobilenetFpn(
            "MobilenetV2",
            table_base,
            _V2,
            (*_V2[:-1], Convolution(256, kernel=1)),
            {2: "layer_4", 3: "layer_7", 4: "layer_14", 5: "layer_19"},
            19,
        )
    ),
}
