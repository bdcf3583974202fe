"""One label file of YOLO: a line for each object, in shares of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from validation.errors import DatasetError
from validation.files.outside import read_text

# Rounding leads a little beyond 1; pixels lead far beyond.
_LARGEST_SHARE = 2.0


class LineForm(Enum):
    """What a line holds behind its class."""

    BOX = "box"
    BOX_AND_CONFIDENCE = "box and confidence"
    OUTLINE = "outline"
    BOX_AND_KEYPOINTS = "box and keypoints"


@dataclass(frozen=True)
class YoloObject:
    """One object.

    Args:
        number: Of its class, counted from 0.
        box: x and y of the left upper corner, width and height, in shares of the image.
        form: What it was made from.
    """

    number: int
    box: tuple[float, float, float, float]
    form: LineForm


def read_yolo(path: Path, *, keypoints: bool = False) -> tuple[YoloObject, ...]:
    """`parse_yolo` of a file.

    Raises:
        DatasetError: The file cannot be read, or a line is of no known form.
    """
    try:
        text = read_text(path, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError("the label file cannot be read", got=error, where=path) from error
    return parse_yolo(text, path.name, keypoints=keypoints)


def parse_yolo(text: str, source: str, *, keypoints: bool = False) -> tuple[YoloObject, ...]:
    """The objects of a label file.

    A line is ``class cx cy width height``; with a sixth number, a confidence, which is ignored; or
    ``class x1 y1 x2 y2 x3 y3 ...``, an outline (also that of a turned box), whose extent is taken.

    Args:
        text: Content; may be empty.
        source: Name of the file, for errors.
        keypoints: The set says that keypoints stand behind each box.

    Raises:
        DatasetError: A line is of no such form, or its numbers are no shares of an image.
    """
    return tuple(
        _parse_line(line.split(), f"{source}, line {number}", keypoints)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    )


def _parse_line(words: list[str], where: str, keypoints: bool) -> YoloObject:
    try:
        key, *shares = (float(word) for word in words)
    except ValueError as error:
        raise _not_a_line(words, where) from error
    is_number = math.isfinite(key) and key.is_integer() and 0 <= key < 1e6
    if not is_number or not all(map(math.isfinite, shares)):
        raise _not_a_line(words, where)
    form = _form(len(shares), keypoints)
    if form is None:
        raise _not_a_line(words, where)
    used = shares if form is LineForm.OUTLINE else shares[:4]
    if max(map(abs, used)) > _LARGEST_SHARE:
        raise DatasetError(
            "a box is not in shares of the image",
            expected="numbers from 0 to 1",
            got=" ".join(words[:5]),
            where=where,
            next_step="divide pixels by the width and height of the image, as YOLO has them",
        )
    if form is LineForm.OUTLINE:
        x, y = min(used[::2]), min(used[1::2])
        box = (x, y, max(used[::2]) - x, max(used[1::2]) - y)
    else:
        cx, cy, width, height = used
        if min(width, height) < 0:
            raise _not_a_line(words, where)
        box = (cx - width / 2, cy - height / 2, width, height)
    return YoloObject(int(key), box, form)


def _form(count: int, keypoints: bool) -> LineForm | None:
    """What so many numbers behind the class are; None if nothing."""
    if count == 4:
        return LineForm.BOX
    if keypoints and count > 4:
        return LineForm.BOX_AND_KEYPOINTS
    if count == 5:
        return LineForm.BOX_AND_CONFIDENCE
    return LineForm.OUTLINE if count >= 6 and count % 2 == 0 else None


def _not_a_line(words: list[str], where: str) -> DatasetError:
    return DatasetError(
        "a line is no object of a YOLO label file",
        expected="class cx cy width height, or class and the points of an outline",
        got=" ".join(words)[:60],
        where=where,
    )
