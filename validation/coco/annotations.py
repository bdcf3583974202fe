"""A COCO annotation file, read and checked entry by entry."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import DatasetError, first_few
from validation.record.dataset_notices import DatasetNotice


@dataclass(frozen=True)
class CocoImage:
    """One labelled image.

    Args:
        id: COCO image id.
        file_name: As the annotation file has it.
        path: Where the file lies.
        width: Pixels, as annotated; equal to the file's own.
        height: Pixels, as annotated; equal to the file's own.
    """

    id: int
    file_name: str
    path: Path
    width: int
    height: int


@dataclass(frozen=True)
class CocoAnnotation:
    """One object on one image.

    Args:
        image_id: COCO image id.
        category_id: COCO category id.
        bbox: (x, y, width, height) in pixels.
        area: Of the object's outline, square pixels; decides small, medium or large.
        is_crowd: A group of objects: the evaluation neither asks for it nor punishes it.
    """

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    is_crowd: bool


@dataclass(frozen=True)
class AnnotationFile:
    """What annotations say; ids are unique and refer to each other.

    Args:
        data: Bytes that stand for all that was read: the file's own, or hashes of files.
        images: By id.
        categories: Name of each category id.
        objects: In file order.
        notices: What was assumed, converted or left out.
        numbers_stated: False where the set has names alone, and its category ids were given to
            them here.
        prepare: Makes the files of the images that are used, where they are not there yet.
    """

    data: bytes
    images: Mapping[int, CocoImage]
    categories: Mapping[int, str]
    objects: tuple[CocoAnnotation, ...]
    notices: tuple[DatasetNotice, ...] = ()
    numbers_stated: bool = True
    prepare: Callable[[Sequence[CocoImage]], None] | None = None


def read_annotations(path: Path, folder: Path) -> AnnotationFile:
    """Read and check an annotation file (https://cocodataset.org/#format-data).

    Args:
        path: The instances JSON file.
        folder: Image folder, for the paths of the images; not looked into.

    Raises:
        DatasetError: No such file, not JSON, not the COCO layout, no images, or ids that
            are doubled or unknown.
    """
    data, table = _read(path)
    images = _images(table, folder, path.name)
    categories = _categories(table, path.name)
    objects = _annotations(table, path.name)
    _refuse_unknown("image", (item.image_id for item in objects), images, path.name)
    _refuse_unknown("category", (item.category_id for item in objects), categories, path.name)
    return AnnotationFile(data, images, categories, tuple(objects))


def _read(path: Path) -> tuple[bytes, Mapping[str, Any]]:
    if not path.is_file():
        raise DatasetError(
            "the annotation file is not there",
            where=path,
            next_step="name the instances_*.json file of the data set",
        )
    try:
        data = path.read_bytes()
        table = json.loads(data)
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            "the annotation file cannot be read as JSON", got=error, where=path
        ) from error
    parts = ("images", "annotations", "categories")
    if not isinstance(table, dict) or not all(isinstance(table.get(key), list) for key in parts):
        raise DatasetError(
            "the annotation file has not the COCO layout",
            expected="an object with the lists " + ", ".join(parts),
            got=f"an object with {first_few(table)}" if isinstance(table, dict) else "no object",
            where=path,
            next_step="use an instances file; captions and results have another layout",
        )
    return data, table


def _images(table: Mapping[str, Any], folder: Path, where: str) -> dict[int, CocoImage]:
    entries = _entries(table, "images", where)
    if not entries:
        raise DatasetError("the annotation file lists no images", where=where)
    found = []
    for position, entry in entries:
        size = [_integer(entry, side, position) for side in ("width", "height")]
        if min(size) < 1:
            raise DatasetError(
                "an image without pixels", got=f"{size[0]} x {size[1]}", where=position
            )
        file_name = _text(entry, "file_name", position)
        found.append(
            CocoImage(_integer(entry, "id", position), file_name, folder / file_name, *size)
        )
    _refuse_doubles("image", [image.id for image in found], where)
    return {image.id: image for image in found}


def _categories(table: Mapping[str, Any], where: str) -> dict[int, str]:
    found = [
        (_integer(entry, "id", position), _text(entry, "name", position))
        for position, entry in _entries(table, "categories", where)
    ]
    _refuse_doubles("category", [key for key, _ in found], where)
    return dict(found)


def _annotations(table: Mapping[str, Any], where: str) -> list[CocoAnnotation]:
    entries = _entries(table, "annotations", where)
    _refuse_doubles(
        "annotation", [_integer(entry, "id", position) for position, entry in entries], where
    )
    return [
        CocoAnnotation(
            _integer(entry, "image_id", position),
            _integer(entry, "category_id", position),
            _bbox(entry, position),
            _area(entry, position),
            bool(_integer(entry, "iscrowd", position)),
        )
        for position, entry in entries
    ]


def _entries(
    table: Mapping[str, Any], part: str, where: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """Each entry of a list with the words that name its position in a message."""
    found = [(f"{where}, {part}[{number}]", entry) for number, entry in enumerate(table[part])]
    for position, entry in found:
        if not isinstance(entry, dict):
            raise DatasetError(f"an entry of {part} is no object", got=entry, where=position)
    return found


def _integer(entry: Mapping[str, Any], key: str, position: str) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _field_error(key, "a whole number", value, position)
    return value


def _text(entry: Mapping[str, Any], key: str, position: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise _field_error(key, "text", value, position)
    return value


def _bbox(entry: Mapping[str, Any], position: str) -> tuple[float, float, float, float]:
    value = entry.get("bbox")
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_finite, value)):
        raise _field_error("bbox", "four finite numbers", value, position)
    x, y, width, height = (float(number) for number in value)
    # COCO itself has a few boxes of no width or height, so only negative ones are wrong.
    if width < 0 or height < 0:
        raise _field_error("bbox", "x, y, width, height", value, position)
    return x, y, width, height


def _area(entry: Mapping[str, Any], position: str) -> float:
    value = entry.get("area")
    if not _is_finite(value):
        raise _field_error("area", "a finite number", value, position)
    return float(entry["area"])


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]


def _field_error(key: str, expected: str, value: object, position: str) -> DatasetError:
    return DatasetError(
        f"the annotation file has not the COCO layout: {key} is wrong",
        expected=expected,
        got="nothing" if value is None else repr(value),
        where=position,
    )


def _refuse_doubles(kind: str, ids: Sequence[int], where: str) -> None:
    doubled = sorted(key for key, count in Counter(ids).items() if count > 1)
    if doubled:
        raise DatasetError(
            f"{len(doubled)} {kind} ids stand more than once", got=first_few(doubled), where=where
        )


def _refuse_unknown(kind: str, ids: Iterable[int], known: Mapping[int, Any], where: str) -> None:
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise DatasetError(
            f"annotations of {len(unknown)} {kind} ids that the file does not list",
            got=first_few(unknown),
            where=where,
        )
