"""How one array differs from another of the same name: what was done to it, where that shows."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]
# A factor was rounded where values were multiplied by it: by more than they were; an 8-bit step is
# far above that.
_FACTOR_ROUNDINGS = 100
# 8 bits have so many values.
_LEVELS = 256
_SOME = 1024


class Relation(enum.StrEnum):
    """What was done to an array."""

    SHAPE = "another shape"
    NOT_FINITE = "values that are not finite"
    PERMUTED = "another order"
    FACTOR = "a factor"
    ROUNDED = "rounded"
    OTHER = "other values"


@dataclass(frozen=True)
class ArrayRelation:
    """How an array became another.

    Args:
        relation: What was done to it.
        words: What exactly: the axis and order, the bits, the largest difference.
        factor: Of `Relation.FACTOR`, else None.
        expected: Of `Relation.OTHER` the value where they differ most, else None.
        got: See expected.
    """

    relation: Relation
    words: str
    factor: float | None = None
    expected: float | None = None
    got: float | None = None


def same_values(first: _Array, second: _Array, rounding: float) -> bool:
    """Equal but for rounding.

    Args:
        first: Of any shape.
        second: Of any shape.
        rounding: Share of a value, or of the largest one, that is no difference.
    """
    if first.shape != second.shape:
        return False
    if np.array_equal(first, second):
        return True
    span = _span(first)
    return bool(np.allclose(first, second, rtol=rounding, atol=rounding * span, equal_nan=True))


def array_relation(expected: _Array, got: _Array, rounding: float) -> ArrayRelation:
    """What makes one array of the other; called where `same_values` is false.

    Args:
        expected: Of any shape.
        got: Of any shape.
        rounding: See `same_values`.
    """
    if expected.shape != got.shape:
        words = f"{list(got.shape)} instead of {list(expected.shape)}"
        return ArrayRelation(Relation.SHAPE, words)
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if bad.any():
        return ArrayRelation(Relation.NOT_FINITE, f"{int(bad.sum())} of {got.size} values")
    for found in (
        _permuted(expected, got),
        _factor(expected, got, rounding),
        _rounded(expected, got, rounding),
    ):
        if found is not None:
            return found
    distance = np.abs(expected.astype(np.float64) - got.astype(np.float64))
    worst = np.unravel_index(int(np.argmax(distance)), distance.shape)
    changed = int(np.count_nonzero(distance > rounding * _span(expected)))
    return ArrayRelation(
        Relation.OTHER,
        f"{changed} of {got.size} values, by up to {float(distance[worst]):.3g}",
        expected=float(expected[worst]),
        got=float(got[worst]),
    )


def _span(values: _Array) -> float:
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def _permuted(expected: _Array, got: _Array) -> ArrayRelation | None:
    if expected.size < 2:
        return None
    for axis in range(expected.ndim):
        if expected.shape[axis] > 1 and np.array_equal(np.flip(expected, axis), got):
            return ArrayRelation(Relation.PERMUTED, f"axis {axis} reversed")
    if not np.array_equal(np.sort(expected, axis=None), np.sort(got, axis=None)):
        return None
    for axis in range(expected.ndim):
        if expected.shape[axis] > 1 and (order := _order(expected, got, axis)) is not None:
            moved = [index for index, source in enumerate(order) if index != source]
            said = ", ".join(f"{index} from {order[index]}" for index in moved[:4])
            more = f" and {len(moved) - 4} more" if len(moved) > 4 else ""
            return ArrayRelation(Relation.PERMUTED, f"axis {axis} in another order: {said}{more}")
    return ArrayRelation(Relation.PERMUTED, "the same values in other places")


def _order(expected: _Array, got: _Array, axis: int) -> list[int] | None:
    """Where each slice of ``got`` is in ``expected``; None where one is in neither place."""
    if expected.shape[axis] > _SOME:
        return None
    ours = [np.ascontiguousarray(each).tobytes() for each in np.moveaxis(expected, axis, 0)]
    theirs = [np.ascontiguousarray(each).tobytes() for each in np.moveaxis(got, axis, 0)]
    places: dict[bytes, list[int]] = {}
    for index, each in enumerate(ours):
        places.setdefault(each, []).append(index)
    order = []
    for index, each in enumerate(theirs):
        known = places.get(each)
        if not known:
            return None
        # Its own place first: equal slices have not moved.
        order.append(known.pop(known.index(index) if index in known else 0))
    return order


def _factor(expected: _Array, got: _Array, rounding: float) -> ArrayRelation | None:
    """All values times one number."""
    if expected.size < 2:
        return None
    base, other = expected.astype(np.float64), got.astype(np.float64)
    power = float(np.vdot(base, base))
    if not power:
        return None
    factor = float(np.vdot(base, other)) / power
    off = np.abs(other - factor * base).max()
    if not factor or off > _FACTOR_ROUNDINGS * rounding * np.abs(other).max():
        return None
    return ArrayRelation(Relation.FACTOR, f"times {factor:.6g}", factor=factor)


def _rounded(expected: _Array, got: _Array, rounding: float) -> ArrayRelation | None:
    if expected.dtype != np.float32 or expected.size < 2:
        return None
    with np.errstate(over="ignore"):
        half = expected.astype(np.float16).astype(np.float32)
    if np.array_equal(half, got):
        return ArrayRelation(Relation.ROUNDED, "16 bits")
    bits = np.ascontiguousarray(expected).view(np.uint32) + np.uint32(0x8000)
    brain = (bits & np.uint32(0xFFFF0000)).view(np.float32)
    cut = (np.ascontiguousarray(expected).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    if np.array_equal(brain, got) or np.array_equal(cut, got):
        return ArrayRelation(Relation.ROUNDED, "16 bits (bfloat16)")
    levels = np.unique(got)
    if expected.size <= 2 * _LEVELS or len(levels) > _LEVELS or len(levels) < 2:
        return None
    step = float(np.diff(levels).min())
    if float(np.abs(expected - got).max()) > 0.5 * step + rounding * _span(expected):
        return None
    return ArrayRelation(Relation.ROUNDED, f"{max(2, int(np.ceil(np.log2(len(levels)))))} bits")
