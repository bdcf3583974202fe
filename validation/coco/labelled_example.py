"""One record of the OD API's TFRecords: an image, its objects, and what it says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from validation.coco.tf_example import Features
from validation.errors import DatasetError, first_few

_OBJECT = "image/object/"
# Rounding leads a little beyond 1; pixels lead far beyond.
_LARGEST_SHARE = 2.0
_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class ExampleObject:
    """One object of a record.

    Args:
        label: `image/object/class/label`; None where the record has texts alone.
        text: `image/object/class/text`; empty where the record has numbers alone.
        box: xmin, ymin, xmax, ymax as shares of the image.
        area: Square pixels; None where it is not stated.
        is_crowd: Marked as a crowd.
        difficult: Marked as difficult.
        group_of: Marked as several objects in one box.
    """

    label: int | None
    text: str
    box: tuple[float, float, float, float]
    area: float | None
    is_crowd: bool
    difficult: bool
    group_of: bool


@dataclass(frozen=True)
class LabelledExample:
    """What a record says.

    Args:
        encoded: The image file's bytes; empty where the record has none.
        file_name: `image/filename`, maybe empty.
        source_id: `image/source_id`, maybe empty.
        size: Width and height as stated; None where they are not.
        objects: In the order of the record.
    """

    encoded: bytes
    file_name: str
    source_id: str
    size: tuple[int, int] | None
    objects: tuple[ExampleObject, ...]


def labelled_example(features: Features, where: str) -> LabelledExample:
    """The labelled image that the features of an Example are.

    Args:
        features: By name (see `validation.coco.tf_example`).
        where: File and record, for errors.

    Raises:
        DatasetError: No image and no boxes, a feature of another type, lists of different
            lengths, or boxes that are not finite.
    """
    reader = _Reader(features, where)
    if "image/encoded" not in features and _OBJECT + "bbox/xmin" not in features:
        raise DatasetError(
            "the record is no labelled image",
            expected="image/encoded and image/object/bbox/xmin, as the OD API's tools write them",
            got=first_few(sorted(features)) or "no feature",
            where=where,
        )
    sizes = [reader.one(f"image/{side}", int) for side in ("width", "height")]
    width, height = sizes
    return LabelledExample(
        encoded=reader.one("image/encoded", bytes) or b"",
        file_name=_decoded(reader.one("image/filename", bytes) or b""),
        source_id=_decoded(reader.one("image/source_id", bytes) or b""),
        size=(width, height) if width and height and min(width, height) > 0 else None,
        objects=_objects(reader),
    )


class _Reader:
    """Features by name and type."""

    def __init__(self, features: Features, where: str) -> None:
        self._features = features
        self.where = where

    def all(self, name: str, kind: type[Any]) -> Sequence[Any]:
        """The values of a feature, none where it is not there or empty."""
        values = self._features.get(name, [])
        if values and type(values[0]) is not kind:
            types = {bytes: "bytes_list", float: "float_list", int: "int64_list"}
            raise DatasetError(
                f"{name} is of another type",
                expected=types[kind],
                got=types[type(values[0])],
                where=self.where,
            )
        return values

    def one(self, name: str, kind: type[Any]) -> Any | None:
        """The first value of a feature, None where there is none."""
        values = self.all(name, kind)
        return values[0] if values else None

    def column(self, name: str, kind: type[Any], count: int) -> Sequence[Any]:
        """A value for each object, or None for each where the feature is empty."""
        values = self.all(_OBJECT + name, kind)
        if not values:
            return [None] * count
        if len(values) != count:
            raise DatasetError(
                f"{_OBJECT}{name} has not a value for each object",
                expected=f"{count}, as many as image/object/bbox/xmin",
                got=len(values),
                where=self.where,
            )
        return values


def _objects(reader: _Reader) -> tuple[ExampleObject, ...]:
    count = len(reader.all(_OBJECT + "bbox/xmin", float))
    sides = [reader.column(f"bbox/{side}", float, count) for side in _SIDES]
    labels = reader.column("class/label", int, count)
    texts = reader.column("class/text", bytes, count)
    areas = reader.column("area", float, count)
    flags = [reader.column(name, int, count) for name in ("is_crowd", "difficult", "group_of")]
    found = []
    for number in range(count):
        box = tuple(side[number] for side in sides)
        if None in box or not all(math.isfinite(side) for side in box):
            raise DatasetError(
                "a box is not four finite numbers",
                got=", ".join(str(side) for side in box),
                where=f"{reader.where}, object {number + 1}",
            )
        if max(map(abs, box)) > _LARGEST_SHARE:
            raise DatasetError(
                "a box is not in shares of the image",
                expected="numbers from 0 to 1",
                got=", ".join(f"{side:g}" for side in box),
                where=f"{reader.where}, object {number + 1}",
                next_step="write the TFRecords with boxes divided by the width and height",
            )
        if labels[number] is None and not texts[number]:
            raise DatasetError(
                "an object without a class",
                expected="image/object/class/label or image/object/class/text",
                where=f"{reader.where}, object {number + 1}",
            )
        area = areas[number]
        found.append(
            ExampleObject(
                label=labels[number],
                text=_decoded(texts[number] or b""),
                box=(box[0], box[1], box[2], box[3]),
                area=area if area is not None and math.isfinite(area) else None,
                is_crowd=bool(flags[0][number]),
                difficult=bool(flags[1][number]),
                group_of=bool(flags[2][number]),
            )
        )
    return tuple(found)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace").strip()
