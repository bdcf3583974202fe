"""The feature_extractor message of a config as what extractors are built from."""

from __future__ import annotations

from typing import Any

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.hyperparams import conv_hyperparams
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind

_PATH = "model.ssd.feature_extractor"
# Extractors whose pyramid is another one where the config has no fpn.
_PYRAMIDS = {"ssd_mobilenet_v2_mnasfpn": Pyramid(3, 6, 48)}


def extractor_options(config: PipelineConfig, *, is_training: bool = False) -> ExtractorOptions:
    """Read feature_extractor.

    Args:
        config: Of an SSD.
        is_training: Batch norm by the batch.

    Raises:
        ConfigError: No type, a pyramid or hyper-parameters that are not supported.
    """
    message = config.message.model.ssd.feature_extractor
    kind = config.feature_extractor_type
    return ExtractorOptions(
        kind=kind,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        pad_to_multiple=message.pad_to_multiple,
        use_explicit_padding=message.use_explicit_padding,
        use_depthwise=message.use_depthwise,
        override_base_hyperparams=message.override_base_feature_extractor_hyperparams,
        hyperparams=conv_hyperparams(
            message.conv_hyperparams, config.where(f"{_PATH}.conv_hyperparams")
        ),
        pyramid=_pyramid(message, kind, config),
        num_layers=message.num_layers,
        is_training=is_training,
    )


def _pyramid(message: Any, kind: str, config: PipelineConfig) -> Pyramid:
    pyramid = message.WhichOneof("feature_pyramid_oneof")
    if pyramid is None:
        return _PYRAMIDS.get(kind, Pyramid())
    if pyramid != "fpn":
        raise ConfigError(
            "unsupported feature pyramid",
            expected="fpn",
            got=pyramid,
            where=config.where(f"{_PATH}.{pyramid}"),
            fault=FaultKind.UNSUPPORTED,
            next_step="models with a bifpn belong to the TensorFlow 2 OD API",
        )
    fpn = message.fpn
    return Pyramid(fpn.min_level, fpn.max_level, fpn.additional_layer_depth)
