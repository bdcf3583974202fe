"""Entries of an annotation file that are written as COCO writes them: nearly all of most files.

They are read in a few microseconds each. Whatever is written otherwise is left to
`validation.coco.fields`, which reads it with a notice or says what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

# Ids are kept in arrays of int64.
LARGEST = 2**63
_NUMBERS = (float, int)


class WrittenObject(NamedTuple):
    """An object as it is written: its box may be of any format, its area may be missing."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float | None
    is_crowd: bool
    ignore: bool


class WrittenImage(NamedTuple):
    """An image as it is written."""

    id: int
    file_name: str
    width: int
    height: int


def plain_object(entry: Mapping[str, Any]) -> WrittenObject | None:
    """An object with ids, box, area and iscrowd of JSON's own types; None where one is not."""
    image: Any = entry.get("image_id")
    category: Any = entry.get("category_id")
    crowd: Any = entry.get("iscrowd")
    box: Any = entry.get("bbox")
    area: Any = entry.get("area")
    # A bool is an int to isinstance.
    if type(box) is not list or len(box) != 4 or "ignore" in entry:
        return None
    x, y, width, height = box
    for number in (x, y, width, height, area):
        if type(number) not in _NUMBERS:
            return None
    if not _is_id(image) or not _is_id(category) or type(crowd) is not int or crowd not in (0, 1):
        return None
    try:
        box = float(x), float(y), float(width), float(height)
        area = float(area)
    except OverflowError:  # JSON has whole numbers that no float has
        return None
    if not math.isfinite(x + y + width + height + area):
        return None
    return WrittenObject(image, category, box, area, crowd == 1, False)


def plain_image(entry: Mapping[str, Any]) -> WrittenImage | None:
    """An image with id, name and size of JSON's own types; None where one is not."""
    key: Any = entry.get("id")
    name: Any = entry.get("file_name")
    width: Any = entry.get("width")
    height: Any = entry.get("height")
    if not _is_id(key) or type(name) is not str or not name:
        return None
    if not _is_id(width) or not _is_id(height) or width < 1 or height < 1:
        return None
    return WrittenImage(key, name, width, height)


def _is_id(value: Any) -> bool:
    return type(value) is int and -LARGEST < value < LARGEST
