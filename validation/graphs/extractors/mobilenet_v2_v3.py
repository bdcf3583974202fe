"""The SSD extractors on MobileNet V2, V3 and EdgeTPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import multi_resolution_feature_maps, ssd_layout
from validation.graphs.extractors.inverted_residual import (
    TABLES,
    Block,
    Layer,
    table_base,
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
    "ssd_mobilenet_v2": ExtractorEntry(
        _Ssd("MobilenetV2", TABLES["mobilenet_v2"], "layer_15/expansion_output", "layer_19")
    ),
    "ssd_mobilenet_v3_large": ExtractorEntry(
        _Ssd("MobilenetV3", TABLES["mobilenet_v3_large"], "layer_14/expansion_output", "layer_17")
    ),
    "ssd_mobilenet_v3_small": ExtractorEntry(
        _Ssd("MobilenetV3", TABLES["mobilenet_v3_small"], "layer_10/expansion_output", "layer_13")
    ),
    "ssd_mobilenet_edgetpu": ExtractorEntry(
        _Ssd(
            "MobilenetEdgeTPU", TABLES["mobilenet_edgetpu"], "layer_18/expansion_output", "layer_23"
        )
    ),
}
