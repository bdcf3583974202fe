"""What a user states of a feed is read in every spelling, and contradictions are refused."""

from __future__ import annotations

import argparse

import pytest

from validation.errors import UsageError
from validation.specs.feeds import (
    NOTHING_STATED,
    FeedWay,
    StatedFeed,
    parse_feed_way,
    stated_feed,
)
from validation.specs.input_stats import GUIDE_STATS


@pytest.mark.parametrize(
    ("typed", "way"),
    [
        ("bytes", FeedWay.BYTES),
        ("quantised", FeedWay.QUANTISED),
        ("Quantized", FeedWay.QUANTISED),
    ],
)
def test_ways_are_read(typed: str, way: FeedWay) -> None:
    """In TensorFlow's own spelling, too."""
    assert parse_feed_way(typed) is way


@pytest.mark.parametrize("typed", ["floats", "", "pixels"])
def test_other_words_are_refused(typed: str) -> None:
    """A float input has one way only, which nobody states."""
    with pytest.raises(argparse.ArgumentTypeError, match="must be bytes or quantised"):
        parse_feed_way(typed)


def test_bytes_have_no_mean_and_std() -> None:
    """One of the two flags is a mistake."""
    with pytest.raises(UsageError, match=r"no mean and std.*got both"):
        stated_feed(FeedWay.BYTES, GUIDE_STATS)
    assert stated_feed(FeedWay.QUANTISED, GUIDE_STATS).stats == GUIDE_STATS
    assert not stated_feed(None, None)


def test_what_is_stated_is_described() -> None:
    """Way first; nothing of what is left open."""
    assert NOTHING_STATED.describe() == ""
    assert StatedFeed(FeedWay.BYTES).describe() == "the pixels as they are"
    assert StatedFeed(FeedWay.QUANTISED, GUIDE_STATS).describe() == (
        "by scale and zero point of the input, pixels normalised by 128/127"
    )
