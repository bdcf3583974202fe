"""Two tables of anchors: what differs is said by the level of the grid."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.comparison.anchor_levels import anchor_words, same_anchors

Table = NDArray[np.float32]
_ROUNDING = 1e-7


def _grid(cells: int, *shapes: tuple[float, float]) -> Table:
    steps = (np.arange(cells) + 0.5) / cells
    rows = [[y, x, *shape] for y in steps for x in steps for shape in shapes]
    return np.array(rows, np.float32)


def _table() -> Table:
    """A grid of 4 by 4 with two shapes, one of 2 by 2 with one, and one of 1 by 1."""
    return np.concatenate(
        [_grid(4, (0.1, 0.1), (0.1, 0.2)), _grid(2, (0.4, 0.4)), _grid(1, (0.9, 0.9))]
    )


def _rows(start: int, stop: int, change: Callable[[Table], None]) -> Table:
    table = _table()
    change(table[start:stop])
    return table


def _sides(*factors: float) -> Callable[[Table], None]:
    def change(rows: Table) -> None:
        rows[:, 2:] *= factors

    return change


def _moved(y: float, x: float) -> Callable[[Table], None]:
    def change(rows: Table) -> None:
        rows[:, :2] += (y, x)

    return change


def _nan(rows: Table) -> None:
    rows[3, 2] = math.nan


def _swap(rows: Table) -> None:
    rows[[0, 5]] = rows[[5, 0]]


def _every_level(rows: Table) -> None:
    rows[:32, 2:] *= 2
    rows[32:36, 2:] *= 3
    rows[36:, :2] += 0.125


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (_table()[:-1], "36 anchors instead of 37"),
        (_rows(0, 37, _nan), "1 anchor not finite"),
        (_rows(0, 37, _swap), "the same anchors in another order"),
        (_rows(0, 37, _sides(1.5)), "all sides times 1.5"),
        (_rows(0, 37, _sides(2, 3)), "all sides times 2 and 3 for h and w"),
        (_rows(0, 32, _sides(2)), "4x4 grid: sides times 2"),
        (_rows(32, 36, _sides(2)), "2x2 grid: sides times 2"),
        (_rows(32, 36, _moved(0.05, 0)), "2x2 grid: centres moved by 0.05 and 0 for y and x"),
        (_rows(36, 37, _sides(0.5)), "1x1 grid: sides times 0.5"),
        (
            _rows(0, 37, _every_level),
            "4x4 grid: sides times 2; 2x2 grid: sides times 3; "
            "1x1 grid: centres moved by 0.125 and 0.125 for y and x",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_differs(got: Table, words: str) -> None:
    """In words; and the tables are not the same."""
    assert not same_anchors(_table(), got, _ROUNDING)
    assert anchor_words(_table(), got, _ROUNDING) == words


def test_one_shape_of_a_level() -> None:
    """By scale and aspect ratio, before and after."""
    got = _table()
    got[1:32:2, 3] = 0.4
    assert anchor_words(_table(), got, _ROUNDING) == (
        "4x4 grid: scale 0.1414 aspect 2 is scale 0.2 aspect 4"
    )


def test_rounding_is_no_difference() -> None:
    """A few operations in another order; NaN is no anchor of any table."""
    assert same_anchors(_table(), _table() * np.float32(1 + 3e-7), _ROUNDING)
    assert not same_anchors(_rows(0, 37, _nan), _rows(0, 37, _nan), _ROUNDING)
