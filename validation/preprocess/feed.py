"""What goes into an input tensor: floats, the pixels themselves, or the integers of real values.

Apps' libraries feed an image to an integer input byte for byte, whatever scale, zero point and
metadata say: the Task Library ignores NormalizationOptions there, Coral's and TFLite's examples
copy the image. An int8 input gets the byte less 128.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.preprocess.quantise import quantise
from validation.specs.contracts import Preprocessing
from validation.specs.feeds import FeedWay as FeedWay
from validation.specs.tensors import TensorSpec

# Integer inputs that an image is copied into.
IMAGE_INTEGERS = ("uint8", "int8")
_PIXELS = np.arange(256, dtype=np.float64)


@dataclass(frozen=True)
class ByteDifference:
    """How far the pixel is from the integer that stands for its normalised value.

    Args:
        steps: The largest difference of one pixel, in whole steps of the input.
        pixels: For how many of the 256 values of a pixel there is one.
    """

    steps: int
    pixels: int


def takes_bytes(spec: TensorSpec) -> bool:
    """True for an input that an image can be copied into."""
    return spec.dtype in IMAGE_INTEGERS


def has_usable_scale(spec: TensorSpec) -> bool:
    """True where real values have integers: a positive, finite scale."""
    return spec.scale is not None and 0 < spec.scale < float("inf")


def prepared_for(preprocessing: Preprocessing, way: FeedWay) -> Preprocessing:
    """What `prepare` is to do to an image for a way: nothing but the resize for bytes."""
    if way is not FeedWay.BYTES:
        return preprocessing
    return dataclasses.replace(preprocessing, scale=(1.0,) * 3, offset=(0.0,) * 3)


def fed(prepared: NDArray[np.float32], spec: TensorSpec, way: FeedWay) -> NDArray[Any]:
    """The tensor that an input is given.

    Args:
        prepared: float32, by the preprocessing of `prepared_for`.
        spec: Of the input.
        way: See `FeedWay`; a float input is given its floats.

    Returns:
        Of the input's dtype.
    """
    if way is not FeedWay.BYTES:
        return quantise(prepared, spec)
    limits = np.iinfo(spec.dtype)
    # A pixel between two bytes, as the resize leaves it, goes to the nearer one.
    pixels = np.clip(np.floor(prepared + np.float32(0.5)), 0, 255)
    shifted: NDArray[Any] = (pixels + limits.min).astype(spec.dtype)
    return shifted


def byte_difference(spec: TensorSpec, preprocessing: Preprocessing) -> ByteDifference:
    """Pixels beside what a preprocessing and an input's scale and zero point make of them.

    Args:
        spec: A quantised input of 8 bits, with a usable scale.
        preprocessing: Normalises pixels of the three channels.
    """
    lowest = int(np.iinfo(spec.dtype).min)
    differ = np.zeros(256, np.int64)
    for scale, offset in zip(preprocessing.scale, preprocessing.offset, strict=True):
        # A scale next to nothing takes a pixel beyond every float, and so to the last integer.
        with np.errstate(over="ignore"):
            stored = quantise(_PIXELS * scale - offset, spec).astype(np.int64)
        differ = np.maximum(differ, np.abs(stored - (_PIXELS.astype(np.int64) + lowest)))
    return ByteDifference(int(differ.max()), int(np.count_nonzero(differ)))
