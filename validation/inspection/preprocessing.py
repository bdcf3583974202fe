"""What an app has to do to an image before it feeds it, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from validation.inspection.tensors import stored_range
from validation.preprocess.feed import FeedWay, has_usable_scale
from validation.specs.contracts import CHANNEL_MEANS, UNIT_RANGE, Preprocessing, Triple
from validation.specs.formula import format_formula
from validation.specs.input_stats import Range, format_range, steps_off, wanted_range
from validation.specs.tensors import TensorSpec

# Of a pixel's value: what rounding of a scale and a zero point comes to, and the guide's 128/127.
_FED_AS_IT_IS_STEPS = 1.01
_LAST = 255
_NOT_STATED = (
    "not stated: the OD API's extractors want pixel * 2/255 - 1, but the ResNets, which "
    "want the pixel less {means}"
).format(means=", ".join(f"{mean:g}" for mean in CHANNEL_MEANS[1]))


@dataclass(frozen=True)
class PreprocessingFacts:
    """From an RGB image to the input tensor.

    Args:
        source: Where scale and offset are known from; empty: not stated.
        height: Of the input in pixels; None where it is not fixed.
        width: See height.
        resize: Which kernel.
        scale: ``real = pixel * scale - offset`` for each RGB channel; None: not stated.
        offset: See scale.
        wanted: What the darkest and the brightest pixel become; None likewise.
        stored: What the first and the last value of a quantised input stand for; None for floats.
        feed: What to put into the tensor, in words.
        way: How `detect` and `evaluate` feed it; None where the input's type leaves it open.
    """

    source: str
    height: int | None
    width: int | None
    resize: str
    scale: Triple | None
    offset: Triple | None
    wanted: Range | None
    stored: Range | None
    feed: str
    way: FeedWay | None = None


def describe_preprocessing(
    image: TensorSpec,
    known: Preprocessing | None = None,
    source: str = "",
    way: FeedWay | None = None,
) -> PreprocessingFacts:
    """What is known of a model's preprocessing, with what its input tensor says.

    A preprocessing may be known from a contract beside the file or from metadata inside it;
    of several the caller chooses one.

    Args:
        image: The input that takes the image, [1, H, W, 3].
        known: Resize and normalisation, None where they are not stated.
        source: Where `known` comes from, for the reader.
        way: How it is fed; None: by the formula where bytes are too far from it.
    """
    height, width = (side if side > 0 else None for side in image.shape[1:3])
    stored = stored_range(image)
    if known is None:
        feed = _fed_bytes(image, stored) if way is FeedWay.BYTES else _unknown_feed(image, stored)
        return PreprocessingFacts(
            "", height, width, "bilinear", None, None, None, stored, feed, way
        )
    return PreprocessingFacts(
        source=source,
        height=known.height,
        width=known.width,
        resize=describe_resize(known),
        scale=known.scale,
        offset=known.offset,
        wanted=wanted_range(known),
        stored=stored,
        feed=_feed(image, known, way),
        way=way,
    )


def usual_preprocessing(extractor: str, height: int, width: int) -> Preprocessing:
    """What a feature extractor of the OD API does to its input, by its type.

    Args:
        extractor: ``type`` of the config, for example ssd_mobilenet_v1.
        height: Of the input in pixels.
        width: Of the input in pixels.
    """
    scale, offset = CHANNEL_MEANS if "resnet" in extractor else UNIT_RANGE
    return Preprocessing(height, width, scale, offset)


def describe_resize(preprocessing: Preprocessing) -> str:
    """The resize in words."""
    align, half = preprocessing.align_corners, preprocessing.half_pixel_centers
    return (
        f"bilinear, align_corners {str(align).lower()}, half_pixel_centers {str(half).lower()}, "
        "the whole image stretched"
    )


def _feed(image: TensorSpec, known: Preprocessing, way: FeedWay | None) -> str:
    if way is FeedWay.BYTES and not has_usable_scale(image):
        return f"{image.dtype}, {_as_is(image)}"
    if stored_range(image) is None or image.scale is None or image.zero_point is None:
        return f"{image.dtype}, {format_formula(known.scale, known.offset)}"
    # From a pixel to the stored integer: real / step + zero point.
    step, zero = image.scale, image.zero_point
    if not step > 0:
        return f"nothing can be fed: the input's scale is {step:g}"
    lowest = int(np.iinfo(image.dtype).min)
    off = max(
        abs((pixel * scale - offset) / step + zero - (pixel + lowest))
        for scale, offset in zip(known.scale, known.offset, strict=True)
        for pixel in (0, _LAST)
    )
    if way is FeedWay.BYTES or (way is None and off <= _FED_AS_IT_IS_STEPS):
        unit = "step" if f"{off:.2g}" == "1" else "steps"
        return f"{image.dtype}, {_as_is(image)} (at most {off:.2g} {unit} off)"
    shift = [zero - offset / step for offset in known.offset]
    factor = [scale / step for scale in known.scale]
    return f"{image.dtype}, round({format_formula(factor, [-x for x in shift])})"


def _as_is(image: TensorSpec) -> str:
    lowest = int(np.iinfo(image.dtype).min)
    return "the pixel as it is" if lowest == 0 else f"the pixel {lowest:+d}"


def _fed_bytes(image: TensorSpec, stored: Range | None) -> str:
    """The pixel, and what it stands for where the input says it."""
    if stored is None or not has_usable_scale(image):
        return f"{image.dtype}, {_as_is(image)}"
    return f"{image.dtype}, {_as_is(image)}: stands for {format_range(stored)}"


def _unknown_feed(image: TensorSpec, stored: Range | None) -> str:
    if stored is None:
        return f"{image.dtype}; {_NOT_STATED}"
    limits = np.iinfo(image.dtype)
    text = f"{image.dtype}, {limits.min} to {limits.max} stand for {format_range(stored)}"
    usual = wanted_range(usual_preprocessing("", 1, 1))
    if steps_off(stored, usual) > _FED_AS_IT_IS_STEPS:
        return f"{text}; {_NOT_STATED}"
    return (
        f"{text}: {_as_is(image)}, where the extractor wants {format_range(usual)} as all of the "
        "OD API's but the ResNets do"
    )
