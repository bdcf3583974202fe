"""From metadata to how a file is fed."""

from __future__ import annotations

import math

from validation.errors import ConversionError
from validation.metadata.detector import image_size
from validation.metadata.model_metadata import (
    ContentType,
    ModelMetadata,
    Normalisation,
    TensorMetadata,
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


def described_input(metadata: ModelMetadata | None) -> TensorMetadata | None:
    """What the metadata says of the one image that goes in; None where it names none or several.

    Of a single input it need not say that it is an image.
    """
    inputs = () if metadata is None else metadata.inputs
    images = [each for each in inputs if each.content is ContentType.IMAGE]
    candidates = images or list(inputs)
    return candidates[0] if len(candidates) == 1 else None


def normalisation_of(metadata: ModelMetadata) -> Normalisation | None:
    """Of the one image that goes in; None where nothing is said of it."""
    image = described_input(metadata)
    return None if image is None else image.normalisation


def usable_normalisation(normalisation: Normalisation) -> Normalisation | None:
    """Mean and std with a number for each channel; None where nothing could be fed by them."""
    mean, std = _channels(normalisation.mean), _channels(normalisation.std)
    if mean is None or std is None or not min(std) > 0:
        return None
    return Normalisation(mean, std)


def normalised_by(normalisation: Normalisation, height: int, width: int) -> Preprocessing:
    """The preprocessing of a `usable_normalisation`; see `preprocessing_from`."""
    pairs = list(zip(normalisation.mean, normalisation.std, strict=True))
    red, green, blue = (1 / std for _, std in pairs)
    offsets = [mean / std for mean, std in pairs]
    return Preprocessing(height, width, (red, green, blue), (offsets[0], offsets[1], offsets[2]))


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
    usable = usable_normalisation(normalisation)
    if usable is None:
        raise ConversionError(
            "the metadata's normalisation makes no sense",
            expected="one number, or one for each channel, std above 0",
            got=f"mean {normalisation.mean}, std {normalisation.std}",
        )
    preprocessing = normalised_by(usable, 1, 1)
    return preprocessing.scale, preprocessing.offset


def _channels(values: tuple[float, ...]) -> _Channels | None:
    """One number counts for all channels; None where there are neither one nor three."""
    every = values * 3 if len(values) == 1 else values
    if len(every) != 3 or not all(math.isfinite(value) for value in every):
        return None
    return every[0], every[1], every[2]
