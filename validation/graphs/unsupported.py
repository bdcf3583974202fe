"""Fields of a config that describe an SSD which cannot be built or exported; no TensorFlow."""

from __future__ import annotations

from validation.errors import ConfigError
from validation.pipeline.config import PipelineConfig
from validation.root_cause import FaultKind

# Of the enum ResizeType.
_BILINEAR = 0


def refuse_unsupported(config: PipelineConfig) -> None:
    """Refuse what would change the graph, and has no form here or in TFLite.

    Args:
        config: Of an SSD.

    Raises:
        ConfigError: The first field that asks for such a thing.
    """
    ssd = config.message.model.ssd
    resizer = ssd.image_resizer.fixed_shape_resizer
    background = "a class head with a background column, which the exporter to TFLite adds"
    for path, refused, expected in (
        ("add_background_class", not ssd.add_background_class, background),
        ("explicit_background_class", ssd.explicit_background_class, background),
        ("mask_head_config", ssd.HasField("mask_head_config"), "boxes and classes only"),
        (
            "post_processing.calibration_config",
            ssd.post_processing.HasField("calibration_config"),
            "scores that come from the score converter",
        ),
        (
            "image_resizer.fixed_shape_resizer.resize_method",
            resizer.resize_method != _BILINEAR,
            "BILINEAR",
        ),
        (
            "image_resizer.fixed_shape_resizer.convert_to_grayscale",
            resizer.convert_to_grayscale,
            "images of three channels",
        ),
    ):
        if refused:
            raise ConfigError(
                f"{path.rpartition('.')[2]} is not supported",
                expected=expected,
                where=config.where(f"model.ssd.{path}"),
                fault=FaultKind.UNSUPPORTED,
            )
