"""How an image becomes an input tensor, and what a user states of it; needs no NumPy."""

from __future__ import annotations

import argparse
import enum
from collections.abc import Callable
from dataclasses import dataclass

from validation.errors import UsageError


class FeedWay(enum.StrEnum):
    """How an image becomes an input tensor, once it has the input's size."""

    FLOATS = "floats"
    """``pixel * scale - offset``."""
    BYTES = "bytes"
    """The pixel; less 128 for int8."""
    QUANTISED = "quantised"
    """``pixel * scale - offset``, as an integer by the input's scale and zero point."""


_STATED_WAYS = (FeedWay.BYTES, FeedWay.QUANTISED)
_WORDS = {
    FeedWay.BYTES: "the pixels as they are",
    FeedWay.QUANTISED: "by scale and zero point of the input",
}


@dataclass(frozen=True)
class InputStats:
    """The mean and std of quantized_input_stats, tflite_convert's mean_values and std_dev_values.

    Args:
        mean: Quantised value of 0.0.
        std: Quantised steps in 1.0.
    """

    mean: float
    std: float

    def __str__(self) -> str:
        """As the guide writes them: ``127.5/127.5``."""
        return f"{self.mean:g}/{self.std:g}"


@dataclass(frozen=True)
class StatedFeed:
    """What a user states of the feed of a file; it goes before whatever the file says.

    Args:
        way: Of an input of 8 bits; None leaves it open.
        stats: ``real = (pixel - mean) / std``; None leaves it open.
    """

    way: FeedWay | None = None
    stats: InputStats | None = None

    def __bool__(self) -> bool:
        """False where nothing is stated."""
        return self.way is not None or self.stats is not None

    def describe(self) -> str:
        """``by scale and zero point of the input, pixels normalised by 128/127``."""
        way = () if self.way is None else (_WORDS[self.way],)
        stats = () if self.stats is None else (f"pixels normalised by {self.stats}",)
        return ", ".join((*way, *stats))


NOTHING_STATED = StatedFeed()


def stated_feed(way: FeedWay | None, stats: InputStats | None) -> StatedFeed:
    """What the flags of a feed come to.

    Raises:
        UsageError: Pixels as they are, and a normalisation.
    """
    if way is FeedWay.BYTES and stats is not None:
        raise UsageError(
            "pixels that are fed as they are have no mean and std",
            expected="--feed=bytes or --input_stats",
            got="both",
        )
    return StatedFeed(way, stats)


def add_feed_flag(add: Callable[..., object], whose: str = "") -> None:
    """Declare ``--feed``.

    Args:
        add: Takes what argparse's ``add_argument`` takes.
        whose: Put before the help, where the flag is not about the file that a command names.
    """
    add(
        "--feed",
        type=parse_feed_way,
        metavar="WAY",
        help=f"{whose}for an input of 8 bits: bytes, the pixels as they are, or quantised, by its "
        "scale and zero point (default: bytes, as apps do, unless the export or a stated mean "
        "and std ask for other values)",
    )


def parse_feed_way(text: str) -> FeedWay:
    """``bytes`` or ``quantised``, in TensorFlow's own spelling too.

    Raises:
        ArgumentTypeError: Neither of them.
    """
    ways = {each.value: each for each in _STATED_WAYS}
    found = ways.get(text.lower().replace("quantized", "quantised"))
    if found is None:
        raise argparse.ArgumentTypeError(f"must be {' or '.join(ways)}, got {text!r}")
    return found
