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
    """How the bounds of a range are chosen."""

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
        # As `np.histogram` counts, to the last value; sorting is a multiple faster than its bins.
        edges = np.linspace(low, high, BINS + 1, dtype=np.result_type(low, high, values))
        ordered = np.sort(values, axis=None)
        below = ordered.searchsorted(edges, "left")
        # The last bin has its upper edge too.
        below[-1] = ordered.searchsorted(edges[-1], "right")
        return cls(np.diff(below).astype(np.int64, copy=False), low, high)

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
        GraphError: Values that are not finite.
    """
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise GraphError(
            "values that are not finite have no range",
            got=f"{low} to {high}",
            where=where,
            next_step="look at the weights and at the images that were fed",
        )
    return min(low, 0.0), max(high, 0.0)


def find_range(
    histogram: Histogram, method: RangeMethod, *, steps: int, percent: float | None = None
) -> Range:
    """The range that 8 bits should cover.

    Args:
        histogram: Values seen.
        method: How the bounds are chosen.
        steps: Levels less one.
        percent: For `RangeMethod.PERCENTILE`: share of the values inside each end, in
            percent.

    Returns:
        Low and high; 0 is inside, and low < high.
    """
    if not histogram.low < histogram.high or method is RangeMethod.MINMAX:
        return spanning(histogram.low, histogram.high)
    if method is RangeMethod.PERCENTILE and percent is not None:
        return spanning(*_percentile(histogram, percent))
    return spanning(*_least_error(histogram, steps))


def spanning(low: float, high: float) -> Range:
    """An empty range has no scale: a tensor that is always 0 gets one all the same."""
    return (low, high) if low < high else (low, low + 1.0)


def _percentile(histogram: Histogram, percent: float) -> Range:
    inside = histogram.counts.sum() * percent / 100
    edges = np.linspace(histogram.low, histogram.high, len(histogram.counts) + 1)
    high = edges[1:][np.searchsorted(histogram.counts.cumsum(), inside)]
    low = edges[:-1][::-1][np.searchsorted(histogram.counts[::-1].cumsum(), inside)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_error(histogram: Histogram, steps: int) -> Range:
    """Both bounds moved inwards together, then the upper alone, then the lower."""
    shrunk = np.linspace(1, 0, _CANDIDATES, endpoint=False).tolist()
    values, counts = histogram.centres, histogram.counts.astype(np.float64)

    def best(candidates: list[Range]) -> Range:
        return min(candidates, key=lambda bounds: _error_of(values, counts, bounds, steps))

    low, high = best([(histogram.low * factor, histogram.high * factor) for factor in shrunk])
    if histogram.high > 0:
        low, high = best([(low, high), *((low, histogram.high * factor) for factor in shrunk)])
    if histogram.low < 0:
        low, high = best([(low, high), *((histogram.low * factor, high) for factor in shrunk)])
    return low, high


def squared_error(histogram: Histogram, bounds: Range, steps: int) -> float:
    """Sum of squared errors that rounding to a range and clipping at its bounds make."""
    counts = histogram.counts.astype(np.float64)
    return _error_of(histogram.centres, counts, bounds, steps)


def _error_of(
    values: NDArray[np.float64], counts: NDArray[np.float64], bounds: Range, steps: int
) -> float:
    errors = values - fake_quantised(values, bounds, steps)
    return float(np.dot(errors**2, counts))


def fake_quantised(values: NDArray[np.floating], bounds: Range, steps: int) -> NDArray[np.floating]:
    """What a FakeQuantWithMinMaxVars node makes of some values.

    The bounds move so that 0 is a level, as the op's documentation says
    (https://www.tensorflow.org/api_docs/python/tf/quantization/fake_quant_with_min_max_vars).

    Args:
        values: Of any shape.
        bounds: Low and high, low < high.
        steps: Levels less one.
    """
    low, high = bounds
    scale = (high - low) / steps
    # Of a single number: Python's own functions, which round halves to even as NumPy's do.
    zero = np.float64(min(max(round(-low / scale), 0), steps))
    levels = np.minimum(np.maximum(np.rint(values / scale) + zero, 0), steps)
    result: NDArray[np.floating] = (levels - zero) * scale
    return result
