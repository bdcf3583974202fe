"""Values that are rounded more coarsely than the file stores them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.arrays.stored_numbers import Reals, StoredNumbers

# Sums of rounding in float32, in units of a step.
_ROUNDING = 1e-3
# So few values are on a grid by chance.
_LEAST_VALUES = 8
_MOST_BITS = 12
# Of float32: the sign and the exponent take the others.
_SIGNIFICANT, _LOW_BITS = 24, 23
# Fewer low bits are zero in all of some values by chance.
_LEAST_ZERO_BITS = 5
_OF_BFLOAT16 = 16
# Of the levels that rounding alone would leave: 7 bits have half of what 8 have.
_FEW_LEVELS, _LEAST_LEVELS = 0.6, 24
# Root mean square error, as a share of the values': what lies further off is no rounding.
_MOST_ERROR = 0.35


@dataclass(frozen=True)
class Rounding:
    """To what values are rounded.

    Args:
        bits: That would hold them.
        words: For the reader.
    """

    bits: int
    words: str


def hidden_rounding(ours: Reals, theirs: Reals, second: StoredNumbers) -> Rounding | None:
    """To what an array is rounded beyond what its form needs; None where it is not.

    Args:
        ours: Real values of another file.
        theirs: Of the array, of the same shape.
        second: The array as it is stored.
    """
    if second.size < _LEAST_VALUES:
        return None
    if second.raw.dtype == np.float32:
        found = _half(ours, theirs, second.raw) or _shorter(ours, second.raw)
        if found is not None:
            return found
    axes: list[int | None] = [None, *range(second.raw.ndim)]
    for axis in axes:
        bits = _grid_bits(ours, theirs, second, axis)
        if bits is not None:
            return Rounding(bits, f"{bits} bits")
    levels = _few_levels(ours, theirs, second)
    # Of 4 bits there are 16 levels, or 17 where both signs have as many.
    bits = round(math.log2(levels)) if levels else 0
    return Rounding(bits, f"{levels} levels ({bits} bits)") if bits else None


def _half(ours: Reals, theirs: Reals, raw: NDArray[Any]) -> Rounding | None:
    """The second has numbers of half precision, and the first has finer ones next to them."""
    halves = raw.astype(np.float16).astype(np.float64)
    half = np.abs(np.spacing(ours.astype(np.float16)).astype(np.float64))
    is_half = (
        np.array_equal(halves.ravel(), theirs.ravel())
        and not np.array_equal(ours.astype(np.float16).astype(np.float64), ours)
        and bool((np.abs(ours - theirs) <= half).all())
    )
    return Rounding(16, "half precision") if is_half else None


def _shorter(ours: Reals, raw: NDArray[Any]) -> Rounding | None:
    """Floats of which the low bits are all zero, as bfloat16 has; the first has finer ones."""
    finer = ours.astype(np.float32).reshape(raw.shape)
    zeros = _zero_bits(raw)
    if zeros < _LEAST_ZERO_BITS or _zero_bits(finer) >= zeros:
        return None
    unit = np.ldexp(np.spacing(np.abs(finer)).astype(np.float64), zeros)
    if not (np.abs(finer.astype(np.float64) - raw) <= unit).all():
        return None
    if zeros == _OF_BFLOAT16:
        return Rounding(16, "bfloat16")
    return Rounding(32 - zeros, f"{_SIGNIFICANT - zeros} significant bits")


def _zero_bits(values: NDArray[Any]) -> int:
    """So many low bits are zero in every value."""
    every = int(np.bitwise_or.reduce(np.ascontiguousarray(values).view(np.uint32), axis=None))
    return min(_LOW_BITS, (every & -every).bit_length() - 1) if every else _LOW_BITS


def _grid_bits(ours: Reals, theirs: Reals, second: StoredNumbers, axis: int | None) -> int | None:
    """Bits of the whole numbers of which all values are multiples, by channel or together."""
    stored = second.raw.dtype.itemsize * 8 if second.raw.dtype.kind in "iu" else 32
    rows, before = (
        each.reshape(1, -1)
        if axis is None
        else np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1)
        for each in (theirs, ours)
    )
    if rows.shape[1] < _LEAST_VALUES:
        return None
    widest, rounds = 0.0, False
    for values, finer in zip(rows, before, strict=True):
        levels = np.unique(values)
        if len(levels) < 2:
            continue
        if len(levels) > 2**_MOST_BITS or len(levels) * 2 > len(values):
            return None
        step = float(np.diff(levels).min())
        multiples = (levels - levels[0]) / step
        if not (np.abs(multiples - np.rint(multiples)) < 0.02).all():
            return None
        if not (np.abs(values - finer) <= step * (1 + _ROUNDING)).all():
            return None
        rounds = rounds or len(np.unique(finer)) > 2 * len(levels)
        widest = max(widest, float(np.rint(multiples[-1])))
    bits = math.ceil(math.log2(widest + 1)) if widest else 0
    return bits if rounds and 0 < bits < min(stored, _MOST_BITS + 1) else None


def _few_levels(ours: Reals, theirs: Reals, second: StoredNumbers) -> int:
    """How many levels the values have, where rounding to the second's steps leaves many more; 0."""
    error = float(np.sqrt(np.mean((theirs - ours) ** 2)))
    if error > _MOST_ERROR * float(np.sqrt(np.mean(ours**2))):
        return 0
    step = second.step.reshape(ours.shape)
    wanted = np.rint(ours / np.where(step > 0, step, 1.0)) if step.any() else ours
    codes = second.raw if second.raw.dtype.kind in "iu" else theirs
    levels, possible = len(np.unique(codes)), len(np.unique(wanted))
    is_few = possible >= _LEAST_LEVELS and levels <= _FEW_LEVELS * possible
    return levels if is_few and levels <= 2**_MOST_BITS else 0
