"""Which range 8 bits should cover, found from the values that a tensor takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from validation.errors import GraphError

Range = tuple[float, float]

# Bins between the extremes: eight for each of 256 levels.
BINS = 2048
# Ends that are tried between 0 and an extreme.
_CANDIDATES = 100


class RangeMethod(StrEnum):
    """How the ends of a range are chosen."""

    MINMAX = "minmax"
    """The extremes: nothing is cut."""
    PERCENTILE = "percentile"
    """Cuts a fixed share of the values at each end."""
    LEAST_ERROR = "least_error"
    """Cuts where rounding and cutting together cost the least squared error."""


@dataclass(frozen=True)
class Histogram:
    """How often a tensor takes which values.

    Args:
        counts: One a bin, from `low` to `high` in equal bins.
        low: Smallest value, 0 or below.
        high: Largest value, 0 or above.
    """

    counts: NDArray[np.int64]
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float32], low: float, high: float) -> Histogram:
        """The histogram of some values between extremes that are known beforehand."""
        if not low < high:
            # A tensor that is 0 everywhere: one bin as wide as nothing has no edges.
            return cls(np.array([values.size], np.int64), low, high)
        counts, _ = np.histogram(values, BINS, (low, high))
        return cls(counts.astype(np.int64), low, high)

    def __add__(self, other: Histogram) -> Histogram:
        """Both together; of the same extremes."""
        return Histogram(self.counts + other.counts, self.low, self.high)

    @property
    def centres(self) -> NDArray[np.float64]:
        """The middle of each bin."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        centres: NDArray[np.float64] = (edges[1:] + edges[:-1]) / 2
        return centres


def extremes(values: NDArray[np.float32], where: str) -> Range:
    """Smallest and largest value, 0 included: padding and the zero point need it.

    Raises:
        GraphError: Values that are no numbers.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise GraphError(
            "values that are no finite numbers have no range",
            got=f"{low} to {high}",
            where=where,
            next_step="look at the weights and at the images that were fed",
        )
    return min(low, 0.0), max(high, 0.0)


def find_range(
    found: Histogram, method: RangeMethod, *, steps: int, percent: float | None = None
) -> Range:
    """The range that 8 bits should cover.

    Args:
        found: Values seen.
        method: How the ends are chosen.
        steps: Levels less one.
        percent: For `RangeMethod.PERCENTILE`: share of the values inside each end, in
            percent.

    Returns:
        Low and high; 0 is inside, and low < high.
    """
    if not found.low < found.high or method is RangeMethod.MINMAX:
        return spanning(found.low, found.high)
    if method is RangeMethod.PERCENTILE and percent is not None:
        return spanning(*_percentile(found, percent))
    return spanning(*_least_error(found, steps))


def spanning(low: float, high: float) -> Range:
    """An empty range has no scale: a tensor that is always 0 gets one all the same."""
    return (low, high) if low < high else (low, low + 1.0)


def _percentile(found: Histogram, percent: float) -> Range:
    inside = found.counts.sum() * percent / 100
    edges = np.linspace(found.low, found.high, len(found.counts) + 1)
    high = edges[1:][np.searchsorted(found.counts.cumsum(), inside)]
    low = edges[:-1][::-1][np.searchsorted(found.counts[::-1].cumsum(), inside)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_error(found: Histogram, steps: int) -> Range:
    """Both ends drawn in together, then the upper alone, then the lower."""
    shrunk = np.linspace(1, 0, _CANDIDATES, endpoint=False).tolist()

    def best(candidates: list[Range]) -> Range:
        return min(candidates, key=lambda ends: squared_error(found, ends, steps))

    low, high = best([(found.low * factor, found.high * factor) for factor in shrunk])
    if found.high > 0:
        low, high = best([(low, high), *((low, found.high * factor) for factor in shrunk)])
    if found.low < 0:
        low, high = best([(low, high), *((found.low * factor, high) for factor in shrunk)])
    return low, high


def squared_error(found: Histogram, ends: Range, steps: int) -> float:
    """Sum of squared errors that rounding to a range and cutting at its ends make."""
    values = found.centres
    errors = values - fake_quantised(values, ends, steps)
    return float(np.dot(errors**2, found.counts))


def fake_quantised(values: NDArray[np.floating], ends: Range, steps: int) -> NDArray[np.floating]:
    """What a FakeQuantWithMinMaxVars node makes of some values.

    The ends move so that 0 is a level, as the op's documentation says
    (https://www.tensorflow.org/api_docs/python/tf/quantization/fake_quant_with_min_max_vars).

    Args:
        values: Of any shape.
        ends: Low and high, low < high.
        steps: Levels less one.
    """
    low, high = ends
    scale = (high - low) / steps
    zero = np.clip(np.round(-low / scale), 0, steps)
    levels = np.clip(np.round(values / scale) + zero, 0, steps)
    result: NDArray[np.floating] = (levels - zero) * scale
    return result
