"""Calibration images as the model is fed them, each checked before the converter sees it.

Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.calibration.images import CalibrationImages
from validation.errors import FeedError
from validation.isolation.activity import alive
from validation.preprocess.image import load
from validation.preprocess.prepare import prepare
from validation.specs.contracts import INPUT_NAME, Preprocessing
from validation.specs.input_stats import Range, format_range, wanted_range

_PIXEL_STEPS = 255


@dataclass(frozen=True)
class Calibration:
    """Images by which the converter finds the ranges of activations.

    Args:
        feeds: Gives the feeds from the first on, each float32 [1, H, W, 3]; called once for
            a conversion.
        count: How many were asked for.
        wanted: What the extractor gets for the darkest and the brightest pixel.
        min_span: Share of that range which the feeds together have to span, at least.
    """

    feeds: Callable[[], Iterable[NDArray[np.float32]]]
    count: int
    wanted: Range
    min_span: float


def calibration_of(chosen: CalibrationImages, preprocessing: Preprocessing) -> Calibration:
    """The images as the converter is to be fed, prepared one by one.

    Args:
        chosen: As drawn.
        preprocessing: Of the extractor.
    """

    def feeds() -> Iterator[NDArray[np.float32]]:
        for image in chosen.images:
            alive()
            yield prepare(load(image), preprocessing)

    wanted = wanted_range(preprocessing)
    return Calibration(feeds, len(chosen.images), wanted, chosen.min_span)


def model_feeds(
    chosen: CalibrationImages, preprocessing: Preprocessing
) -> Iterator[NDArray[np.float32]]:
    """The images one by one as the graph's input is fed, for ranges that are found here.

    Returns:
        float32 [1, H, W, 3] each.

    Raises:
        FeedError: See `checked_feeds`.
    """
    shape = (1, preprocessing.height, preprocessing.width, 3)
    return checked_feeds(calibration_of(chosen, preprocessing), shape, INPUT_NAME)


def checked_feeds(
    calibration: Calibration, shape: tuple[int, ...], name: str
) -> Iterator[NDArray[np.float32]]:
    """The feeds one by one; a fault is raised before the last one is used.

    Args:
        calibration: The feeds and what they have to be.
        shape: Of the input; -1 fits any.
        name: Of the input.

    Raises:
        FeedError: Too few feeds, another shape or dtype, a value that is not finite, or
            another range than the extractor's: ranges found so would fit no image.
    """
    low, high, count = np.inf, -np.inf, 0
    for feed in calibration.feeds():
        _check_form(feed, shape, name)
        low, high = min(low, float(feed.min())), max(high, float(feed.max()))
        count += 1
        # Such a feed would only mislead the converter, so the first one is refused.
        _check_bounds((low, high), calibration.wanted, name)
        yield feed
    if count < calibration.count or count == 0:
        raise FeedError(
            "too few representative images",
            expected=max(calibration.count, 1),
            got=count,
            where=name,
            next_step="give more images, or ask for fewer",
        )
    _check_span((low, high), calibration, name)


def _check_form(feed: NDArray[np.float32], shape: tuple[int, ...], name: str) -> None:
    fits = feed.ndim == len(shape) and all(
        want in (-1, have) for want, have in zip(shape, feed.shape, strict=True)
    )
    if feed.dtype != np.float32 or not fits:
        raise FeedError(
            "a representative feed does not fit the input",
            expected=f"float32 {list(shape)}",
            got=f"{feed.dtype} {list(feed.shape)}",
            where=name,
        )
    if not np.isfinite(feed).all():
        raise FeedError("a representative feed holds values that are not finite", where=name)


def _check_bounds(spanned: Range, wanted: Range, name: str) -> None:
    # Rounding is far less than the step of a pixel, another normalisation far more.
    slack = (wanted[1] - wanted[0]) / _PIXEL_STEPS
    if spanned[0] < wanted[0] - slack or spanned[1] > wanted[1] + slack:
        raise _other_range(spanned, wanted, name)


def _check_span(spanned: Range, calibration: Calibration, name: str) -> None:
    wanted = calibration.wanted
    if spanned[1] - spanned[0] < calibration.min_span * (wanted[1] - wanted[0]):
        raise _other_range(spanned, wanted, name)


def _other_range(spanned: Range, wanted: Range, name: str) -> FeedError:
    return FeedError(
        f"calibration input spans {format_range(spanned)}, extractor gives {format_range(wanted)}",
        where=name,
        next_step="resize and normalise the images as the extractor's preprocessing does",
    )
