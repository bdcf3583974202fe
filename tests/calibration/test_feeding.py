"""Calibration images are checked: too few, of another form, or normalised otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.calibration.feeding import Calibration, checked_feeds
from validation.errors import FeedError

SHAPE = (1, 4, 6, 3)
PHOTO = np.random.default_rng(1).uniform(0, 255, SHAPE).astype(np.float32)
PHOTO[0, 0, 0], PHOTO[0, -1, -1] = 0, 255
NORMALISED = PHOTO / np.float32(127.5) - np.float32(1)


def _calibration(feeds: Sequence[NDArray[Any]], count: int | None = None) -> Calibration:
    asked = len(feeds) if count is None else count
    return Calibration(lambda: iter(feeds), asked, (-1.0, 1.0), 0.6)


def _run(feeds: Sequence[NDArray[Any]], count: int | None = None) -> list[NDArray[np.float32]]:
    return list(checked_feeds(_calibration(feeds, count), SHAPE, "image"))


def test_feeds_pass_as_they_are() -> None:
    """In their order, each the very array."""
    feeds = [NORMALISED, NORMALISED * np.float32(0.5)]
    assert [one is two for one, two in zip(_run(feeds), feeds, strict=True)] == [True, True]


def test_more_than_asked_for_is_no_fault() -> None:
    """The count is the least."""
    assert len(_run([NORMALISED] * 3, count=2)) == 3


@pytest.mark.parametrize(("given_", "asked"), [(0, 0), (0, 5), (2, 5)])
def test_too_few_are_counted(given_: int, asked: int) -> None:
    """None at all is too few, whatever was asked for."""
    with pytest.raises(
        FeedError,
        match=rf"too few representative images \(image\): expected {max(asked, 1)}, got {given_};",
    ):
        _run([NORMALISED] * given_, asked)


@pytest.mark.parametrize(
    ("feed", "got"),
    [
        (NORMALISED[0], r"float32 \[4, 6, 3\]"),
        (NORMALISED[:, :, :4], r"float32 \[1, 4, 4, 3\]"),
        (NORMALISED.astype(np.float64), r"float64 \[1, 4, 6, 3\]"),
        (PHOTO.astype(np.uint8), r"uint8 \[1, 4, 6, 3\]"),
    ],
    ids=["no batch", "size", "float64", "pixels"],
)
def test_feed_of_another_form_is_refused(feed: NDArray[Any], got: str) -> None:
    """Shape and dtype, both reported."""
    with pytest.raises(
        FeedError,
        match=rf"feed does not fit the input \(image\): expected float32 \[1, 4, 6, 3\], got {got}",
    ):
        _run([NORMALISED, feed])


def test_open_sides_fit_any() -> None:
    """-1 is a side that the input leaves open."""
    calibration = _calibration([NORMALISED])
    assert len(list(checked_feeds(calibration, (1, -1, -1, 3), "image"))) == 1


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_what_is_no_number_is_refused(odd: float) -> None:
    """A range would have no end."""
    feed = NORMALISED.copy()
    feed[0, 1, 1, 1] = odd
    with pytest.raises(FeedError, match=r"not finite \(image\)"):
        _run([feed])


@pytest.mark.parametrize(
    ("feed", "spans"),
    [
        (PHOTO / np.float32(255), r"\[0, 1\]"),
        (PHOTO, r"\[0, 255\]"),
        (PHOTO - np.float32(128), r"\[-128, 127\]"),
        (NORMALISED / np.float32(127.5), r"\[-0.007843, 0.007843\]"),
        (np.zeros(SHAPE, np.float32), r"\[0, 0\]"),
    ],
    ids=["divided by 255", "pixels", "mean alone", "twice", "nothing"],
)
def test_other_normalisation_is_worded_by_both_ranges(
    feed: NDArray[np.float32], spans: str
) -> None:
    """What the images span and what the extractor gives."""
    with pytest.raises(
        FeedError,
        match=rf"calibration input spans {spans}, extractor gives \[-1, 1\] \(image\); resize and",
    ):
        _run([feed, feed])


def test_dark_images_among_bright_ones_are_no_fault() -> None:
    """The images are judged together."""
    dark = np.clip(NORMALISED, -1, -0.8)
    assert len(_run([dark, NORMALISED])) == 2


def test_feeds_are_made_while_they_are_used() -> None:
    """A hundred images of 640 pixels need not lie in memory; beyond the range the first tells."""
    made = []

    def feeds() -> Any:
        for number in range(5):
            made.append(number)
            yield PHOTO

    calibration = Calibration(feeds, 5, (-1.0, 1.0), 0.6)
    with pytest.raises(FeedError, match=r"spans \[0, 255\]"):
        list(checked_feeds(calibration, SHAPE, "image"))
    assert made == [0]


@given(st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=50, deadline=None)
def test_span_is_all_that_decides_inside_the_range(first: float, second: float) -> None:
    """Six tenths of [-1, 1] are 1.2."""
    feed = np.full(SHAPE, first, np.float32)
    feed[0, 0, 0, 0] = second
    span = float(feed.max()) - float(feed.min())
    if span < 1.2:
        with pytest.raises(FeedError, match="calibration input spans"):
            _run([feed])
    else:
        assert len(_run([feed])) == 1
