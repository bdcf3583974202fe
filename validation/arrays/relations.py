"""What was done to an array: how the numbers of one file are made of those of another.

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

from validation.arrays.hidden_rounding import Rounding, hidden_rounding
from validation.arrays.pairs import FLOAT_ROUNDING, ArrayPair
from validation.arrays.stored_numbers import StoredNumbers

_Reals = NDArray[np.float64]
# A factor that rounded values do not tell from 1.
_ONE = 2e-3
# A channel of fewer values has a factor of its own whatever was done to it.
_LEAST_VALUES = 4
# More rows are not compared with each other.
_MOST_ROWS = 4096
# Share of values beyond the range of the second: fewer are what a percentile leaves out.
_CUT = 0.01


class Change(enum.StrEnum):
    """What makes the second array of the first."""

    NONE = "none"
    """Equal, or rounded to the steps in which they are stored."""
    ROUNDED = "rounded"
    """More coarsely than the second file stores it."""
    CUT = "cut"
    """At the ends of what the second file can hold, many of them."""
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
    SHUFFLED = "shuffled"
    """The same numbers in other places, along no axis."""
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
        rounding: Of `ROUNDED`.
        error: Root mean square of the differences, as a share of that of the first's values.
        expected: The first's value where they differ most; None where none do.
        got: See expected.
    """

    change: Change
    axis: int | None = None
    other_axis: int | None = None
    order: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    differing: int = 0
    size: int = 0
    places: tuple[int, ...] = ()
    rounding: Rounding | None = None
    error: float = 0.0
    expected: float | None = None
    got: float | None = None


def relation(
    first: StoredNumbers, second: StoredNumbers, rounding: float = FLOAT_ROUNDING
) -> Relation:
    """What makes the second array of the first.

    Args:
        first: That says what is right.
        second: Of as many values.
        rounding: Share of a value that is no difference.
    """
    with np.errstate(all="ignore"):  # of others' files values may be anything
        return _relation(ArrayPair(first, second, rounding), second)


def is_same(first: StoredNumbers, second: StoredNumbers) -> bool:
    """Equal but for the steps in which they are stored."""
    if first.size != second.size:
        return False
    with np.errstate(all="ignore"):
        pair = ArrayPair(first, second)
        return not pair.far(pair.ours, pair.step, cut=True).any()


def is_in_order(first: StoredNumbers, second: StoredNumbers, of: Relation) -> bool:
    """The second is the first, of one dimension, in the order of another constant's channels."""
    if first.real.ndim != 1 or not first.size == second.size == len(of.order):
        return False
    with np.errstate(all="ignore"):
        pair, places = ArrayPair(first, second), np.asarray(of.order)
        made, step = pair.ours[places], pair.step[places]
        # Rows that kept the scales of their places are times factors that are estimates.
        factors = np.asarray(of.values) if of.values else np.ones(len(places))
        near = np.abs(made * factors) * (_ONE * 10 if of.values else 0.0)
        return pair.fits(made * factors, step + 2 * near)


def _relation(pair: ArrayPair, second: StoredNumbers) -> Relation:
    bad = int(np.count_nonzero(~np.isfinite(pair.ours)))
    if bad:
        return Relation(Change.NOTHING_RIGHT, differing=bad, size=pair.ours.size, error=math.inf)
    far = pair.far(pair.ours, pair.step, cut=True)
    size, differing = int(far.size), int(np.count_nonzero(far))
    if not differing:
        return _of_equal(pair, second)
    spread = float(np.sqrt(np.mean(pair.ours**2)))
    error = float(np.sqrt(np.mean((pair.theirs - pair.ours) ** 2))) / (spread or 1.0)
    worst = np.unravel_index(int(np.argmax(np.abs(pair.theirs - pair.ours))), far.shape)
    about = Relation(
        Change.OTHER,
        differing=differing,
        size=size,
        error=error,
        expected=float(pair.ours[worst]),
        got=float(pair.theirs[worst]),
    )
    if not np.isfinite(pair.theirs).all():
        count = int(np.count_nonzero(~np.isfinite(pair.theirs)))
        return Relation(Change.NOT_FINITE, differing=count, size=size, error=math.inf)
    if not pair.theirs.any():
        return replace(about, change=Change.ZERO)
    for found in itertools.chain(_moved(pair), _scaled(pair), _shuffled(pair)):
        return _with(found, about)
    rounding = hidden_rounding(pair.ours, pair.theirs, second)
    if rounding is not None:
        return replace(about, change=Change.ROUNDED, rounding=rounding)
    return _with(_some(far) or about, about)


def _of_equal(pair: ArrayPair, second: StoredNumbers) -> Relation:
    """No value is another one, but the second may have fewer levels, or ends that cut."""
    size = int(pair.ours.size)
    cut = pair.cut_off()
    if cut > _CUT * size:
        return Relation(Change.CUT, differing=cut, size=size)
    # Floats that are equal are not rounded.
    rounding = None if second.is_float else hidden_rounding(pair.ours, pair.theirs, second)
    change = Change.NONE if rounding is None else Change.ROUNDED
    return Relation(change, rounding=rounding, size=size)


def _with(found: Relation, about: Relation) -> Relation:
    return replace(
        about,
        **{
            name: getattr(found, name)
            for name in ("change", "axis", "other_axis", "order", "values", "places")
        },
    )


def _moved(pair: ArrayPair) -> Iterator[Relation]:
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


def _shuffled(pair: ArrayPair) -> Iterator[Relation]:
    ours, theirs = (np.sort(each, axis=None) for each in (pair.ours, pair.theirs))
    if np.array_equal(ours, theirs):
        yield Relation(Change.SHUFFLED)


def _order(pair: ArrayPair, axis: int) -> tuple[int, ...] | None:
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


def _scaled(pair: ArrayPair) -> Iterator[Relation]:
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
        stays = ~pair.far(ours, pair.step).any(axis=along, keepdims=True)
        factors = np.where(stays, 1.0, _factors(ours, theirs, along))
        if pair.fits(ours * factors, pair.step * factors, slack=pair.estimated):
            yield Relation(Change.CHANNEL_FACTORS, axis, values=tuple(factors.ravel().tolist()))
        offsets = np.where(stays, 0.0, _offsets(pair, along))
        if pair.fits(ours + offsets, pair.step, added=offsets):
            yield Relation(Change.CHANNEL_OFFSETS, axis, values=tuple(offsets.ravel().tolist()))
        scaled = _scaled_order(pair, axis)
        if scaled is not None:
            yield scaled


def _offsets(pair: ArrayPair, along: tuple[int, ...]) -> _Reals:
    """By how much the second's values are larger: whole steps of where it has steps."""
    offsets: _Reals = np.median(pair.theirs - pair.ours, axis=along, keepdims=True)
    steps = pair.their_step.max(axis=along, keepdims=True)
    return np.where(steps > 0, np.rint(offsets / np.where(steps > 0, steps, 1.0)) * steps, offsets)


def _scaled_order(pair: ArrayPair, axis: int) -> Relation | None:
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
