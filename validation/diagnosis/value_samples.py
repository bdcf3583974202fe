"""A few values of every tensor, enough to recognise it by them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]
_Reals = NDArray[np.float64]
# So many of one image: hundreds of tensors are compared with hundreds.
_MOST = 2048


@dataclass(frozen=True)
class Samples:
    """Tensors of one run, each by some of its values.

    Args:
        shapes: Of each, without dimensions of one.
        values: The same places of all tensors with as many values, over all images.
    """

    shapes: dict[int, tuple[int, ...]]
    values: dict[int, _Reals]

    def distance(self, tensor: int, other: Samples, key: int) -> float:
        """Largest difference of two tensors of one shape, as a share of the largest value."""
        one, two = self.values[tensor], other.values[key]
        largest = max(np.abs(one).max(), np.abs(two).max())
        return float(np.abs(one - two).max() / largest) if largest else 0.0

    def correlation(self, tensor: int, other: Samples, key: int) -> float:
        """Of two tensors of one shape, 0 where one of them is constant."""
        one, two = (each - each.mean() for each in (self.values[tensor], other.values[key]))
        norm = np.sqrt(np.dot(one, one) * np.dot(two, two))
        return float(np.dot(one, two) / norm) if norm else 0.0


class Sampler:
    """Collects `Samples` image by image.

    Args:
        tensors: Which.
    """

    def __init__(self, tensors: Iterable[int]) -> None:
        self._parts: dict[int, list[_Floats]] = {each: [] for each in tensors}
        self._shapes: dict[int, tuple[int, ...]] = {}

    def add(self, value: Callable[[int], _Floats]) -> None:
        """Take the values of one image."""
        for tensor, parts in self._parts.items():
            array = value(tensor)
            self._shapes[tensor] = tuple(side for side in array.shape if side != 1)
            parts.append(array.ravel()[_places(array.size)])

    def samples(self) -> Samples:
        """All that was taken; what is not finite counts as nothing."""
        return Samples(
            dict(self._shapes),
            {
                tensor: np.nan_to_num(
                    np.concatenate(parts).astype(np.float64), posinf=0.0, neginf=0.0
                )
                for tensor, parts in self._parts.items()
            },
        )


@functools.cache
def _places(size: int) -> NDArray[np.intp]:
    """Places in a flat tensor, spread without a period: a stride would see few channels."""
    if size <= _MOST:
        return np.arange(size)
    places: NDArray[np.intp] = np.sort(np.random.default_rng(size).integers(0, size, _MOST))
    return places
