"""From metadata to how a file is fed."""

from __future__ import annotations

import math

from validation.errors import ConversionError
from validation.metadata.detector import image_size
from validation.metadata.model_metadata import (
    ContentType,
    ModelMetadata,
    Normalisation,
)
from validation.specs.contracts import Preprocessing
from validation.tflite.facts import TfliteFile

_Channels = tuple[float, float, float]


def preprocessing_from(metadata: ModelMetadata, file: TfliteFile) -> Preprocessing:
    """How a file wants its image, by its own metadata.

    ``(pixel - mean) / std`` is ``pixel * scale - offset`` with scale 1 / std and offset
    mean / std. A uint8 input may go without mean and std, since libraries then feed pixels as
    they are: what its quantisation makes of them is taken.

    Args:
        metadata: Of the file.
        file: Its input has the size.

    Returns:
        With the resize of every zoo graph, since metadata describes none: corners not aligned,
        centres not half a pixel off.

    Raises:
        ConversionError: The input is not an image, or mean and std are missing or unusable.
    """
    height, width = image_size(file)
    scale, offset = _scale_and_offset(metadata, file)
    return Preprocessing(height, width, scale, offset)


def normalisation_of(metadata: ModelMetadata) -> Normalisation | None:
    """Of the one image that goes in; None where nothing is said of it."""
    images = [each for each in metadata.inputs if each.content is ContentType.IMAGE]
    return images[0].normalisation if len(images) == 1 else None


def _scale_and_offset(metadata: ModelMetadata, file: TfliteFile) -> tuple[_Channels, _Channels]:
    spec = file.inputs[0]
    normalisation = normalisation_of(metadata)
    if normalisation is not None:
        return _from_mean_and_std(normalisation)
    if spec.dtype == "uint8" and spec.scale is not None and spec.zero_point is not None:
        offset = spec.zero_point * spec.scale
        return (spec.scale, spec.scale, spec.scale), (offset, offset, offset)
    raise ConversionError(
        "the metadata does not say how the image is normalised",
        expected="NormalizationOptions of the input image",
        next_step="convert the graph with --metadata",
    )


def _from_mean_and_std(normalisation: Normalisation) -> tuple[_Channels, _Channels]:
    mean, std = _channels(normalisation.mean), _channels(normalisation.std)
    if mean is None or std is None or not min(std) > 0:
        raise ConversionError(
            "the metadata's normalisation makes no sense",
            expected="one number, or one for each channel, std above 0",
            got=f"mean {normalisation.mean}, std {normalisation.std}",
        )
    scale = (1 / std[0], 1 / std[1], 1 / std[2])
    return scale, (mean[0] / std[0], mean[1] / std[1], mean[2] / std[2])


def _channels(values: tuple[float, ...]) -> _Channels | None:
    """One number counts for all channels; None where there are neither one nor three."""
    every = values * 3 if len(values) == 1 else values
    if len(every) != 3 or not all(math.isfinite(value) for value in every):
        return None
    return every[0], every[1], every[2]
