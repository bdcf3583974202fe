"""How one constant is made of another: each thing that may be done to it is recognised."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.arrays.hidden_rounding import Rounding
from validation.arrays.relations import Change, Relation, relation
from validation.arrays.stored_numbers import StoredNumbers, stored_floats

_Reals = NDArray[np.float64]
SHAPE = (12, 3, 5, 8)


def _floats(values: NDArray[Any]) -> StoredNumbers:
    return stored_floats(values.astype(np.float32))


def _int8(values: NDArray[Any]) -> StoredNumbers:
    """By one scale for each of the first axis."""
    scale = np.abs(values).max(axis=(1, 2, 3), keepdims=True) / 127
    raw = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
    everywhere = np.zeros(raw.shape)
    return StoredNumbers(
        raw=raw,
        real=raw * scale,
        step=everywhere + scale,
        low=everywhere - 128 * scale,
        high=everywhere + 127 * scale,
    )


def _kernel(seed: int = 0) -> _Reals:
    return np.random.default_rng(seed).normal(0, 0.2, SHAPE)


def _changed(edit: Callable[[_Reals], Any], store: Callable[[Any], StoredNumbers]) -> Relation:
    return relation(_floats(_kernel()), store(edit(_kernel())))


def _bits(found: Relation) -> int | None:
    return None if found.rounding is None else found.rounding.bits


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


@pytest.mark.parametrize(
    ("name", "store"),
    # In 8 bits zeros alone have no range, and so no scale.
    [
        (name, store)
        for name in _EDITS
        for store in (_floats, _int8)
        if (name, store) != ("zero", _int8)
    ],
)
def test_a_change_is_recognised(name: str, store: Callable[[Any], StoredNumbers]) -> None:
    """In floats and through the rounding of 8 bits alike."""
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
    assert _bits(found) == bits


def test_hidden_half_precision_has_its_bits() -> None:
    """float32 with values of float16."""
    found = _changed(lambda values: values.astype(np.float16), _floats)
    assert (found.change, found.rounding) == (Change.ROUNDED, Rounding(16, "half precision"))


def test_8_bits_with_fewer_levels_are_rounded() -> None:
    """The lower four bits are lost."""
    stored = _int8(_kernel())
    coarse = stored.raw // 16 * 16
    scale = stored.step
    fewer = dataclasses.replace(stored, raw=coarse, real=coarse * scale)
    found = relation(_floats(_kernel()), fewer)
    assert (found.change, _bits(found)) == (Change.ROUNDED, 4)


@pytest.mark.parametrize(("bits", "levels"), [(4, 17), (5, 33), (6, 65)])
def test_levels_that_are_few_are_counted(bits: int, levels: int) -> None:
    """Codes that are rounded, and cut at the ends of the type: no longer multiples of one step."""
    stored = _int8(_kernel())
    step = 2 ** (8 - bits)
    raw = (np.rint(stored.raw / step) * step).clip(-127, 127).astype(np.int8)
    found = relation(
        _floats(_kernel()), dataclasses.replace(stored, raw=raw, real=raw * stored.step)
    )
    assert (found.change, found.rounding) == (
        Change.ROUNDED,
        Rounding(bits, f"{levels} levels ({bits} bits)"),
    )


def test_weights_that_share_few_values_are_rounded() -> None:
    """On no grid, as clusters are."""
    kernel = _kernel()
    centres = np.sort(np.random.default_rng(5).choice(kernel.ravel(), 20, replace=False))
    nearest = centres[np.abs(kernel[..., None] - centres).argmin(axis=-1)]
    found = relation(_floats(kernel), _floats(nearest))
    assert (found.change, _bits(found)) == (Change.ROUNDED, 4)


@pytest.mark.parametrize(("zeros", "words"), [(16, "bfloat16"), (13, "11 significant bits")])
def test_floats_with_fewer_significant_bits_are_rounded(zeros: int, words: str) -> None:
    """The low bits of every value are zero."""

    def cut(values: _Reals) -> _Reals:
        bits = (values * 1e-6).astype(np.float32).view(np.uint32)
        return (bits >> zeros << zeros).view(np.float32).astype(np.float64)

    found = relation(_floats(_kernel() * 1e-6), _floats(cut(_kernel())))
    assert found.rounding is not None
    assert found.rounding.words == words


def test_a_range_that_cuts_many_values_is_found() -> None:
    """Each value is the nearest that the file can hold, and a tenth of them are its ends."""
    kernel = _kernel()
    limit = np.quantile(np.abs(kernel), 0.9)
    narrow = _int8(kernel.clip(-limit, limit))
    found = relation(_floats(kernel), narrow)
    assert found.change is Change.CUT
    assert found.differing == pytest.approx(0.1 * kernel.size, rel=0.1)


def test_a_channel_that_is_as_it_was_has_no_factor() -> None:
    """Rounding is no factor of 1.001, so the one channel that has one is named."""
    found = _changed(lambda values: values * np.eye(12)[3].reshape(12, 1, 1, 1) + values, _int8)
    assert (found.change, found.axis) == (Change.CHANNEL_FACTORS, 0)
    assert [at for at, each in enumerate(found.values) if each != 1] == [3]
    assert found.values[3] == pytest.approx(2, abs=0.02)


def test_numbers_in_other_places_are_the_same_numbers() -> None:
    """Along no axis."""
    found = _changed(lambda values: np.random.default_rng(6).permuted(values.ravel()), _floats)
    assert found.change is Change.SHUFFLED


@given(st.permutations(range(9)), st.sampled_from([_floats, _int8]))
def test_any_order_of_channels_is_found(
    order: list[int], store: Callable[[Any], StoredNumbers]
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
