"""Real numbers to integers and back: half a step at most is lost, and nothing else happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import FeedError
from validation.preprocess.quantise import dequantise, is_quantised, quantise, suspicious_feed
from validation.specs.tensors import TensorSpec

BYTES = TensorSpec("image", "uint8", (1,), 1 / 127, 128)


@st.composite
def _specs(draw: st.DrawFn) -> TensorSpec:
    dtype = draw(st.sampled_from(["uint8", "int8", "int16"]))
    ends = np.iinfo(dtype)
    scale = float(np.float32(draw(st.floats(1e-4, 10))))
    return TensorSpec("x", dtype, (-1,), scale, draw(st.integers(int(ends.min), int(ends.max))))


@given(_specs(), st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_round_trip_stays_within_half_a_step(spec: TensorSpec, shares: list[float]) -> None:
    """Inside of the range that the dtype can say; beyond, see the next."""
    assert spec.scale is not None and spec.zero_point is not None
    ends = np.iinfo(spec.dtype)
    low, high = ((int(end) - spec.zero_point) * spec.scale for end in (ends.min, ends.max))
    real = np.array([low + share * (high - low) for share in shares])
    back = dequantise(quantise(real, spec), spec)
    assert back.dtype == np.float32
    # What float32 cannot say comes on top.
    assert np.abs(back - real).max() <= 0.5 * spec.scale + 1e-6 * max(abs(low), abs(high))


@given(_specs())
@settings(max_examples=50, deadline=None)
def test_integers_survive_the_way_back(spec: TensorSpec) -> None:
    """Every value of the dtype is its own nearest."""
    ends = np.iinfo(spec.dtype)
    every = np.arange(ends.min, int(ends.max) + 1, 97 if spec.dtype == "int16" else 1)
    kept = every.astype(spec.dtype)
    np.testing.assert_array_equal(quantise(dequantise(kept, spec), spec), kept)


def test_values_beyond_the_range_are_clipped() -> None:
    """They saturate and do not wrap, infinity too."""
    real = np.float32([-np.inf, -2, -128 / 127, 0, 1, 1.5, 1e30])
    assert quantise(real, BYTES).tolist() == [0, 0, 0, 128, 255, 255, 255]
    signed = TensorSpec("x", "int8", (1,), 1.0, 0)
    assert quantise(np.float32([-1000, -128, 127, 300]), signed).tolist() == [-128, -128, 127, 127]


def test_halves_are_rounded_away_from_zero() -> None:
    """As TFLite's reference kernel does, and not to even as NumPy does."""
    spec = TensorSpec("x", "int8", (1,), 1.0, 0)
    assert quantise(np.float32([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]), spec).tolist() == [
        -3, -2, -1, 1, 2, 3,
    ]  # fmt: skip


def test_arrays_are_left_as_they_are() -> None:
    """Neither way changes its argument; without a scale it is given back."""
    real = np.float32([0.1, 0.2])
    kept = quantise(real, BYTES)
    assert real.tolist() == np.float32([0.1, 0.2]).tolist()
    dequantise(kept, BYTES)
    assert kept.dtype == np.uint8
    plain = TensorSpec("x", "float32", (2,))
    assert quantise(real, plain) is real
    assert dequantise(real, plain) is real


def test_only_integers_with_a_scale_are_quantised() -> None:
    """image_tensor is uint8 and means pixels; a scale on a float tensor means nothing."""
    assert is_quantised(BYTES)
    assert not is_quantised(TensorSpec("image_tensor", "uint8", (1,)))
    assert not is_quantised(TensorSpec("x", "float32", (1,), 0.5, 0))


def test_what_is_no_number_is_refused() -> None:
    """It would become some integer without a word."""
    with pytest.raises(FeedError, match=r"to be quantised is NaN \(image\)"):
        quantise(np.float32([0, np.nan]), BYTES)


_PHOTO = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 3))


@pytest.mark.parametrize(
    ("feed", "values"),
    [
        ((_PHOTO / 255).astype(np.uint8), "2 distinct values (0, 1)"),
        ((_PHOTO / 127.5 - 1).astype(np.int64).astype(np.uint8), "3 distinct values (0, 1, 255)"),
    ],
    ids=["divided by 255", "as [-1, 1]"],
)
def test_images_that_were_normalised_and_cast_are_seen(feed: np.ndarray, values: str) -> None:
    """Fault of many apps: what is left of a photograph are its brightest pixels."""
    assert suspicious_feed(feed) == f"uint8 input has {values}: it was normalised before"


@pytest.mark.parametrize(
    "feed",
    [
        _PHOTO.astype(np.uint8),
        np.zeros((4, 4), np.uint8),
        np.full((4, 4), 255, np.uint8),
        np.ones((4, 4), np.uint8),
        np.array([0, 255], np.uint8),
        np.array([0, 1, 2], np.uint8),
        np.array([128, 129], np.uint8),
        np.array([0, 1], np.int8),
        np.float32([0, 1]),
        np.zeros(0, np.uint8),
    ],
    ids=["photo", "black", "white", "ones", "drawing", "dark", "grey", "int8", "float", "empty"],
)
def test_other_feeds_are_not_suspected(feed: np.ndarray) -> None:
    """Black, white, and black on white are images."""
    assert suspicious_feed(feed) == ""
