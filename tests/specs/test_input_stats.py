"""Mean and std against an extractor's preprocessing: equal, near, or worded as another."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConversionError
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import (
    GUIDE_STATS,
    InputStats,
    default_stats,
    describe_mapping,
    describe_stats,
    mapped_range,
    range_of,
    steps_off,
    wanted_range,
)
from validation.specs.tensors import TensorSpec

SYMMETRIC = Preprocessing(8, 8, (2 / 255,) * 3, (1.0,) * 3)
UNIT = Preprocessing(8, 8, (1 / 255,) * 3, (0.0,) * 3)
MEANS = Preprocessing(8, 8, (1.0,) * 3, (123.68, 116.78, 103.94))


@pytest.mark.parametrize(
    ("preprocessing", "expected"),
    [(SYMMETRIC, InputStats(127.5, 127.5)), (UNIT, InputStats(0.0, 255.0))],
)
def test_default_follows_from_the_preprocessing(
    preprocessing: Preprocessing, expected: InputStats
) -> None:
    """Pixels fed as they are become what the extractor wants."""
    assert default_stats(preprocessing) == expected
    mapped, wanted = mapped_range(expected), wanted_range(preprocessing)
    assert mapped == pytest.approx(wanted)
    assert steps_off(mapped, wanted) == pytest.approx(0, abs=1e-6)


def test_scale_kept_as_float32_gives_the_round_figure() -> None:
    """Graphs keep 2/255 as 0.00784313772..."""
    kept = Preprocessing(8, 8, (0.007843137718737125,) * 3, (1.0,) * 3)
    assert default_stats(kept) == InputStats(127.5, 127.5)


@given(st.floats(1e-3, 2), st.floats(-200, 200), st.sampled_from([0, 1, 127, 128, 254, 255]))
@settings(max_examples=50, deadline=None)
def test_default_maps_every_byte_alike(scale: float, offset: float, pixel: int) -> None:
    """(q - mean) / std is q * scale - offset."""
    stats = default_stats(Preprocessing(8, 8, (scale,) * 3, (offset,) * 3))
    real = (pixel - stats.mean) / stats.std
    assert real == pytest.approx(pixel * scale - offset, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    ("preprocessing", "got"),
    [
        (MEANS, "scales 1/1/1, offsets 123.68/116.78/103.94"),
        (Preprocessing(8, 8, (1.0, 1.0, 0.5), (0.0,) * 3), "scales 1/1/0.5, offsets 0/0/0"),
    ],
)
def test_channels_that_differ_have_no_mean_and_std(preprocessing: Preprocessing, got: str) -> None:
    """ResNet's means by channel: one pair for the tensor cannot say them, and why is told."""
    with pytest.raises(
        ConversionError, match=rf"differ by channel: .*got {got}; convert it as int8"
    ):
        default_stats(preprocessing)


def test_scale_of_nothing_has_no_std() -> None:
    """Its std would be infinite."""
    with pytest.raises(ConversionError, match=r"has no scale: expected above 0, got 0\.0"):
        default_stats(Preprocessing(8, 8, (0.0,) * 3, (0.0,) * 3))


@pytest.mark.parametrize(
    ("stats", "told", "off"),
    [
        (InputStats(127.5, 127.5), "maps uint8 to [-1, 1], as the extractor wants", 0),
        (GUIDE_STATS, "maps uint8 to [-1.008, 1], extractor wants [-1, 1]", 1.004),
        (InputStats(128, 128), "maps uint8 to [-1, 0.9922], extractor wants [-1, 1]", 0.996),
        (InputStats(0, 255), "maps uint8 to [0, 1], extractor wants [-1, 1]", 127.5),
        (InputStats(0, 1), "maps uint8 to [0, 255], extractor wants [-1, 1]", 254 * 127.5),
        (InputStats(127.5, -127.5), "maps uint8 to [1, -1], extractor wants [-1, 1]", 255),
        (InputStats(-127.5, 127.5), "maps uint8 to [1, 3], extractor wants [-1, 1]", 255),
    ],
    ids=str,
)
def test_every_wrong_pair_is_worded_alike(stats: InputStats, told: str, off: float) -> None:
    """The guide's pair is a step off, 0/255 and 0/1 and flipped signs are another input."""
    assert describe_stats(stats, SYMMETRIC) == f"{stats} {told}"
    assert describe_mapping(mapped_range(stats), wanted_range(SYMMETRIC)) == told
    assert steps_off(mapped_range(stats), (-1, 1)) == pytest.approx(off, rel=1e-3)


def test_channels_share_one_range() -> None:
    """From the darkest pixel of one channel to the brightest of another."""
    assert wanted_range(MEANS) == pytest.approx((-123.68, 255 - 103.94))


def test_range_of_a_tensor_follows_its_dtype() -> None:
    """int8 begins at -128, uint8 at 0."""
    assert range_of(TensorSpec("x", "uint8", (1,), 0.5, 2)) == (-1, 126.5)
    assert range_of(TensorSpec("x", "int8", (1,), 0.5, -128)) == (0, 127.5)
    for spec in (TensorSpec("x", "float32", (1,), 0.5, 0), TensorSpec("x", "uint8", (1,))):
        with pytest.raises(ConversionError, match=rf"not quantised \(x\): got {spec.dtype}"):
            range_of(spec)
