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
    return (
        f"takes images of {height}x{width} only; others are resized to it in whole numbers before "
        "they are fed"
    )


def fed_by(reference: tuple[int, int], shared: tuple[int, int] | None) -> str:
    """What two sides are given where the reference takes one size only.

    Args:
        reference: Height and width that it takes.
        shared: Of what the file is given as well; None: it is given stored images.
    """
    height, width = reference
    if shared is not None:
        return (
            f"both sides get images resized to {height}x{width} in whole numbers, as the reference "
            "takes no others"
        )
    return (
        f"the reference takes images of {height}x{width} only and gets them resized in whole "
        "numbers, the file is of another size and gets them as they are stored"
    )
