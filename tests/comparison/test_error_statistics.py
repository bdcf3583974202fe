"""Figures of closeness agree with theory, and are always numbers that can be judged."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from validation.comparison.error_statistics import ErrorAccumulator
from validation.files.structured import structure, unstructure
from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    representable,
)
from validation.specs.tensors import TensorSpec

_ARRAYS = npst.arrays(
    np.float32, st.integers(1, 40), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
)


def error_statistics(
    reference: np.ndarray, candidate: np.ndarray, spec: TensorSpec | None = None
) -> ErrorStatistics:
    """Of one array in whole."""
    accumulator = ErrorAccumulator(spec)
    accumulator.add(reference, candidate)
    return accumulator.statistics()


def _spec(scale: float, zero_point: int = 0, dtype: str = "int8") -> TensorSpec:
    return TensorSpec("x", dtype, (1,), scale, zero_point)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-4, 1e3), st.integers(-100, 100))
def test_rounding_gives_what_theory_gives(seed: int, scale: float, zero_point: int) -> None:
    """1/sqrt(12) of a step, and the power ratio that follows; nothing saturates."""
    spec = _spec(scale, zero_point)
    low, high = representable(spec) or (0, 0)
    reference = np.random.default_rng(seed).uniform(low, high, 20_000)
    candidate = np.rint(reference / scale) * scale
    found = error_statistics(reference, candidate, spec)
    assert found.rmse_in_steps == pytest.approx(1 / math.sqrt(12), rel=0.02)
    expected = 10 * math.log10(reference.var() / (scale**2 / 12))
    assert found.sqnr_db == pytest.approx(expected, abs=0.2)
    assert (found.saturated, found.beyond_one_step) == (0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.integers(4, 12))
def test_a_bit_is_worth_six_decibels(seed: int, bits: int) -> None:
    """20 log10(2), whatever the number of bits."""
    reference = np.random.default_rng(seed).uniform(-1, 1, 20_000)

    def sqnr(count: int) -> float:
        step = 2 / 2**count
        return error_statistics(reference, np.rint(reference / step) * step).sqnr_db

    assert sqnr(bits + 1) - sqnr(bits) == pytest.approx(20 * math.log10(2), abs=0.3)


@given(_ARRAYS)
@settings(max_examples=40, deadline=None)
def test_no_difference_is_finite(values: np.ndarray) -> None:
    """Identical arrays, constant ones among them, get the ceiling: JSON and limits take it."""
    found = error_statistics(values, values.copy(), _spec(0.5))
    assert (found.sqnr_db, found.rmse, found.beyond_one_step) == (SQNR_CEILING_DB, 0, 0)
    assert found.cosine == pytest.approx(1)
    text = json.dumps(unstructure(found), allow_nan=False)
    assert structure(ErrorStatistics, json.loads(text)) == found


@given(_ARRAYS, st.data())
@settings(max_examples=60, deadline=None)
def test_every_figure_is_finite(reference: np.ndarray, data: st.DataObject) -> None:
    """Whatever the two arrays hold."""
    candidate = data.draw(
        npst.arrays(np.float32, reference.shape, elements=st.floats(-1e6, 1e6, width=32))
    )
    found = error_statistics(reference, candidate, _spec(0.25))
    assert all(math.isfinite(value) for value in dataclasses.asdict(found).values())
    assert -1 <= found.cosine <= 1
    assert found.low <= found.high


@given(_ARRAYS, st.integers(1, 39))
@settings(max_examples=40, deadline=None)
def test_image_by_image_is_all_at_once(values: np.ndarray, cut: int) -> None:
    """In whatever parts they come."""
    candidate = values + np.float32(0.375)
    accumulator = ErrorAccumulator(_spec(0.25))
    for part in (slice(0, cut), slice(cut, None)):
        if values[part].size:
            accumulator.add(values[part], candidate[part])
    parts, whole = accumulator.statistics(), error_statistics(values, candidate, _spec(0.25))
    for one, other in zip(
        dataclasses.asdict(parts).values(), dataclasses.asdict(whole).values(), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(-1e4, 1e4))
def test_an_offset_of_both_says_nothing(offset: float) -> None:
    """The signal is taken about its mean: 0 dB is what a constant gets."""
    generator = np.random.default_rng(2)
    reference = generator.normal(0, 1, 500)
    candidate = reference + generator.normal(0, 0.01, 500)
    moved = error_statistics(reference + offset, candidate + offset)
    assert moved.sqnr_db == pytest.approx(error_statistics(reference, candidate).sqnr_db, abs=1e-3)
    still = error_statistics(reference, np.full(500, reference.mean()))
    assert still.sqnr_db == pytest.approx(0, abs=1e-9)


def test_lost_signal_is_the_floor() -> None:
    """A constant reference and a candidate that is not."""
    found = error_statistics(np.zeros(4), np.array([0, 0, 0, 1.0]))
    assert (found.sqnr_db, found.cosine) == (-SQNR_CEILING_DB, 0)


def test_saturation_is_what_rounding_does_not_explain() -> None:
    """Held at an end though the reference lies beyond; zeros after a ReLU are at an end too."""
    spec = _spec(0.1, -128)
    low, high = representable(spec) or (0, 0)
    assert (low, high) == pytest.approx((0, 25.5))
    reference = np.array([0, 0, 0.04, -0.04, 25.58, 26, 100, -1, 12])
    candidate = np.clip(np.rint(reference / 0.1) * 0.1, low, high)
    found = error_statistics(reference, candidate, spec)
    assert found.saturated == pytest.approx(3 / 9)
    assert found.beyond_one_step == pytest.approx(3 / 9)


def test_float_tensors_have_no_steps() -> None:
    """Nothing to count in, nothing that saturates."""
    spec = TensorSpec("x", "float32", (3,))
    found = error_statistics(np.ones(3), np.zeros(3), spec)
    assert (found.rmse_in_steps, found.saturated, found.beyond_one_step) == (None, None, None)
    assert representable(spec) is None


@pytest.mark.parametrize("place", [0, 40_000, 69_999])
def test_an_error_anywhere_in_a_large_tensor_counts(place: int) -> None:
    """In the first, a middle and the last part that it is summed up by."""
    reference = np.random.default_rng(1).uniform(-1, 1, 70_000).astype(np.float32)
    candidate = reference.copy()
    candidate[place] += 7
    found = error_statistics(reference, candidate)
    assert found.rmse == pytest.approx(7 / math.sqrt(70_000), rel=1e-3)
