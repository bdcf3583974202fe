"""From metadata alone it is known how a file is fed and what its classes are called."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from validation.errors import ConversionError
from validation.metadata.detector import detector_metadata
from validation.metadata.feeding import preprocessing_from
from validation.metadata.model_metadata import (
    ModelMetadata,
    Normalisation,
)
from validation.specs.contracts import Preprocessing
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile, read_tflite

_TINY = read_tflite(Path(__file__).parents[1] / "data" / "metadata" / "tiny.tflite")
_SCALES = st.floats(1e-6, 1e3)
_OFFSETS = st.floats(-1e3, 1e3)


@settings(deadline=None)
@given(st.tuples(_SCALES, _SCALES, _SCALES), st.tuples(_OFFSETS, _OFFSETS, _OFFSETS))
def test_preprocessing_comes_back(
    scale: tuple[float, float, float], offset: tuple[float, float, float]
) -> None:
    """Of every extractor, to the seven digits of float32."""
    assume(all(abs(value) > 1e-9 or value == 0 for value in offset))
    given_ = Preprocessing(2, 2, scale, offset)
    found = preprocessing_from(detector_metadata(_TINY, given_), _TINY)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-6)
    np.testing.assert_allclose(found.offset, offset, rtol=1e-6)
    assert (found.height, found.width) == (2, 2)
    assert not (found.align_corners or found.half_pixel_centers)


def test_size_is_the_files(metadata: ModelMetadata) -> None:
    """Height before width."""
    spec = TensorSpec("image", "float32", (1, 48, 64, 3))
    found = preprocessing_from(metadata, dataclasses.replace(_TINY, inputs=(spec,)))
    assert (found.height, found.width) == (48, 64)


def _normalised(
    metadata: ModelMetadata, mean: tuple[float, ...], std: tuple[float, ...]
) -> ModelMetadata:
    image = dataclasses.replace(metadata.inputs[0], normalisation=Normalisation(mean, std))
    return dataclasses.replace(metadata, inputs=(image,))


def test_one_number_stands_for_all_channels(metadata: ModelMetadata) -> None:
    """As the schema has it."""
    found = preprocessing_from(_normalised(metadata, (127.5,), (127.5,)), _TINY)
    assert found.scale == pytest.approx((2 / 255,) * 3)
    assert found.offset == (1.0, 1.0, 1.0)


_NAN, _INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((), ()),
        ((1.0,) * 2, (1.0,) * 2),
        ((1.0,) * 4, (1.0,) * 4),
        ((1.0,) * 3, (1.0, 0.0, 1.0)),
        ((1.0,), (-1.0,)),
        ((_NAN,), (1.0,)),
        ((1.0,), (_NAN,)),
        ((_INF,), (1.0,)),
        ((1.0,), (_INF,)),
    ],
)
def test_normalisation_that_makes_no_sense(
    metadata: ModelMetadata, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    """Nothing could be fed by it."""
    with pytest.raises(ConversionError, match="normalisation makes no sense"):
        preprocessing_from(_normalised(metadata, mean, std), _TINY)


def _silent(metadata: ModelMetadata) -> ModelMetadata:
    image = dataclasses.replace(metadata.inputs[0], normalisation=None)
    return dataclasses.replace(metadata, inputs=(image,))


def test_float_input_needs_a_normalisation(metadata: ModelMetadata) -> None:
    """Libraries refuse such a file, too."""
    for told in (_silent(metadata), ModelMetadata()):
        with pytest.raises(ConversionError, match="does not say how the image is normalised"):
            preprocessing_from(told, _TINY)


def test_uint8_input_can_do_without(metadata: ModelMetadata) -> None:
    """Pixels are fed as they are; the tensor's own scale says what they stand for."""
    spec = TensorSpec("image", "uint8", (1, 2, 2, 3), 1 / 127, 128)
    file = dataclasses.replace(_TINY, inputs=(spec,))
    found = preprocessing_from(_silent(metadata), file)
    for pixel in (0, 128, 255):
        assert pixel * found.scale[0] - found.offset[0] == pytest.approx((pixel - 128) / 127)
    signed = dataclasses.replace(_TINY, inputs=(dataclasses.replace(spec, dtype="int8"),))
    with pytest.raises(ConversionError, match="does not say how"):
        preprocessing_from(_silent(metadata), signed)


def test_file_is_described_as_it_stands(tiny: TfliteFile, metadata: ModelMetadata) -> None:
    """The preprocessing that a file was described with is found again."""
    found = preprocessing_from(metadata, tiny)
    assert found.offset == pytest.approx((1.0, 116.75, 103.875 / 64))
