"""What was done to a variable is recognised, and called by the most telling name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.arrays.pairs import same_values
from validation.comparison.variable_faults import variable_fault
from validation.record.diagnosis import FaultKind

_ROUNDING = 1e-6
_ARRAY: NDArray[np.float32] = (
    np.random.default_rng(3).normal(0, 1, (5, 4, 3, 20)).astype(np.float32)
)


def _with(value: float, array: NDArray[Any] = _ARRAY) -> NDArray[Any]:
    changed = array.copy()
    changed[1, 2, 0, 3] = value
    return changed


def _swapped(axis: int) -> NDArray[Any]:
    order = np.arange(_ARRAY.shape[axis])
    order[[0, 1]] = order[[1, 0]]
    return np.take(_ARRAY, order, axis)


@pytest.mark.parametrize(
    ("got", "fault", "words"),
    [
        (_ARRAY[:, :3], FaultKind.WEIGHTS, "[5, 3, 3, 20] instead of [5, 4, 3, 20]"),
        (_ARRAY[::-1], FaultKind.WEIGHTS_PERMUTED, "axis 0 reversed"),
        (_ARRAY[..., ::-1, :], FaultKind.WEIGHTS_PERMUTED, "axis 2 reversed"),
        (_swapped(1), FaultKind.WEIGHTS_PERMUTED, "axis 1 in another order: 0 from 1, 1 from 0"),
        (
            np.roll(_ARRAY, 1, axis=0),
            FaultKind.WEIGHTS_PERMUTED,
            "axis 0 in another order: 0 from 4, 1 from 0, 2 from 1, 3 from 2 and 1 more",
        ),
        (
            np.sort(_ARRAY, axis=None).reshape(_ARRAY.shape),
            FaultKind.WEIGHTS_PERMUTED,
            "the same values in other places",
        ),
        (_ARRAY * np.float32(1.5), FaultKind.WEIGHTS_FACTOR, 1.5),
        (_ARRAY * np.float32(-2), FaultKind.WEIGHTS_FACTOR, -2.0),
        (_ARRAY.astype(np.float16).astype(np.float32), FaultKind.WEIGHTS_ROUNDED, "half precision"),
        (np.rint(_ARRAY * 16) / 16, FaultKind.WEIGHTS_ROUNDED, "7 bits"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_done(got: NDArray[Any], fault: FaultKind, words: object) -> None:
    """Name and words; neither array equals the other."""
    assert not same_values(_ARRAY, got, _ROUNDING)
    found = variable_fault(_ARRAY, got, _ROUNDING)
    assert found.fault is fault
    said = found.words or found.got
    assert said == (pytest.approx(words) if isinstance(words, float) else words)


def test_channels_have_factors_of_their_own() -> None:
    """Which, along which axis; those that are 0 are lost."""
    factors = np.ones(20, np.float32)
    factors[[3, 7]] = 1.5, 4
    found = variable_fault(_ARRAY, _ARRAY * factors, _ROUNDING)
    assert found == (
        FaultKind.WEIGHTS_FACTOR, "2 of 20 channels, axis 3 at 3, 7", 1.0, "1.5 to 4"
    )  # fmt: skip
    found = variable_fault(_ARRAY, _ARRAY * (factors == 1), _ROUNDING)
    assert (found.fault, found.words) == (
        FaultKind.WEIGHTS, "2 of 20 channels, axis 3 at 3, 7 are 0"
    )  # fmt: skip


def test_one_other_value_is_said_with_both() -> None:
    """No factor, order or rounding makes it."""
    found = variable_fault(_ARRAY, _with(9.0), _ROUNDING)
    assert (found.fault, found.got) == (FaultKind.WEIGHTS, 9.0)
    assert found.expected == pytest.approx(float(_ARRAY[1, 2, 0, 3]))
    assert found.words.startswith("1 of 1200 values, by up to ")


@pytest.mark.parametrize("value", [3.0, -3.0])
def test_values_of_an_array_of_zeros_are_other_values(value: float) -> None:
    """Nothing is a multiple of nothing."""
    zeros = np.zeros_like(_ARRAY)
    assert variable_fault(zeros, _with(value, zeros), _ROUNDING).fault is FaultKind.WEIGHTS
    assert variable_fault(_with(value, zeros), zeros, _ROUNDING).fault is FaultKind.WEIGHTS


def test_an_axis_of_one_has_no_order() -> None:
    """The axis that has moved is named, not one along which nothing can."""
    array = _ARRAY[:, :1]
    order = [1, 0, 2, 3, 4]
    assert variable_fault(array, array[order], _ROUNDING).got.startswith("axis 0 in another")
    array = np.moveaxis(array, 1, 0)
    assert variable_fault(array, array[:, order], _ROUNDING).got.startswith("axis 1 in another")


def test_a_slice_of_another_array_is_no_order() -> None:
    """The same numbers, but one slice is in neither place."""
    got = _ARRAY.copy()
    got[0, 0, 0, [0, 1]] = got[0, 0, 0, [1, 0]]
    assert variable_fault(_ARRAY, got, _ROUNDING).got == "the same values in other places"


@pytest.mark.parametrize(
    ("got", "same"),
    [
        (_ARRAY, True),
        (_ARRAY * np.float32(1 + 1e-7), True),
        (_ARRAY * np.float32(1 + 1e-4), False),
        (_ARRAY[:2], False),
        (_with(math.inf), False),
    ],
)
def test_same_values(got: NDArray[Any], same: bool) -> None:
    """But for rounding; shapes count."""
    assert same_values(_ARRAY, got, _ROUNDING) is same


def test_nan_in_the_same_place_is_the_same_array() -> None:
    """The files agree about it; that it is NaN is another finding."""
    assert same_values(_with(math.nan), _with(math.nan), _ROUNDING)


def test_a_factor_of_negative_values_is_one() -> None:
    """What rounding moves is a share of their size, whatever their sign."""
    negative = -np.abs(_ARRAY) - np.float32(0.1)
    found = variable_fault(negative, negative * np.float32(1.5), _ROUNDING)
    assert found.fault is FaultKind.WEIGHTS_FACTOR
    assert found.got == pytest.approx(1.5)
