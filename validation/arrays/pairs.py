"""Two arrays of one shape, and when values of them are equal: to half a step of both."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.arrays.stored_numbers import Reals, StoredNumbers

# Sums of rounding in float32, in units of a step.
_ROUNDING = 1e-3
# The same where a factor was found among rounded values.
_ESTIMATED = 0.2
# Half precision rounds each value by itself; whole steps of it are still one value's.
_ESTIMATED_OF_HALVES = 0.5
# Of a value, in float32: what multiplying and adding once more may change.
FLOAT_ROUNDING = 4e-7


class ArrayPair:
    """Two arrays of as many values, the second in the shape of the first.

    Args:
        first: That says what is right.
        second: That is compared with it.
        rounding: Share of a value that is no difference.
    """

    def __init__(
        self, first: StoredNumbers, second: StoredNumbers, rounding: float = FLOAT_ROUNDING
    ) -> None:
        self.rounding = max(rounding, FLOAT_ROUNDING)
        shape = first.real.shape
        # What lies beyond the range of a file's numbers was cut off there.
        self.low, self.high = _lowest(second).reshape(shape), second.high.reshape(shape)
        self.ours, self.step = first.real.reshape(shape), first.step.reshape(shape)
        self.theirs, self.their_step = second.real.reshape(shape), second.step.reshape(shape)
        is_half = second.raw.dtype == np.float16
        self.estimated = _ESTIMATED_OF_HALVES if is_half else _ESTIMATED
        self.floor, self.ceiling = first.low.reshape(shape), first.high.reshape(shape)

    def far(
        self,
        made: Reals,
        step: Reals,
        *,
        cut: bool = False,
        slack: float = _ROUNDING,
        added: float | Reals = 0.0,
    ) -> NDArray[np.bool_]:
        """Which values of the second are others than made ones, of which one knows to a step.

        Args:
            made: Of the first.
            step: In which they are known.
            cut: Values of the second beyond the first's range were cut off in the first.
            slack: More than half a step, in steps.
            added: To the first's values: sums round by the size of what is added.
        """
        theirs = np.clip(self.theirs, self.floor, self.ceiling) if cut else self.theirs
        inside = np.clip(made, self.low, self.high)
        size = np.maximum(np.abs(made), np.abs(theirs)) + np.abs(added)
        near = (0.5 + slack) * (np.abs(step) + self.their_step) + self.rounding * size + 1e-37
        far: NDArray[np.bool_] = ~(np.abs(inside - theirs) <= near)
        return far

    def fits(
        self,
        made: Reals,
        step: Reals,
        *,
        slack: float = _ROUNDING,
        added: float | Reals = 0.0,
    ) -> bool:
        """Made values explain all of the second's; arguments as `far`."""
        if made.shape != self.theirs.shape:
            return False
        return not self.far(made, step, slack=slack, added=added).any()

    def cut_off(self) -> int:
        """Values of the first that lie more than a step beyond what the second can hold."""
        inside = np.clip(self.ours, self.low, self.high)
        return int(np.count_nonzero(np.abs(inside - self.ours) > self.their_step + self.step))


def _lowest(stored: StoredNumbers) -> Reals:
    """A narrow range leaves out the lowest code, so that both signs have as many."""
    is_whole = stored.raw.dtype.kind in "iu" and stored.raw.size
    is_narrow = is_whole and stored.raw.min() > np.iinfo(stored.raw.dtype).min
    return stored.low + stored.step if is_narrow else stored.low


def same_values(first: NDArray[Any], second: NDArray[Any], rounding: float) -> bool:
    """Equal but for rounding.

    Args:
        first: Of any shape.
        second: Of any shape.
        rounding: Share of a value, or of the largest one, that is no difference.
    """
    if first.shape != second.shape:
        return False
    if np.array_equal(first, second):
        return True
    finite = first[np.isfinite(first)]
    span = float(np.abs(finite).max()) if finite.size else 0.0
    return bool(np.allclose(first, second, rtol=rounding, atol=rounding * span, equal_nan=True))
