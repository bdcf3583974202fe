"""Boxes as other tools write them: recognised by themselves, converted only when asked."""

from __future__ import annotations

import argparse
import enum

import numpy as np
from numpy.typing import NDArray

from validation.errors import DatasetError, did_you_mean
from validation.root_cause import FaultKind, RootCause

Boxes = NDArray[np.float64]

# Pixels by which rounding and careless labelling pass the edge of an image.
EDGE = 1.0
# Of shares, for the same reasons.
_SHARE_EDGE = 0.01
# From this part of all boxes on, reaching beyond the image is no carelessness.
_MANY = 0.2
# Of boxes that were read in the right format, so many may be labelled carelessly.
_CARELESS = 0.02
# So many boxes do not all end before this share of width and height by chance.
_CORNERS = ((10, 0.7), (50, 0.9))


class BoxFormat(enum.StrEnum):
    """What the four numbers of a box are; x and y are the upper left corner, in pixels.

    The normalised ones are shares of the image's width and height.
    """

    XYWH = "xywh"
    XYXY = "xyxy"
    YXYX = "yxyx"
    CXCYWH = "cxcywh"
    XYWH_NORMALISED = "xywh-normalised"
    XYXY_NORMALISED = "xyxy-normalised"
    YXYX_NORMALISED = "yxyx-normalised"
    CXCYWH_NORMALISED = "cxcywh-normalised"

    @property
    def is_normalised(self) -> bool:
        """True for shares of the image."""
        return self.value.endswith("-normalised")

    @property
    def order(self) -> str:
        """What the numbers are, without their unit."""
        return self.value.removesuffix("-normalised")


def parse_box_format(text: str) -> BoxFormat:
    """A format by its name.

    Raises:
        ArgumentTypeError: None of that name.
    """
    try:
        return BoxFormat(text.lower())
    except ValueError as error:
        known = [form.value for form in BoxFormat]
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(known)}, got {text!r}; {did_you_mean(text, known)}"
        ) from error


def in_coco_layout(
    boxes: Boxes,
    sizes: NDArray[np.int64],
    asked: BoxFormat | None,
    where: str,
    flag: str | None = "--box-format",
) -> Boxes:
    """The boxes as x, y, width and height in pixels.

    Args:
        boxes: float64 [N, 4], as they are written.
        sizes: int64 [N, 2], width and height of each box's image.
        asked: What the numbers are; None: COCO's layout, unless the boxes say otherwise.
        where: The file, for messages.
        flag: The option that states a format, for messages; None: there is none.

    Returns:
        float64 [N, 4]. Sides may be negative where the format is not that of the boxes.

    Raises:
        DatasetError: Nothing was asked for, and the boxes are of another layout than COCO's.
    """
    if asked is None:
        _refuse_other_layouts(boxes, sizes, where, flag)
        return boxes
    return _converted(boxes, sizes, asked)


def beyond(boxes: Boxes, sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes, in COCO's layout, reach beyond their image by more than a pixel."""
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    outside = np.concatenate([low < -EDGE, high > sizes + EDGE], axis=1)
    return np.asarray(outside.any(axis=1), bool)


def in_one_corner(boxes: Boxes, sizes: NDArray[np.int64]) -> bool:
    """True where all of many boxes, in COCO's layout, keep to the upper left of their images.

    Objects do not: such boxes are in per cent, or of the images at a smaller size. Objects that
    keep to the middle leave as much free above and to the left.
    """
    if not len(boxes):
        return False
    low = (boxes[:, :2] / sizes).min(axis=0)
    high = ((boxes[:, :2] + boxes[:, 2:]) / sizes).max(axis=0)
    keeps_away = any(len(boxes) >= count and high.max() < share for count, share in _CORNERS)
    return keeps_away and bool((low < (1 - high) / 2).all())


def _converted(boxes: Boxes, sizes: NDArray[np.int64], form: BoxFormat) -> Boxes:
    first, second = boxes[:, :2], boxes[:, 2:]
    if form.order == "yxyx":
        first, second = first[:, ::-1], second[:, ::-1]
    if form.order in ("xyxy", "yxyx"):
        second = second - first
    if form.order == "cxcywh":
        first = first - second / 2
    scale = sizes if form.is_normalised else 1
    return np.concatenate([first * scale, second * scale], axis=1)


def _refuse_other_layouts(
    boxes: Boxes, sizes: NDArray[np.int64], where: str, flag: str | None
) -> None:
    if not len(boxes):
        return
    if (boxes >= 0).all() and (boxes <= 1 + _SHARE_EDGE).all() and (sizes > 2).all():
        forms = _fitting(boxes, sizes, normalised=True)
        raise DatasetError(
            "the boxes are not in pixels: no number of any box is above 1",
            expected="x, y, width and height in pixels",
            got=_example(boxes),
            where=where,
            next_step=_advice(forms, flag),
            causes=[_layout(forms, _advice(forms, flag))],
        )
    outside, forms = beyond(boxes, sizes), _fitting(boxes, sizes, normalised=False)
    if outside.mean() < _MANY or not forms:
        return
    raise DatasetError(
        f"{int(outside.sum())} of {len(boxes)} boxes would reach beyond their images, and hardly "
        "any does when read in another format",
        expected="x, y, width and height in pixels",
        got=_example(boxes[outside]),
        where=where,
        next_step=_advice(forms, flag),
        causes=[_layout(forms, _advice(forms, flag))],
    )


def wrong_format(boxes: Boxes, sizes: NDArray[np.int64], asked: BoxFormat) -> RootCause:
    """What boxes are that have negative sides when read in the format that was asked for.

    Args:
        boxes: As they are written, see `in_coco_layout`.
        sizes: See `in_coco_layout`.
        asked: The format.
    """
    forms = [BoxFormat.XYWH] if not beyond(boxes, sizes).any() else []
    forms += _fitting(boxes, sizes, normalised=False) + _fitting(boxes, sizes, normalised=True)
    others = [form for form in forms if form is not asked]
    return RootCause(
        FaultKind.BOX_LAYOUT,
        expected=asked.value,
        got=" or ".join(others) or None,
        next_step=f"state the layout that the file has: --box-format={others[0]}" if others else "",
    )


def _layout(forms: list[BoxFormat], advice: str) -> RootCause:
    got = " or ".join(forms) or "another one"
    return RootCause(FaultKind.BOX_LAYOUT, expected=BoxFormat.XYWH.value, got=got, next_step=advice)


def _advice(forms: list[BoxFormat], flag: str | None) -> str:
    if flag is None:
        looks = f"they look like {' or '.join(forms)}: " if forms else ""
        return f"{looks}write them as x, y, width and height in pixels"
    flags = [f"{flag}={form}" for form in forms]
    as_they_are = f"{flag}=xywh to score them as they are"
    if not flags:
        return f"convert them to COCO's layout, or add {as_they_are}"
    if len(flags) == 1:
        return f"add {flags[0]} to convert them, or {as_they_are}"
    return f"find out which they are and add {' or '.join(flags)}, or {as_they_are}"


def _fitting(boxes: Boxes, sizes: NDArray[np.int64], *, normalised: bool) -> list[BoxFormat]:
    """The other formats in which all but a few careless boxes lie inside their images."""
    found: list[BoxFormat] = []
    for form in BoxFormat:
        if form.is_normalised is normalised and form is not BoxFormat.XYWH:
            read = _converted(boxes, sizes, form)
            wrong = beyond(read, sizes) | (read[:, 2:] < 0).any(axis=1)
            if wrong.mean() <= _CARELESS:
                found.append(form)
    return found


def _example(boxes: Boxes) -> str:
    return "[" + ", ".join(f"{number:g}" for number in boxes[0]) + "]"
