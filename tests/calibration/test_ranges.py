"""Ranges are found from values, and cut only where that pays."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from validation.calibration.ranges import (
    Histogram,
    RangeMethod,
    extremes,
    fake_quantised,
    find_range,
    squared_error,
)
from validation.errors import GraphError

_VALUES = st_numpy.arrays(np.float32, st.integers(1, 200), elements=st.floats(-100, 100, width=16))
_STEPS = 255


def _histogram(values: np.ndarray) -> Histogram:
    return Histogram.of(values, *extremes(values, "tensor"))


@settings(max_examples=60, deadline=None)
@given(values=_VALUES, method=st.sampled_from(RangeMethod))
def test_every_range_can_be_used(values: np.ndarray, method: RangeMethod) -> None:
    """Whatever the values: 0 is inside, low < high, and nothing beyond the extremes."""
    found = _histogram(values)
    low, high = find_range(found, method, steps=_STEPS, percent=99.9)
    assert low <= 0 <= high
    assert low < high
    if values.any():
        assert low >= found.low - 1e-6
        assert high <= found.high + 1e-6


@settings(max_examples=60, deadline=None)
@given(values=_VALUES)
def test_least_error_never_loses_to_the_extremes(values: np.ndarray) -> None:
    """The extremes are among the candidates."""
    found = _histogram(values)
    best, widest = (
        squared_error(found, find_range(found, method, steps=_STEPS), _STEPS)
        for method in (RangeMethod.LEAST_ERROR, RangeMethod.MINMAX)
    )
    assert best <= widest


@settings(max_examples=60, deadline=None)
@given(values=_VALUES)
def test_extremes_cut_nothing(values: np.ndarray) -> None:
    """By minmax no value is further than half a step from what is kept of it."""
    ends = find_range(_histogram(values), RangeMethod.MINMAX, steps=_STEPS)
    step = (ends[1] - ends[0]) / _STEPS
    kept = fake_quantised(values.astype(np.float64), ends, _STEPS)
    # The end may move by half a step so that 0 is a level.
    assert np.abs(kept - values).max() <= step * 1.001


@settings(max_examples=20, deadline=None)
@given(
    values=_VALUES,
    low=st.floats(-50, 0, width=16),
    span=st.floats(0.125, 100, width=16),
    narrow=st.booleans(),
)
def test_rounding_is_that_of_tensorflow(
    values: np.ndarray, low: float, span: float, narrow: bool
) -> None:
    """The port and the op agree to within float32, but for ties that fall either way."""
    steps = 254 if narrow else 255
    with tf.Graph().as_default(), tf.Session() as session:
        theirs = session.run(
            tf.quantization.fake_quant_with_min_max_vars(
                tf.constant(values), low, low + span, narrow_range=narrow
            )
        )
    ours = fake_quantised(values.astype(np.float64), (low, low + span), steps)
    step = span / steps
    assert np.abs(ours - theirs).max() <= step * 1.01
    if low <= 0 <= low + span:
        assert (np.abs(ours - theirs) > step / 2).mean() <= 0.5


def test_an_outlier_is_cut() -> None:
    """One value of ten thousand is not worth the precision of all others."""
    values = np.random.RandomState(0).normal(0, 1, 10_000).astype(np.float32)
    values[0] = 1000
    found = _histogram(values)
    # 2048 bins over such a range keep the bulk in a few; a percentile sees through it.
    low, high = find_range(found, RangeMethod.PERCENTILE, steps=_STEPS, percent=99.9)
    assert high < 10
    assert find_range(found, RangeMethod.MINMAX, steps=_STEPS) == (found.low, 1000.0)
    assert low >= found.low


def test_heavy_tails_are_cut_where_it_pays() -> None:
    """For Laplacian values in 4 bits the best range lies well inside of the extremes."""
    values = np.random.RandomState(0).laplace(0, 1, 100_000).astype(np.float32)
    found = _histogram(values)
    low, high = find_range(found, RangeMethod.LEAST_ERROR, steps=15)
    # The analytical optimum of symmetric clipping at 4 bits is 5.03 times the scale
    # (Banner et al. 2019, https://arxiv.org/abs/1810.05723).
    assert high == pytest.approx(5.03, rel=0.25)
    assert low == pytest.approx(-5.03, rel=0.25)


@settings(max_examples=60, deadline=None)
@given(values=_VALUES, low=st.floats(-150, -100), high=st.floats(100, 150))
def test_histograms_are_those_of_numpy(values: np.ndarray, low: float, high: float) -> None:
    """Every bin, on the edges too; between the extremes and between wider bounds."""
    for bounds in (extremes(values, "tensor"), (low, high)):
        found = Histogram.of(values, *bounds)
        if len(found.counts) > 1:
            wanted, _ = np.histogram(values, len(found.counts), bounds)
            assert (found.counts == wanted).all()


def test_histograms_add_up() -> None:
    """Images are counted one by one."""
    values = np.linspace(-1, 2, 100, dtype=np.float32)
    whole = Histogram.of(values, -1.0, 2.0)
    parts = Histogram.of(values[:30], -1.0, 2.0) + Histogram.of(values[30:], -1.0, 2.0)
    assert (parts.counts == whole.counts).all()
    assert whole.counts.sum() == 100


def test_zero_everywhere_has_a_range() -> None:
    """A dead tensor quantises to 0 with any scale; it must have one."""
    found = _histogram(np.zeros(10, np.float32)) + _histogram(np.zeros(10, np.float32))
    for method in RangeMethod:
        assert find_range(found, method, steps=_STEPS, percent=99.0) == (0.0, 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_no_number_has_no_range(value: float) -> None:
    """An overflow is named with its tensor, not averaged away."""
    with pytest.raises(GraphError, match=r"not finite have no range \(head/act_quant\)"):
        extremes(np.array([0, value], np.float32), "head/act_quant")
