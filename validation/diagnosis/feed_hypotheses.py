"""Faults of the feed, from stored pixels to the input, each with what undoes it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from validation.diagnosis.hypotheses import Cause
from validation.preprocess.resize import resize_bilinear
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind, Place
from validation.specs.contracts import CHANNEL_MEANS, UNIT_RANGE, Preprocessing, Triple
from validation.specs.formula import format_formula

_Feed = NDArray[np.float32]
_Pixels = NDArray[np.uint8]
_Normalisation = tuple[Triple, Triple]
# Where letterboxed content lies in the input: top, left, height, width, as shares of it.
Inset = tuple[float, float, float, float]
# Of detections and the size of the image, what is detected on the image.
_Read = Callable[[Detections, tuple[int, int]], Detections]

_STD = (0.229, 0.224, 0.225)
_MEAN = (0.485, 0.456, 0.406)


def _stats(mean: float, std: float) -> _Normalisation:
    return (1 / std,) * 3, (mean / std,) * 3


# What feeds are usually made of, by how people write it; scale and offset as in `Preprocessing`.
NORMALISATIONS: dict[str, _Normalisation] = {
    "[-1, 1]": UNIT_RANGE,
    "[0, 1]": ((1 / 255,) * 3, (0.0,) * 3),
    "[0, 255]": ((1.0,) * 3, (0.0,) * 3),
    "channel means subtracted": CHANNEL_MEANS,
    "channel means subtracted in BGR order": (CHANNEL_MEANS[0], CHANNEL_MEANS[1][::-1]),
    "(pixel - 128) / 127": _stats(128, 127),
    "(pixel - 127) / 128": _stats(127, 128),
    "(pixel - 128) / 128": _stats(128, 128),
    "(pixel - 127.5) / 128": _stats(127.5, 128),
    "[-0.5, 0.5]": ((1 / 255,) * 3, (0.5,) * 3),
    "mean and std of ImageNet": (
        (1 / 255 / _STD[0], 1 / 255 / _STD[1], 1 / 255 / _STD[2]),
        (_MEAN[0] / _STD[0], _MEAN[1] / _STD[1], _MEAN[2] / _STD[2]),
    ),
}


# What the feed was made by, where making it anew as it should be is all that helps.
MADE_ANEW = "another kernel"
# Of two feeds, a share of their spread: of one normalisation and one resize they differ by less.
_SAME_FEED = 1e-3


@dataclass(frozen=True)
class FeedHypothesis:
    """A fault of the feed.

    Args:
        cause: What is wrong.
        undo: Of what is fed, float32 [1, H, W, 3], what should be; None where the image is
            resized anew.
        resize: From stored pixels [H, W, 3] to [height, width, 3], in units of pixels.
        read: What the detections of the feed become for that.
    """

    cause: Cause
    undo: Callable[[_Feed], _Feed] | None = None
    resize: Callable[[_Pixels, int, int], _Feed] | None = None
    read: _Read = lambda found, _: found


# Nothing is undone: what the file detects as it is fed.
AS_FED = FeedHypothesis(Cause(FaultKind.CHANNELS, Place.FEED, "RGB", "RGB"))


def feed_hypotheses(own: Preprocessing, place: Place = Place.FEED) -> Iterator[FeedHypothesis]:
    """What may be wrong in what a file is fed, apart from the resize; the simplest first.

    Args:
        own: What it is fed by now.
        place: Whose fault it would be.
    """
    yield FeedHypothesis(Cause(FaultKind.CHANNELS, place, "BGR", "RGB"), lambda x: x[..., ::-1])
    yield from _normalised(own, place)
    yield FeedHypothesis(
        Cause(FaultKind.MIRRORED, place, "left and right"), lambda x: x[:, :, ::-1]
    )
    yield FeedHypothesis(Cause(FaultKind.MIRRORED, place, "top and bottom"), lambda x: x[:, ::-1])
    yield FeedHypothesis(
        Cause(FaultKind.MIRRORED, place, "turned by 180 degrees"), lambda x: x[:, ::-1, ::-1]
    )
    if own.height == own.width:
        cause = Cause(FaultKind.TRANSPOSED, place, "width, height", "height, width")
        yield FeedHypothesis(cause, _transposed)
        # A file whose network is transposed gives boxes that are as well.
        yield FeedHypothesis(cause, _transposed, read=lambda found, _: _exchanged(found))


def resize_of(own: Preprocessing) -> Callable[[_Pixels, int, int], _Feed]:
    """From stored pixels [H, W, 3] to [height, width, 3], as a file is to be fed."""
    return _RESIZES[_kernel(own.align_corners, own.half_pixel_centers)]


def resize_hypotheses(own: Preprocessing) -> Iterator[FeedHypothesis]:
    """Other ways to the size of the input; nothing to be undone exactly, so they are made anew."""
    expected = _kernel(own.align_corners, own.half_pixel_centers)
    for name, resize in _RESIZES.items():
        if name != expected:
            cause = Cause(FaultKind.RESIZE, Place.FEED, expected, name)
            yield FeedHypothesis(cause, resize=resize)
    # What it should be, made anew: where something else has resized it, agreement comes back.
    yield FeedHypothesis(
        Cause(FaultKind.RESIZE, Place.FEED, "another kernel", expected), resize=_RESIZES[expected]
    )
    for centred, words in ((False, "padded at the bottom or right"), (True, "padded all around")):
        yield FeedHypothesis(
            Cause(FaultKind.RESIZE, Place.FEED, "stretched", f"with its aspect ratio, {words}"),
            resize=functools.partial(letterbox, centred=centred),
            read=_without_letterbox((own.height, own.width), centred=centred),
        )


def _without_letterbox(size: tuple[int, int], *, centred: bool) -> _Read:
    return lambda found, shape: without_inset(found, inset(shape, size, centred=centred))


def _normalised(own: Preprocessing, place: Place) -> Iterator[FeedHypothesis]:
    now = (own.scale, own.offset)
    name = name_of(now)
    for other, wanted in NORMALISATIONS.items():
        if not _same(wanted, now):
            yield FeedHypothesis(
                Cause(FaultKind.NORMALISATION, place, name, other), _between(now, wanted)
            )
            # It was not fed as is said, but like this.
            yield FeedHypothesis(
                Cause(FaultKind.NORMALISATION, place, other, name), _between(wanted, now)
            )
    yield FeedHypothesis(
        Cause(FaultKind.NORMALISATION, place, f"{name} times -1", name), lambda x: -x
    )


def linear_normalisation(
    pairs: Iterable[tuple[_Feed, _Feed]], own: Preprocessing, place: Place
) -> Cause | None:
    """The fault of feeds that are the right ones times a factor plus an offset; None of others.

    Args:
        pairs: What is fed, and what is right, of some images: alike in shape.
        own: By which the right ones are normalised.
        place: Whose fault it would be.
    """
    fed, right = (np.stack(side).astype(np.float64) for side in zip(*pairs, strict=True))
    spread = float(right.std())
    if fed.shape != right.shape or not spread:
        return None
    factor = float(np.mean((right - right.mean()) * (fed - fed.mean()))) / spread**2
    offset = float(fed.mean() - factor * right.mean())
    left = float(np.abs(fed - factor * right - offset).max())
    changes = abs(factor - 1) > _SAME_FEED or abs(offset) > _SAME_FEED * spread
    if not changes or abs(factor) < _SAME_FEED or left > _SAME_FEED * abs(factor) * spread:
        return None
    name = name_of((own.scale, own.offset))
    got = f"{name} times {factor:.4g} {offset:+.4g}"
    return Cause(FaultKind.NORMALISATION, place, got, name)


def name_of(normalisation: _Normalisation) -> str:
    """As people write it, or by its numbers."""
    for name, each in NORMALISATIONS.items():
        if _same(each, normalisation):
            return name
    return format_formula(*normalisation)


def _same(first: _Normalisation, second: _Normalisation) -> bool:
    return bool(np.allclose(first, second, rtol=1e-6, atol=1e-9))


def _between(now: _Normalisation, wanted: _Normalisation) -> Callable[[_Feed], _Feed]:
    """From one normalisation to another one, by way of the pixels."""

    def change(feed: _Feed) -> _Feed:
        scale, offset = (np.array(each, np.float64) for each in now)
        pixels = (feed.astype(np.float64) + offset) / scale
        scale, offset = (np.array(each, np.float64) for each in wanted)
        return np.asarray(pixels * scale - offset, np.float32)

    return change


def normalise(pixels: _Feed, own: Preprocessing) -> _Feed:
    """Resized pixels [H, W, 3] as the input [1, H, W, 3]."""
    scale, offset = np.array(own.scale, np.float32), np.array(own.offset, np.float32)
    return np.asarray(pixels * scale - offset, np.float32)[np.newaxis]


def _transposed(feed: _Feed) -> _Feed:
    return np.ascontiguousarray(feed.transpose(0, 2, 1, 3))


def _exchanged(found: Detections) -> Detections:
    return Detections(found.boxes[:, [1, 0, 3, 2]], found.scores, found.classes)


def _kernel(align_corners: bool, half_pixel_centers: bool) -> str:
    if align_corners:
        return "bilinear with align_corners"
    return "bilinear with half-pixel centres" if half_pixel_centers else "TF1's bilinear"


def _pillow(kernel: Image.Resampling) -> Callable[[_Pixels, int, int], _Feed]:
    def resize(pixels: _Pixels, height: int, width: int) -> _Feed:
        small = Image.fromarray(pixels).resize((width, height), kernel)
        return np.array(small, np.float32)

    return resize


def _nearest(pixels: _Pixels, height: int, width: int) -> _Feed:
    rows = np.minimum(np.arange(height) * pixels.shape[0] // height, pixels.shape[0] - 1)
    columns = np.minimum(np.arange(width) * pixels.shape[1] // width, pixels.shape[1] - 1)
    picked: _Feed = pixels[rows][:, columns].astype(np.float32)
    return picked


_RESIZES: dict[str, Callable[[_Pixels, int, int], _Feed]] = {
    "TF1's bilinear": resize_bilinear,
    "bilinear with align_corners": lambda pixels, height, width: resize_bilinear(
        pixels, height, width, align_corners=True
    ),
    "bilinear with half-pixel centres": lambda pixels, height, width: resize_bilinear(
        pixels, height, width, half_pixel_centers=True
    ),
    "nearest neighbour": _nearest,
    "area": _pillow(Image.Resampling.BOX),
    "Pillow's bilinear, which smooths": _pillow(Image.Resampling.BILINEAR),
    "Pillow's bicubic": _pillow(Image.Resampling.BICUBIC),
}


def inset(shape: tuple[int, int], size: tuple[int, int], *, centred: bool) -> Inset:
    """Where an image lies in an input that keeps its aspect ratio.

    Args:
        shape: Height and width of the image.
        size: Of the input.
        centred: Else at the top and left.
    """
    factor = min(size[0] / shape[0], size[1] / shape[1])
    sides = [max(1, round(side * factor)) for side in shape]
    starts = [(room - side) // 2 if centred else 0 for room, side in zip(size, sides, strict=True)]
    return (starts[0] / size[0], starts[1] / size[1], sides[0] / size[0], sides[1] / size[1])


def letterbox(pixels: _Pixels, height: int, width: int, *, centred: bool) -> _Feed:
    """The image with its own aspect ratio in black, float32 [height, width, 3]."""
    top, left, tall, wide = inset(pixels.shape[:2], (height, width), centred=centred)
    rows, columns = round(tall * height), round(wide * width)
    first, second = round(top * height), round(left * width)
    room = np.zeros((height, width, 3), np.float32)
    room[first : first + rows, second : second + columns] = resize_bilinear(pixels, rows, columns)
    return room


def without_inset(found: Detections, place: Inset) -> Detections:
    """Boxes of the input as boxes of the image in it."""
    top, left, tall, wide = place
    boxes = (found.boxes - (top, left, top, left)) / (tall, wide, tall, wide)
    return Detections(boxes, found.scores, found.classes)
