"""Figures of closeness from arrays, collected image by image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.record.quantisation_cost import SQNR_CEILING_DB, ErrorStatistics, representable
from validation.specs.tensors import TensorSpec

# Values at a time: in double precision some of these fit into a core's cache.
_CHUNK = 32_768

_Array = NDArray[Any]


class ErrorAccumulator:
    """Collects the figures image by image, so that no two images are held at once.

    Args:
        spec: With scale, zero point and dtype where the candidate is quantised.
    """

    def __init__(self, spec: TensorSpec | None = None) -> None:
        self.spec = spec
        self._step = None if spec is None else spec.scale
        self._range = None if spec is None else representable(spec)
        self._values = 0
        self._low, self._high = math.inf, -math.inf
        self._mean = self._spread = self._noise = 0.0
        self._inner = self._reference_power = self._candidate_power = 0.0
        self._saturated = self._beyond = 0

    def add(self, reference: NDArray[Any], candidate: NDArray[Any]) -> None:
        """Count one pair of arrays of the same shape, with at least one value."""
        one, other = reference.ravel(), candidate.ravel()
        for start in range(0, one.size, _CHUNK):
            part = slice(start, start + _CHUNK)
            self._add_chunk(one[part].astype(np.float64), other[part].astype(np.float64))

    def _add_chunk(self, one: _Array, other: _Array) -> None:
        distance = other - one
        self._low = min(self._low, float(one.min()))
        self._high = max(self._high, float(one.max()))
        self._noise += _dot(distance, distance)
        self._inner += _dot(one, other)
        self._reference_power += _dot(one, one)
        self._candidate_power += _dot(other, other)
        self._merge_spread(one)
        if self._step is not None and self._range is not None:
            self._beyond += int(np.count_nonzero(np.abs(distance) > self._step))
            self._saturated += _saturated(one, other, self._step, self._range)

    def _merge_spread(self, values: _Array) -> None:
        """Chan, Golub and LeVeque's update: squares of large values would cancel."""
        mean = float(values.mean())
        centred = values - mean
        both = self._values + values.size
        shift = mean - self._mean
        self._spread += _dot(centred, centred) + shift**2 * self._values * values.size / both
        self._mean += shift * values.size / both
        self._values = both

    def statistics(self) -> ErrorStatistics:
        """The figures of everything that was counted; at least one pair must have been."""
        rmse = math.sqrt(self._noise / self._values)
        quantised = self._step is not None
        return ErrorStatistics(
            values=self._values,
            low=self._low,
            high=self._high,
            rmse=rmse,
            sqnr_db=_decibels(self._spread, self._noise),
            cosine=_cosine(self._inner, self._reference_power, self._candidate_power),
            rmse_in_steps=rmse / self._step if self._step else None,
            saturated=self._saturated / self._values if quantised else None,
            beyond_one_step=self._beyond / self._values if quantised else None,
        )


def _dot(one: _Array, other: _Array) -> float:
    # Not `@`: BLAS shares so little out to threads, which on a busy machine wait for each other.
    return float(np.einsum("i,i->", one, other))


def _saturated(one: _Array, other: _Array, step: float, ends: tuple[float, float]) -> int:
    low, high = ends
    # Held at an end means nearer to it than to the next code.
    below = (one < low - step) & (other < low + 0.5 * step)
    above = (one > high + step) & (other > high - 0.5 * step)
    return int(np.count_nonzero(below) + np.count_nonzero(above))


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return SQNR_CEILING_DB
    if signal == 0:
        return -SQNR_CEILING_DB
    # The difference of two logarithms: a quotient of very small numbers would overflow.
    ratio = 10 * (math.log10(signal) - math.log10(noise))
    return max(-SQNR_CEILING_DB, min(ratio, SQNR_CEILING_DB))


def _cosine(inner: float, one: float, other: float) -> float:
    if one == 0 or other == 0:
        return 1.0 if one == other else 0.0
    return max(-1.0, min(inner / (math.sqrt(one) * math.sqrt(other)), 1.0))
