"""Anchors and box scales that a model's boxes imply, where it states none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoxCoding:
    """How encodings become boxes.

    Args:
        anchors: float32 [N, 4] in centre form.
        scales: y, x, h, w.
    """

    anchors: NDArray[np.float32]
    scales: tuple[float, ...]


def implied_coding(
    encodings: NDArray[np.float32],
    boxes: NDArray[np.float32],
    *,
    rounding: float,
    scale_share: float,
) -> BoxCoding | None:
    """What makes these boxes of these encodings, by the box coder of the OD API.

    The logarithm of a side, and the place of a centre, are straight lines in their encodings: over
    several images slopes give the scales and intercepts the anchors.

    Args:
        encodings: [I, N, 4] as ty, tx, th, tw, of one body.
        boxes: [I, N, 4] as ymin, xmin, ymax, xmax, normalised and not clipped, of another one
            that should be the same.
        rounding: By so much the boxes may be missed, in units of the image, or of the box where
            that is larger.
        scale_share: By such a share of itself a scale may be uncertain, by its standard error.

    Returns:
        None where no anchors and scales explain the boxes, or the images do not show them.
    """
    encoded, corners = encodings.astype(np.float64), boxes.astype(np.float64)
    centres = (corners[..., 2:] + corners[..., :2]) / 2
    sides = corners[..., 2:] - corners[..., :2]
    # NaN is not above 0 either.
    if not (sides > 0).all() or not np.isfinite(encoded).all() or not np.isfinite(corners).all():
        return None
    found = _line(encoded[..., 2:], np.log(sides), scale_share)
    if found is None:
        return None
    size_slopes, heights = found
    sizes = np.exp(heights)
    found = _line(encoded[..., :2] * sizes, centres, scale_share)
    if found is None:
        return None
    slopes, middles = found
    made_centres = encoded[..., :2] * sizes * slopes + middles
    made_sides = np.exp(encoded[..., 2:] * size_slopes) * sizes
    unit = np.maximum(sides, 1).max(axis=-1, keepdims=True)
    missed = np.maximum(np.abs(made_centres - centres), np.abs(made_sides - sides)) / unit
    if not missed.max() <= rounding:
        return None
    anchors = np.concatenate([middles, sizes], axis=1).astype(np.float32)
    return BoxCoding(anchors, tuple((1 / np.concatenate([slopes, size_slopes])).tolist()))


def _line(codes: _Floats, values: _Floats, share: float) -> tuple[_Floats, _Floats] | None:
    """One slope of all anchors for each of the two axes, and each anchor's own intercepts.

    Args:
        codes: [I, N, 2].
        values: Alike.
        share: Of the slope that its standard error may be: encodings that hardly move from image
            to image do not show it.
    """
    middle, level = codes.mean(axis=0), values.mean(axis=0)
    moved, rise = codes - middle, values - level
    spread = np.square(moved).sum(axis=(0, 1))
    if not (spread > 0).all():
        return None
    slopes: _Floats = (moved * rise).sum(axis=(0, 1)) / spread
    errors = np.sqrt(np.square(rise - moved * slopes).mean(axis=(0, 1)) / spread)
    if not ((slopes > 0) & (errors <= share * slopes)).all():
        return None
    return slopes, level - middle * slopes
