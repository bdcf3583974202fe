"""Between real numbers and the integers that a quantised tensor keeps them as."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import FeedError
from validation.specs.tensors import TensorSpec

# What [0, 1] and [-1, 1] become when cast to uint8: 0 and 1, and -1 as the last value.
_CAST = (0, 1, 255)


def is_quantised(spec: TensorSpec) -> bool:
    """True for an integer tensor with a scale."""
    return None not in (spec.scale, spec.zero_point) and np.dtype(spec.dtype).kind in "iu"


def quantise(array: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """Real values as a tensor keeps them: ``round(real / scale) + zero_point``, clipped.

    Halves are rounded away from zero, as TFLite's reference kernel of QUANTIZE does.

    Args:
        array: Of any shape, in real units; it is not changed.
        spec: Of the tensor. One without a scale keeps its values as they are.

    Returns:
        Of the spec's dtype; the array itself where there is nothing to do.

    Raises:
        FeedError: A NaN, which has no quantised form.
    """
    if not is_quantised(spec):
        return array
    scale, zero_point = _parameters(spec)
    steps = np.divide(array, scale, dtype=np.float64)
    if np.isnan(steps).any():
        raise FeedError("a value to be quantised is NaN", where=spec.name)
    rounded = np.trunc(steps + np.copysign(0.5, steps))
    bounds = np.iinfo(spec.dtype)
    kept: NDArray[Any] = np.clip(rounded + zero_point, bounds.min, bounds.max)
    return kept.astype(spec.dtype)


def dequantise(array: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """The real values of a tensor: ``(q - zero_point) * scale``.

    Args:
        array: Of the spec's dtype.
        spec: Of the tensor. One without a scale keeps its values as they are.

    Returns:
        float32, of the array's shape; the array itself where there is nothing to do.
    """
    if not is_quantised(spec):
        return array
    scale, zero_point = _parameters(spec)
    steps = array.astype(np.int32) - np.int32(zero_point)
    return steps.astype(np.float32) * np.float32(scale)


def _parameters(spec: TensorSpec) -> tuple[float, int]:
    assert spec.scale is not None and spec.zero_point is not None
    return spec.scale, spec.zero_point


def suspicious_feed(array: NDArray[Any]) -> str:
    """What gives a uint8 feed away as normalised before it was cast; empty where nothing does.

    Such a feed holds 0, 1 and 255 alone, and both 1 and another of them. A black image,
    or one of plain black and white, does not.

    Args:
        array: One feed or a stack of them: the more, the surer.
    """
    if array.dtype != np.uint8:
        return ""
    values = np.unique(array)
    if 1 in values and len(values) > 1 and np.isin(values, _CAST).all():
        return (
            f"uint8 input has {len(values)} distinct values "
            f"({', '.join(map(str, values.tolist()))}): it was normalised before"
        )
    return ""
