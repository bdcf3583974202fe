"""Values that are rounded more coarsely than the file stores them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import StoredConstant

_Reals = NDArray[np.float64]
# Sums of rounding in float32, in units of a step.
_ROUNDING = 1e-3
# So few values are on a grid by chance.
_LEAST_VALUES = 8
_MOST_BITS = 12


def hidden_bits(ours: _Reals, theirs: _Reals, second: StoredConstant) -> int | None:
    """To how many bits a constant is rounded beyond what its form needs; None where it is not.

    Args:
        ours: Real values of another file.
        theirs: Of the constant, of the same shape.
        second: The constant as it is stored.
    """
    if second.size < _LEAST_VALUES:
        return None
    if second.raw.dtype.kind == "f":
        halves = second.raw.astype(np.float16)
        if second.raw.dtype != np.float16 and _is_rounding(ours, theirs, halves.astype(np.float64)):
            return 16
    axes: list[int | None] = [None, *range(second.raw.ndim)]
    for axis in axes:
        bits = _grid_bits(ours, theirs, second, axis)
        if bits is not None:
            return bits
    return None


def _is_rounding(ours: _Reals, theirs: _Reals, halves: _Reals) -> bool:
    """The second has numbers of half precision, and the first has finer ones next to them."""
    half = np.abs(np.spacing(ours.astype(np.float16)).astype(np.float64))
    return (
        np.array_equal(halves, theirs)
        and not np.array_equal(ours.astype(np.float16).astype(np.float64), ours)
        and bool((np.abs(ours - theirs) <= half).all())
    )


def _grid_bits(
    ours: _Reals, theirs: _Reals, second: StoredConstant, axis: int | None
) -> int | None:
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
