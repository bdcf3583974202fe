"""Faults of anchors, and of the order in which outputs of the feature maps are joined to them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from validation.comparison.anchor_sense import anchor_layers
from validation.diagnosis.hypotheses import Cause
from validation.diagnosis.raw_outputs import RawHypothesis, RawOutputs
from validation.record.diagnosis import FaultKind, Place

_Array = NDArray[np.float32]

# Of the sides of anchors: usual mistakes are a scale of the next level, 1.5 for 2/3, and doubling.
_FACTORS = (0.5, 2 / 3, 0.75, 0.8, 0.9, 1.1, 1.25, 4 / 3, 1.5, 2.0)


def of_anchors(place: Place) -> Iterator[RawHypothesis]:
    """Other centres, sides and coordinates of all anchors."""
    # Where both sides share it, an input of another size makes objects as much larger or smaller.
    of_size = (FaultKind.RESIZE,) if place is not Place.FILE else ()

    def of(
        got: str, change: Callable[[_Array], _Array], also: tuple[FaultKind, ...] = ()
    ) -> RawHypothesis:
        return RawHypothesis(
            Cause(FaultKind.ANCHORS, place, got, also=also),
            lambda raw: dataclasses.replace(raw, anchors=change(raw.anchors)),
        )

    yield of("y and x exchanged", lambda anchors: anchors[:, [1, 0, 3, 2]])
    yield of("height and width exchanged", lambda anchors: anchors[:, [0, 1, 3, 2]])
    yield of("centres of x and y exchanged", lambda anchors: anchors[:, [1, 0, 2, 3]])
    yield of("corners instead of centres", _centres)
    yield of("in reverse order", lambda anchors: anchors[::-1])
    yield of("of each cell in reverse order", _cells_reversed)
    for first, second in itertools.combinations(range(_PLACES), 2):
        words = f"{first + 1} and {second + 1} of each cell exchanged"
        yield of(words, functools.partial(_exchanged, first=first, second=second))
    for factor in _FACTORS:
        change = functools.partial(_sides, factor=factor)
        yield of(f"sides times {1 / factor:.3g}", change, of_size)
    for cells, words in ((0.5, "half a cell too low"), (-0.5, "half a cell too high")):
        yield of(f"{words} in y and x", functools.partial(_moved, cells=cells))


def _centres(anchors: _Array) -> _Array:
    low, high = anchors[:, :2], anchors[:, 2:]
    return np.hstack([(low + high) / 2, high - low])


# An SSD has up to six anchors a cell.
_PLACES = 6


def _cells(anchors: _Array) -> NDArray[np.intp]:
    """The number of each anchor's cell: those of one centre follow one another."""
    is_next = (np.abs(np.diff(anchors[:, :2], axis=0)) > _ROUNDING).any(axis=1)
    return np.concatenate([[0], np.cumsum(is_next)])


def _cells_reversed(anchors: _Array) -> _Array:
    return anchors[np.lexsort((-np.arange(len(anchors)), _cells(anchors)))]


def _exchanged(anchors: _Array, first: int, second: int) -> _Array:
    """Two anchors of each cell that has both."""
    starts = np.flatnonzero(np.diff(_cells(anchors), prepend=-1))
    sizes = np.diff([*starts.tolist(), len(anchors)])
    both = starts[sizes > second]
    order = np.arange(len(anchors))
    order[both + first], order[both + second] = both + second, both + first
    return anchors[order]


def _sides(anchors: _Array, factor: float) -> _Array:
    return np.hstack([anchors[:, :2], anchors[:, 2:] * np.float32(factor)])


def _moved(anchors: _Array, cells: float) -> _Array:
    """Centres moved by a part of the distance to the next row and column of their level."""
    moved = anchors.copy()
    for layer in anchor_layers(anchors.astype(np.float64), _ROUNDING):
        own = slice(layer.start, layer.start + layer.rows)
        for axis in (0, 1):
            places = np.unique(anchors[own, axis])
            step = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
            moved[own, axis] += np.float32(cells * step)
    return moved


def of_levels(anchors: _Array, place: Place) -> Iterator[RawHypothesis]:
    """Outputs of the feature maps joined in another order than their anchors."""
    sizes = [layer.rows for layer in anchor_layers(anchors.astype(np.float64), _ROUNDING)]
    count = len(sizes)
    if not 1 < count <= _MOST_LEVELS:
        return
    reverse = tuple(reversed(range(count)))
    orders = {reverse: "coarse to fine"}
    for first in range(count - 1):
        exchanged = [*range(first), first + 1, first, *range(first + 2, count)]
        words = f"feature maps {first + 1} and {first + 2} exchanged"
        orders.setdefault(tuple(exchanged), words)
    for order, words in orders.items():
        back = functools.partial(_in_order, sizes=sizes, order=order)
        for parts, whose in (
            (("encodings",), "boxes"),
            (("scores",), "scores"),
            (_BOTH, "outputs"),
        ):
            yield RawHypothesis(
                Cause(FaultKind.CONCATENATION, place, words, "fine to coarse", where=whose),
                functools.partial(_joined, parts=parts, back=back),
            )


_BOTH = ("encodings", "scores")
# Of centres in one row of a grid, which are computed in float32.
_ROUNDING = 1e-4
# More are no feature maps: rows of anchors are in no order.
_MOST_LEVELS = 12


def _joined(
    raw: RawOutputs, parts: tuple[str, ...], back: Callable[[_Array], _Array]
) -> RawOutputs:
    joined = {
        name: back(getattr(raw, name)) if name in parts else getattr(raw, name) for name in _BOTH
    }
    return dataclasses.replace(raw, encodings=joined["encodings"], scores=joined["scores"])


def _in_order(values: _Array, sizes: list[int], order: tuple[int, ...]) -> _Array:
    """Rows that are joined in an order of levels, in the levels' own."""
    pieces = np.split(values, np.cumsum([sizes[each] for each in order])[:-1])
    return np.concatenate([pieces[order.index(each)] for each in range(len(sizes))])
