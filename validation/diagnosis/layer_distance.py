"""How far two values of one layer are apart at most, collected image by image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float32]


class Distance:
    """The largest difference, in steps or as a share of the reference's largest value.

    Args:
        step: Of the quantised tensor; None for a float one.
    """

    def __init__(self, step: float | None = None) -> None:
        self.step = step
        self.is_finite = True
        self._largest = 0.0
        self._worst: NDArray[np.float64] = np.zeros(0)

    def add(self, reference: _Floats, found: _Floats) -> None:
        """Count one pair of arrays with as many values; the channels of the second come last."""
        channels = found.shape[-1] if found.ndim else 1
        one = reference.astype(np.float64).reshape(-1, channels)
        other = found.astype(np.float64).reshape(-1, channels)
        # Of a reference that is not finite nothing is right: kernels clamp NaN each in its own way.
        is_known = np.isfinite(one)
        apart = np.where(is_known, np.abs(one - other), 0.0)
        self.is_finite = self.is_finite and bool(np.isfinite(other[is_known]).all())
        worst = np.nan_to_num(apart.max(axis=0), nan=np.inf)
        self._worst = np.maximum(self._worst, worst) if self._worst.size else worst
        self._largest = max(self._largest, float(np.abs(one[is_known]).max(initial=0)))

    @property
    def largest_error(self) -> float:
        """0 for equal values; infinite where the reference alone is finite."""
        return float(self.by_channel.max(initial=0))

    @property
    def by_channel(self) -> NDArray[np.float64]:
        """`largest_error` of each channel."""
        unit = self.step or self._largest
        if not unit:
            return np.where(self._worst > 0, math.inf, 0.0)
        return self._worst / unit
