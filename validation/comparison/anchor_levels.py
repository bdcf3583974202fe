"""Two tables of anchors in words: at which level of the grid which sides or centres differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.record.formatting import number, plural

_Floats = NDArray[np.float64]
# Graphs compute anchors in float32, and NumPy in another order of operations: as many roundings.
_OPERATIONS = 10
_NAMED = 3


@dataclass(frozen=True)
class _Level:
    """Anchors of one grid.

    Args:
        cells: Rows and columns of the grid.
        rows: Of the table.
    """

    cells: tuple[int, int]
    rows: NDArray[np.intp]


def same_anchors(first: NDArray[np.float32], second: NDArray[np.float32], rounding: float) -> bool:
    """Equal but for rounding; NaN equals nothing."""
    return first.shape == second.shape and _near(first, second, _OPERATIONS * rounding)


def anchor_words(expected: NDArray[np.float32], got: NDArray[np.float32], rounding: float) -> str:
    """What of a table is another; called where `same_anchors` is false.

    Args:
        expected: [N, 4] in centre form: y, x, height, width.
        got: [M, 4] alike.
        rounding: Of one operation, as a share of a value.
    """
    if expected.shape != got.shape:
        return f"{plural(len(got), 'anchor')} instead of {len(expected):,}"
    near = 2 * _OPERATIONS * rounding
    ours, theirs = expected.astype(np.float64), got.astype(np.float64)
    bad = int(np.count_nonzero(~np.isfinite(theirs).all(axis=1)))
    if bad:
        return f"{plural(bad, 'anchor')} not finite"
    if _near(_sorted(ours), _sorted(theirs), near):
        return "the same anchors in another order"
    if whole := _factors(ours, theirs, near):
        return f"all sides times {whole}"
    said = []
    for level in _levels(ours):
        one, other = ours[level.rows], theirs[level.rows]
        if not _near(one, other, near):
            said.append(f"{level.cells[0]}x{level.cells[1]} grid: {_level_words(one, other, near)}")
    more = f"; and {plural(len(said) - _NAMED, 'more level')}" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more


def _level_words(ours: _Floats, theirs: _Floats, near: float) -> str:
    if not _near(ours[:, :2], theirs[:, :2], near):
        shift = np.median(theirs[:, :2] - ours[:, :2], axis=0)
        if _near(ours[:, :2] + shift, theirs[:, :2], near):
            return f"centres moved by {number(shift[0])} and {number(shift[1])} for y and x"
        return "other centres"
    if factors := _factors(ours, theirs, near):
        return f"sides times {factors}"
    changed = np.abs(theirs[:, 2:] - ours[:, 2:]).max(axis=1) > near
    shapes = np.unique(np.round(ours[changed, 2:], 6), axis=0)
    first = np.flatnonzero(changed)[0]
    more = f", and {plural(len(shapes) - 1, 'more shape')}" if len(shapes) > 1 else ""
    return f"{_shape(ours[first])} is {_shape(theirs[first])}{more}"


def _shape(anchor: _Floats) -> str:
    """As the generator makes it: a scale and an aspect ratio, which is width over height."""
    height, width = anchor[2:]
    scale, aspect = float(np.sqrt(height * width)), float(width / height) if height else 0.0
    return f"scale {scale:.4g} aspect {aspect:.4g}"


def _factors(ours: _Floats, theirs: _Floats, near: float) -> str:
    """One factor of all sides, or one of heights and one of widths; empty where there is none."""
    if not _near(ours[:, :2], theirs[:, :2], near) or not (ours[:, 2:] > 0).all():
        return ""
    height, width = np.median(theirs[:, 2:] / ours[:, 2:], axis=0)
    if not _near(ours[:, 2:] * [height, width], theirs[:, 2:], near):
        return ""
    if abs(height - width) < near:
        return f"{height:.4g}"
    return f"{height:.4g} and {width:.4g} for h and w"


def _levels(anchors: _Floats) -> list[_Level]:
    """Runs of rows whose shapes are spread over one grid."""
    _, shapes = np.unique(np.round(anchors[:, 2:], 5), axis=0, return_inverse=True)
    grids: dict[int, tuple[int, int]] = {}
    for shape in np.unique(shapes):
        own = np.round(anchors[shapes.ravel() == shape], 5)
        grids[int(shape)] = (len(np.unique(own[:, 0])), len(np.unique(own[:, 1])))
    by_cells: dict[tuple[int, int], list[int]] = {}
    for row, shape in enumerate(shapes.ravel()):
        by_cells.setdefault(grids[int(shape)], []).append(row)
    return [_Level(cells, np.array(rows)) for cells, rows in by_cells.items()]


def _sorted(anchors: _Floats) -> _Floats:
    rounded = np.round(anchors, 4)
    order = np.lexsort(rounded.T[::-1])
    ordered: _Floats = rounded[order]
    return ordered


def _near(first: NDArray[Any], second: NDArray[Any], near: float) -> bool:
    return bool(np.allclose(first, second, rtol=near, atol=near))
