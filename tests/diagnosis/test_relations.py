"""How one constant is made of another: each thing that may be done to it is recognised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.diagnosis.constants import StoredConstant
from validation.diagnosis.relations import Change, Relation, relation
from validation.specs.tensors import TensorSpec

_Reals = NDArray[np.float64]
SHAPE = (12, 3, 5, 8)


def _floats(values: NDArray[Any]) -> StoredConstant:
    raw = values.astype(np.float32)
    ends = np.full(raw.shape, np.inf)
    spec = TensorSpec("kernel", "float32", raw.shape)
    real = raw.astype(np.float64)
    return StoredConstant(spec, raw, real, np.zeros_like(real), -ends, ends, "float32")


def _int8(values: NDArray[Any]) -> StoredConstant:
    """By one scale for each of the first axis."""
    scale = np.abs(values).max(axis=(1, 2, 3), keepdims=True) / 127
    raw = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    everywhere = np.zeros(raw.shape)
    spec = TensorSpec("kernel", "int8", raw.shape)
    return StoredConstant(
        spec, raw, raw * scale, everywhere + scale, everywhere - 128 * scale,
        everywhere + 127 * scale, "int8",
    )  # fmt: skip


def _kernel(seed: int = 0) -> _Reals:
    return np.random.default_rng(seed).normal(0, 0.2, SHAPE)


def _changed(edit: Callable[[_Reals], Any], store: Callable[[Any], StoredConstant]) -> Relation:
    return relation(_floats(_kernel()), store(edit(_kernel())))


def _with(values: _Reals, places: Any, new: float) -> _Reals:
    values[places] = new
    return values


def _times(values: _Reals) -> _Reals:
    factors = np.ones((12, 1, 1, 1))
    factors[[2, 5]] = 3.0
    return values * factors


_EDITS: dict[str, tuple[Callable[[_Reals], Any], dict[str, Any]]] = {
    "nothing": (lambda values: values, {"change": Change.NONE}),
    "reversed inputs": (lambda values: values[..., ::-1], {"change": Change.REVERSED, "axis": 3}),
    "upside down": (lambda values: values[:, ::-1], {"change": Change.REVERSED, "axis": 1}),
    "outputs in an order": (
        lambda values: values[[1, 0, *range(2, 12)]],
        {"change": Change.ORDER, "axis": 0, "order": (1, 0, *range(2, 12))},
    ),
    "an output repeated": (
        lambda values: values[[*range(11), 3]],
        {"change": Change.ORDER, "axis": 0, "order": (*range(11), 3)},
    ),
    "a factor": (lambda values: values * 1.1, {"change": Change.FACTOR}),
    "the other sign": (lambda values: -values, {"change": Change.FACTOR}),
    "factors of outputs": (_times, {"change": Change.CHANNEL_FACTORS, "axis": 0}),
    "zero": (lambda values: values * 0, {"change": Change.ZERO}),
}


@pytest.mark.parametrize("store", [_floats, _int8])
@pytest.mark.parametrize("name", _EDITS)
def test_a_change_is_recognised(name: str, store: Callable[[Any], StoredConstant]) -> None:
    """In floats and through the rounding of 8 bits alike."""
    if name == "zero" and store is _int8:
        pytest.skip("a range of nothing has no scale")
    edit, expected = _EDITS[name]
    found = _changed(edit, store)
    assert {field: getattr(found, field) for field in expected} == expected


def test_a_factor_is_measured() -> None:
    """As exactly as the numbers allow."""
    for store, rounding in ((_floats, 1e-6), (_int8, 1e-3)):
        found = _changed(lambda values: values * 1.1, store)
        assert found.values == pytest.approx((1.1,), abs=rounding)


def test_an_offset_of_floats_is_recognised() -> None:
    """Of every value."""
    found = _changed(lambda values: values + 0.05, _floats)
    assert (found.change, found.values) == (Change.OFFSET, pytest.approx((0.05,)))


def test_a_square_window_may_be_transposed() -> None:
    """Height and width change places."""
    kernel = np.random.default_rng(1).normal(0, 0.2, (4, 3, 3, 2))
    found = relation(_floats(kernel), _floats(kernel.swapaxes(1, 2)))
    assert (found.change, found.axis, found.other_axis) == (Change.AXES, 1, 2)


def test_few_other_values_are_located() -> None:
    """The output channel that has them."""
    found = _changed(lambda values: _with(values, (4, 0, slice(1, 3), 2), 9.0), _floats)
    assert (found.change, found.differing, found.axis, found.places) == (Change.SOME, 2, 0, (4,))


def test_values_that_are_not_finite_are_counted() -> None:
    """NaN and infinities."""
    found = _changed(lambda values: _with(values, (0, 0, 0), np.nan), _floats)
    assert (found.change, found.differing) == (Change.NOT_FINITE, 8)


def test_nothing_follows_from_values_that_are_not_finite() -> None:
    """The first file is wrong, whatever the second has."""
    values = _with(_kernel(), (0, 0, 0), np.nan)
    assert relation(_floats(values), _floats(_kernel())).change is Change.NOTHING_RIGHT


def test_other_values_are_no_relation() -> None:
    """Of another seed, or with noise on all of them."""
    assert _changed(lambda _: _kernel(1), _floats).change is Change.OTHER
    noise = np.random.default_rng(2).normal(0, 0.01, SHAPE)
    found = _changed(lambda values: values + noise, _floats)
    assert (found.change, found.differing) == (Change.OTHER, noise.size)


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_hidden_rounding_has_its_bits(bits: int) -> None:
    """Floats that are whole numbers of a step."""

    def rounded(values: _Reals) -> _Reals:
        step = np.abs(values).max() / (2 ** (bits - 1) - 1)
        return np.asarray(np.rint(values / step) * step)

    found = _changed(rounded, _floats)
    assert found.change is Change.ROUNDED
    # Those at the ends of the range may be missing.
    assert found.bits == bits


def test_hidden_half_precision_has_its_bits() -> None:
    """float32 with values of float16."""
    found = _changed(lambda values: values.astype(np.float16), _floats)
    assert (found.change, found.bits) == (Change.ROUNDED, 16)


def test_8_bits_with_fewer_levels_are_rounded() -> None:
    """The lower four bits are lost."""
    stored = _int8(_kernel())
    coarse = stored.raw // 16 * 16
    scale = stored.step
    fewer = StoredConstant(
        stored.spec, coarse, coarse * scale, scale, stored.low, stored.high, "int8"
    )
    found = relation(_floats(_kernel()), fewer)
    assert (found.change, found.bits) == (Change.ROUNDED, 4)


@given(st.permutations(range(9)), st.sampled_from([_floats, _int8]))
def test_any_order_of_channels_is_found(
    order: list[int], store: Callable[[Any], StoredConstant]
) -> None:
    """Whichever it is: what stands where it stood stays."""
    kernel = np.random.default_rng(4).normal(0, 0.2, (9, 3, 3, 4))
    found = relation(_floats(kernel), store(kernel[order]))
    if order == sorted(order):
        assert found.change is Change.NONE
    elif order == sorted(order, reverse=True):
        assert (found.change, found.axis) == (Change.REVERSED, 0)
    else:
        assert (found.change, found.axis, found.order) == (Change.ORDER, 0, tuple(order))
