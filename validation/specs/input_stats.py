"""What a uint8 input stands for: mean and std of the converter, and what an extractor wants.

The converter's words: ``real = (q - mean) / std``. An extractor's: ``real = pixel * scale
- offset``. Pixels can be fed as they are where both say the same.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from validation.errors import ConversionError
from validation.specs.contracts import Preprocessing
from validation.specs.feeds import InputStats as InputStats
from validation.specs.tensors import TensorSpec

Range = tuple[float, float]

# A pixel's last value, and a uint8's.
_LAST = 255


# https://github.com/tensorflow/models, running_on_mobile_tensorflowlite.md.
GUIDE_STATS = InputStats(128.0, 127.0)


def parse_input_stats(text: str) -> InputStats:
    """``MEAN/STD``, or ``guide`` for the old guide's.

    Raises:
        ArgumentTypeError: Neither of them, or no mean and positive std.
    """
    if text == "guide":
        return GUIDE_STATS
    mean, slash, std = text.partition("/")
    try:
        stats = InputStats(float(mean), float(std))
    except ValueError:
        stats = InputStats(math.nan, 0.0)
    if not slash or not math.isfinite(stats.mean) or not 0 < stats.std < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 'guide' nor a mean and a positive std such as 127.5/127.5"
        )
    return stats


def default_stats(preprocessing: Preprocessing) -> InputStats:
    """The mean and std with which uint8 pixels are fed as they are.

    ``(q - mean) / std == q * scale - offset`` for every q, so std is 1 / scale and mean is
    offset / scale.

    Raises:
        ConversionError: The extractor treats its channels differently, or scales by nothing.
    """
    scale, offset = preprocessing.scale, preprocessing.offset
    if len(set(scale)) > 1 or len(set(offset)) > 1:
        raise ConversionError(
            "a uint8 input has one mean and one std, and the extractor's differ by channel",
            expected="one scale and one offset",
            got=f"scales {_listed(scale)}, offsets {_listed(offset)}",
            next_step="convert it as int8, or state mean and std for the normalised tensor",
        )
    if not scale[0] > 0:
        raise ConversionError(
            "the extractor's preprocessing has no scale", expected="above 0", got=scale[0]
        )
    # Configs are read as float32: 2/255 is kept with an error in its ninth digit.
    return InputStats(_rounded(offset[0] / scale[0]), _rounded(1 / scale[0]))


def mapped_range(stats: InputStats) -> Range:
    """What uint8 0 and 255 stand for; the first is the larger one where std is negative."""
    return -stats.mean / stats.std, (_LAST - stats.mean) / stats.std


def wanted_range(preprocessing: Preprocessing) -> Range:
    """What the extractor is given for the darkest and the brightest pixel of any channel."""
    pairs = list(zip(preprocessing.scale, preprocessing.offset, strict=True))
    bounds = [pixel * scale - offset for scale, offset in pairs for pixel in (0, _LAST)]
    return min(bounds), max(bounds)


def range_of(spec: TensorSpec) -> Range:
    """What the first and the last value of a quantised tensor's dtype stand for.

    Raises:
        ConversionError: The tensor has no scale of its own, or keeps no integers.
    """
    integer = np.dtype(spec.dtype).kind in "iu"
    if not integer or spec.scale is None or spec.zero_point is None:
        raise ConversionError("the tensor is not quantised", got=spec.dtype, where=spec.name)
    codes = np.iinfo(spec.dtype)
    return (codes.min - spec.zero_point) * spec.scale, (codes.max - spec.zero_point) * spec.scale


def steps_off(mapped: Range, wanted: Range) -> float:
    """The larger distance between two ranges' ends, in steps of a 255th of the wanted one."""
    step = (wanted[1] - wanted[0]) / _LAST
    return max(abs(mapped[0] - wanted[0]), abs(mapped[1] - wanted[1])) / step


def describe_mapping(mapped: Range, wanted: Range) -> str:
    """The two ranges beside each other, as the report words them."""
    got, asked = format_range(mapped), format_range(wanted)
    if got == asked:
        return f"maps uint8 to {got}, as the extractor wants"
    return f"maps uint8 to {got}, extractor wants {asked}"


def describe_stats(stats: InputStats, preprocessing: Preprocessing) -> str:
    """What mean and std make of bytes, and what the extractor wants."""
    return f"{stats} {describe_mapping(mapped_range(stats), wanted_range(preprocessing))}"


def format_range(limits: Range) -> str:
    """``[-1.008, 1]``."""
    # The sum takes the sign from a zero.
    return f"[{limits[0] + 0.0:.4g}, {limits[1] + 0.0:.4g}]"


def _listed(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)


def _rounded(value: float) -> float:
    return float(f"{value:.7g}")
