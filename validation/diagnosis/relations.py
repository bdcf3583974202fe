"""What was done to a constant: how the numbers of one file are made of those of another.

Pure functions of two arrays. A relation is claimed only where it explains every value to half a
step of both files' numbers, so that what is left is "other values".
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import StoredConstant
from validation.diagnosis.hidden_rounding import hidden_bits

_Reals = NDArray[np.float64]
# Sums of rounding in float32, in units of a step.
_ROUNDING = 1e-3
# The same where a factor was found among rounded values.
_ESTIMATED = 0.2
# Half precision rounds each value by itself; whole steps of it are still one value's.
_ESTIMATED_OF_HALVES = 0.5
# A factor that rounded values do not tell from 1.
_ONE = 2e-3
# Of a value, in float32: what multiplying and adding once more may change.
_FLOAT = 4e-7
# A channel of fewer values has a factor of its own whatever was done to it.
_LEAST_VALUES = 4
# More rows are not compared with each other.
_MOST_ROWS = 4096


class Change(enum.StrEnum):
    """What makes the second constant of the first."""

    NONE = "none"
    """Equal, or rounded to the steps in which they are stored."""
    ROUNDED = "rounded"
    """More coarsely than the second file stores it."""
    ZERO = "zero"
    NOT_FINITE = "not finite"
    """Values of the second."""
    NOTHING_RIGHT = "nothing right"
    """Values of the first are not finite: they say nothing of the second."""
    REVERSED = "reversed"
    AXES = "axes"
    """Two axes have changed places."""
    ORDER = "order"
    """Along one axis, maybe with some repeated and others lost."""
    FACTOR = "factor"
    CHANNEL_FACTORS = "channel factors"
    OFFSET = "offset"
    CHANNEL_OFFSETS = "channel offsets"
    SOME = "some"
    """Few values; the others are equal."""
    OTHER = "other"


@dataclass(frozen=True)
class Relation:
    """What makes one constant of another, as far as it is known.

    Args:
        change: See there.
        axis: Of `REVERSED`, `ORDER` and what is of channels; the first of `AXES`.
        other_axis: The second of `AXES`.
        order: Of `ORDER`: which of the first's stands at each place of the second.
        values: Factors or offsets: one, or one for each place along the axis; of `ORDER` factors
            of the places where they kept scales of their own.
        differing: How many values differ.
        size: Of how many.
        places: Where along `axis` values differ, of `SOME`.
        bits: Of `ROUNDED`: 16 for half precision, else of the whole numbers.
        error: Root mean square of the differences, as a share of that of the first's values.
    """

    change: Change
    axis: int | None = None
    other_axis: int | None = None
    order: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    differing: int = 0
    size: int = 0
    places: tuple[int, ...] = ()
    bits: int | None = None
    error: float = 0.0


class _Pair:
    """Two constants of one shape, and when values of them are equal."""

    def __init__(self, first: StoredConstant, second: StoredConstant) -> None:
        shape = first.real.shape
        # What lies beyond the range of a file's numbers was cut off there.
        self.low, self.high = second.low.reshape(shape), second.high.reshape(shape)
        self.ours, self.step = first.real.reshape(shape), first.step.reshape(shape)
        self.theirs, self.their_step = second.real.reshape(shape), second.step.reshape(shape)
        is_half = second.raw.dtype == np.float16
        self.estimated = _ESTIMATED_OF_HALVES if is_half else _ESTIMATED
        self.floor, self.ceiling = first.low.reshape(shape), first.high.reshape(shape)

    def far(
        self,
        made: _Reals,
        step: _Reals,
        *,
        cut: bool = False,
        slack: float = _ROUNDING,
        added: float | _Reals = 0.0,
    ) -> NDArray[np.bool_]:
        """Which values of the second are others than made ones, of which one knows to a step.

        Args:
            made: Of the first.
            step: In which they are known.
            cut: Values of the second beyond the first's range were cut off in the first.
            slack: More than half a step, in steps.
            added: To the first's values: sums round by the size of what is added.
        """
        theirs = np.clip(self.theirs, self.floor, self.ceiling) if cut else self.theirs
        inside = np.clip(made, self.low, self.high)
        size = np.maximum(np.abs(made), np.abs(theirs)) + np.abs(added)
        near = (0.5 + slack) * (np.abs(step) + self.their_step) + _FLOAT * size + 1e-37
        far: NDArray[np.bool_] = ~(np.abs(inside - theirs) <= near)
        return far

    def fits(
        self,
        made: _Reals,
        step: _Reals,
        *,
        slack: float = _ROUNDING,
        added: float | _Reals = 0.0,
    ) -> bool:
        """Made values explain all of the second's; arguments as `far`."""
        if made.shape != self.theirs.shape:
            return False
        return not self.far(made, step, slack=slack, added=added).any()


def relation(first: StoredConstant, second: StoredConstant) -> Relation:
    """What makes the second constant of the first; both have as many values."""
    with np.errstate(all="ignore"):  # of others' files values may be anything
        return _relation(_Pair(first, second), second)


def is_same(first: StoredConstant, second: StoredConstant) -> bool:
    """Equal but for the steps in which they are stored."""
    if first.size != second.size:
        return False
    with np.errstate(all="ignore"):
        pair = _Pair(first, second)
        return not pair.far(pair.ours, pair.step, cut=True).any()


def is_in_order(first: StoredConstant, second: StoredConstant, of: Relation) -> bool:
    """The second is the first, of one dimension, in the order of another constant's channels."""
    if first.real.ndim != 1 or not first.size == second.size == len(of.order):
        return False
    with np.errstate(all="ignore"):
        pair, places = _Pair(first, second), np.asarray(of.order)
        made, step = pair.ours[places], pair.step[places]
        # Rows that kept the scales of their places are times factors that are estimates.
        factors = np.asarray(of.values) if of.values else np.ones(len(places))
        near = np.abs(made * factors) * (_ONE * 10 if of.values else 0.0)
        return pair.fits(made * factors, step + 2 * near)


def _relation(pair: _Pair, second: StoredConstant) -> Relation:
    bad = int(np.count_nonzero(~np.isfinite(pair.ours)))
    if bad:
        return Relation(Change.NOTHING_RIGHT, differing=bad, size=pair.ours.size, error=math.inf)
    far = pair.far(pair.ours, pair.step, cut=True)
    size, differing = int(far.size), int(np.count_nonzero(far))
    if not differing:
        # Floats that are equal are not rounded.
        bits = None if second.raw.dtype.kind == "f" else hidden_bits(pair.ours, pair.theirs, second)
        return Relation(Change.NONE if bits is None else Change.ROUNDED, bits=bits, size=size)
    spread = float(np.sqrt(np.mean(pair.ours**2)))
    error = float(np.sqrt(np.mean((pair.theirs - pair.ours) ** 2))) / (spread or 1.0)
    about = Relation(Change.OTHER, differing=differing, size=size, error=error)
    if not np.isfinite(pair.theirs).all():
        count = int(np.count_nonzero(~np.isfinite(pair.theirs)))
        return Relation(Change.NOT_FINITE, differing=count, size=size, error=math.inf)
    if not pair.theirs.any():
        return replace(about, change=Change.ZERO)
    for found in itertools.chain(_moved(pair), _scaled(pair)):
        return _with(found, about)
    bits = hidden_bits(pair.ours, pair.theirs, second)
    if bits is not None:
        return replace(about, change=Change.ROUNDED, bits=bits)
    return _with(_some(far) or about, about)


def _with(found: Relation, about: Relation) -> Relation:
    return replace(found, differing=about.differing, size=about.size, error=about.error)


def _moved(pair: _Pair) -> Iterator[Relation]:
    """Reversed, transposed, in another order."""
    shape: tuple[int, ...] = pair.ours.shape
    axes = [axis for axis, side in enumerate(shape) if side > 1]
    for axis in axes:
        # Channels of an image: two of them reversed are an order like others.
        if pair.fits(np.flip(pair.ours, axis), np.flip(pair.step, axis)):
            yield Relation(Change.REVERSED, axis)
    for one, other in itertools.combinations(axes, 2):
        made, step = (np.swapaxes(each, one, other) for each in (pair.ours, pair.step))
        # The same numbers in the memory's order of the other layout.
        for shaped in (made, made.reshape(pair.ours.shape)):
            if pair.fits(shaped, step.reshape(shaped.shape)):
                yield Relation(Change.AXES, one, other)
    for axis in axes:
        order = _order(pair, axis)
        if order is not None:
            yield Relation(Change.ORDER, axis, order=order)


def _order(pair: _Pair, axis: int) -> tuple[int, ...] | None:
    """Which of the first's rows each row of the second is; None where one is none of them."""
    ours, theirs = (
        np.moveaxis(each, axis, 0).reshape(each.shape[axis], -1)
        for each in (pair.ours, pair.theirs)
    )
    if len(ours) > _MOST_ROWS:
        return None
    apart = (ours**2).sum(axis=1)[None, :] - 2 * theirs @ ours.T
    # A row that is where it was is no other one, though another be equal.
    order = apart.argmin(axis=1)
    stays = ~np.moveaxis(pair.far(pair.ours, pair.step), axis, 0).reshape(len(ours), -1).any(axis=1)
    order[stays] = np.flatnonzero(stays)
    made, step = (np.take(each, order, axis) for each in (pair.ours, pair.step))
    if not pair.fits(made, step):
        return None
    # Single numbers are found among others by chance: then it has to be all of them.
    if ours.shape[1] < _LEAST_VALUES and len(set(order.tolist())) < len(order):
        return None
    return tuple(order.tolist())


def _scaled(pair: _Pair) -> Iterator[Relation]:
    """Multiplied or shifted, as a whole or each channel by itself."""
    ours, theirs = pair.ours, pair.theirs
    if ours.size >= _LEAST_VALUES:
        whole = tuple(range(ours.ndim))
        factor = _factors(ours, theirs, whole)
        is_factor = not pair.their_step.any() or abs(float(factor.ravel()[0]) - 1) > _ONE
        if is_factor and pair.fits(ours * factor, pair.step * factor, slack=pair.estimated):
            yield Relation(Change.FACTOR, values=tuple(factor.ravel().tolist()))
        offset = _offsets(pair, whole)
        if pair.fits(ours + offset, pair.step, added=offset):
            yield Relation(Change.OFFSET, values=tuple(offset.ravel().tolist()))
    shape: tuple[int, ...] = ours.shape
    # Output and input channels are the first and the last axis.
    for axis in sorted(range(len(shape)), key=lambda each: (each not in (0, len(shape) - 1), each)):
        along = tuple(each for each in range(ours.ndim) if each != axis)
        if shape[axis] < 2 or ours.size // shape[axis] < _LEAST_VALUES:
            continue
        factors = _factors(ours, theirs, along)
        if pair.fits(ours * factors, pair.step * factors, slack=pair.estimated):
            yield Relation(Change.CHANNEL_FACTORS, axis, values=tuple(factors.ravel().tolist()))
        offsets = _offsets(pair, along)
        if pair.fits(ours + offsets, pair.step, added=offsets):
            yield Relation(Change.CHANNEL_OFFSETS, axis, values=tuple(offsets.ravel().tolist()))
        scaled = _scaled_order(pair, axis)
        if scaled is not None:
            yield scaled


def _offsets(pair: _Pair, along: tuple[int, ...]) -> _Reals:
    """By how much the second's values are larger: whole steps of where it has steps."""
    offsets: _Reals = np.median(pair.theirs - pair.ours, axis=along, keepdims=True)
    steps = pair.their_step.max(axis=along, keepdims=True)
    return np.where(steps > 0, np.rint(offsets / np.where(steps > 0, steps, 1.0)) * steps, offsets)


def _scaled_order(pair: _Pair, axis: int) -> Relation | None:
    """As `_order`, of rows that kept the scales of their places."""
    stepped = pair.their_step.any()
    side = int(pair.ours.shape[axis])
    if not stepped or not 2 <= side <= _MOST_ROWS or pair.ours.size // side < 2 * _LEAST_VALUES:
        return None
    ours, theirs = (
        np.moveaxis(each, axis, 0).reshape(side, -1) for each in (pair.ours, pair.theirs)
    )
    lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in (ours, theirs)]
    units = [
        each / np.where(size, size, 1) for each, size in zip((ours, theirs), lengths, strict=True)
    ]
    order = (units[1] @ units[0].T).argmax(axis=1)
    made, step = (np.take(each, order, axis) for each in (pair.ours, pair.step))
    along = tuple(each for each in range(made.ndim) if each != axis)
    factors = _factors(made, pair.theirs, along)
    is_another = bool((order != np.arange(side)).any())
    fits = pair.fits(made * factors, step * factors, slack=pair.estimated)
    if not (is_another and fits):
        return None
    values = tuple(factors.ravel().tolist())
    return Relation(Change.ORDER, axis, order=tuple(order.tolist()), values=values)


def _factors(ours: _Reals, theirs: _Reals, along: tuple[int, ...]) -> _Reals:
    """What takes the first's values next to the second's; 1 where there are only zeros."""
    power = (ours**2).sum(axis=along, keepdims=True)
    common = (ours * theirs).sum(axis=along, keepdims=True)
    factors: _Reals = np.where(power > 0, common / np.where(power > 0, power, 1.0), 1.0)
    return factors


def _some(far: NDArray[np.bool_]) -> Relation | None:
    """Where few values differ: along the axis on which they lie closest together."""
    if np.count_nonzero(far) * 2 > far.size:
        return None
    best: Relation | None = None
    share = 1.0
    for axis, side in enumerate(far.shape):
        along = tuple(each for each in range(far.ndim) if each != axis)
        places = np.flatnonzero(far.any(axis=along))
        if side > 1 and len(places) / side < share:
            share = len(places) / side
            best = Relation(Change.SOME, axis, places=tuple(places.tolist()))
    return best or Relation(Change.SOME)
