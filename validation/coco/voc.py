"""One annotation file of Pascal VOC: an image's name and size, and its objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from validation.coco.safe_xml import read_xml
from validation.errors import DatasetError

_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class VocObject:
    """One object.

    Args:
        name: Of its class.
        corners: xmin, ymin, xmax, ymax as they are written.
        difficult: Marked as hard to recognise, which VOC's evaluation ignores.
    """

    name: str
    corners: tuple[float, float, float, float]
    difficult: bool


@dataclass(frozen=True)
class VocAnnotation:
    """What one file says.

    Args:
        path: The file.
        file_name: Last part of `filename`, maybe empty.
        size: Width and height in pixels; None where they are not stated, or zero.
        objects: In the order of the file.
    """

    path: Path
    file_name: str
    size: tuple[int, int] | None
    objects: tuple[VocObject, ...]


def read_voc(path: Path) -> VocAnnotation:
    """Read one annotation file.

    Raises:
        DatasetError: Not such a file, or an object without a name or a box.
    """
    root = read_xml(path)
    if root.tag != "annotation":
        raise DatasetError(
            "the XML file is no annotation of Pascal VOC",
            expected="<annotation>",
            got=f"<{root.tag}>",
            where=path,
        )
    name = PurePosixPath(_text(root, "filename").replace("\\", "/")).name
    objects = tuple(
        _object(element, f"{path.name}, object {number}")
        for number, element in enumerate(root.findall("object"), 1)
    )
    return VocAnnotation(path, name, _size(root), objects)


def _object(element: Element, where: str) -> VocObject:
    name = " ".join(_text(element, "name").split())
    if not name:
        raise DatasetError("an object without a name", where=where)
    box = element.find("bndbox")
    if box is None:
        raise DatasetError(
            "an object without a box",
            expected="<bndbox> with xmin, ymin, xmax, ymax",
            got=", ".join(child.tag for child in element) or "nothing",
            where=where,
            next_step="turned boxes and outlines have to be converted to upright boxes",
        )
    corners = [_number(_text(box, side)) for side in _SIDES]
    xmin, ymin, xmax, ymax = corners
    if xmin is None or ymin is None or xmax is None or ymax is None:
        raise DatasetError(
            "a box is not four finite numbers",
            expected=", ".join(_SIDES),
            got=", ".join(f"{child.tag} {child.text}" for child in box) or "nothing",
            where=where,
        )
    difficult = _number(_text(element, "difficult"))
    return VocObject(name, (xmin, ymin, xmax, ymax), bool(difficult))


def _size(root: Element) -> tuple[int, int] | None:
    size = root.find("size")
    if size is None:
        return None
    width, height = (_number(_text(size, side)) for side in ("width", "height"))
    if not width or not height or min(width, height) < 1:
        return None
    return round(width), round(height)


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def _number(text: str) -> float | None:
    """A finite number; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 1e9 else None
