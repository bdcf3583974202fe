"""An array as a file stores it: what its numbers mean, and the step between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StoredNumbers:
    """Numbers of one array.

    Args:
        raw: As the file has them.
        real: What they mean.
        step: Distance of two neighbours, for each value; 0 for float32.
        low: The lowest that the file's numbers can hold, for each value.
        high: See low.
    """

    raw: NDArray[Any]
    real: Reals
    step: Reals
    low: Reals
    high: Reals

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.real.size)

    @property
    def is_float(self) -> bool:
        """Kept as floats of any size."""
        return self.raw.dtype.kind == "f"


def stored_floats(raw: NDArray[Any]) -> StoredNumbers:
    """Floats that mean what they are; half precision has steps."""
    real = np.asarray(raw, np.float64)
    coarse = (
        np.spacing(np.abs(raw)).astype(np.float64)
        if raw.dtype == np.float16
        else np.zeros_like(real)
    )
    ends = np.full_like(real, np.inf)
    return StoredNumbers(raw=raw, real=real, step=coarse, low=-ends, high=ends)
