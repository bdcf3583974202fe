"""Changes of an array's values: places of an axis exchanged, repeated, scaled, and rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Edit = Callable[[NDArray[Any]], Any]


def swapped(axis: int, one: int, other: int) -> Edit:
    """Two places along an axis change places."""

    def edit(values: NDArray[Any]) -> NDArray[Any]:
        order = np.arange(values.shape[axis])
        order[[one, other]] = order[[other, one]]
        return np.take(values, order, axis)

    return edit


def repeated(axis: int, place: int, source: int) -> Edit:
    """One place along an axis becomes another's copy."""

    def edit(values: NDArray[Any]) -> NDArray[Any]:
        order = np.arange(values.shape[axis])
        order[place] = source
        return np.take(values, order, axis)

    return edit


def times_at(axis: int, place: int, factor: float) -> Edit:
    """One place along an axis times a factor."""

    def edit(values: NDArray[Any]) -> NDArray[Any]:
        factors = np.ones([size if at == axis else 1 for at, size in enumerate(values.shape)])
        factors[tuple(place if at == axis else 0 for at in range(values.ndim))] = factor
        return values * factors

    return edit


def rounded_to(bits: int) -> Edit:
    """Whole numbers of so many bits."""

    def edit(values: NDArray[Any]) -> NDArray[Any]:
        step = np.abs(values).max() / (2 ** (bits - 1) - 1)
        return np.rint(values / step) * step

    return edit
