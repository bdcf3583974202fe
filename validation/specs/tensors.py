"""A tensor as a model file declares it: name, dtype, shape and quantisation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TensorSpec:
    """Name, dtype and shape of a model's input or output.

    Args:
        name: Tensor name as the file has it.
        dtype: NumPy's name of the type, for example ``float32``.
        shape: Dimensions; -1 where the size is not fixed.
        scale: Quantisation step, None for a float tensor.
        zero_point: Quantised value of 0.0, None for a float tensor.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True)
class OnlyImageSize:
    """The size that a graph was exported for: it takes images of no other.

    Args:
        sides: Height and width in pixels; None where it resizes images itself.
    """

    sides: tuple[int, int] | None


def takes_only(sides: tuple[int, int]) -> str:
    """What it means for images that a graph takes one size only."""
    height, width = sides
    return f"takes images of {height}x{width} only; others are resized to it before they are fed"
