"""Detections in COCO's results format, of any system, read strictly and without a data set."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, DatasetError, first_few
from validation.files.guard import faults, said
from validation.files.outside import Size, read_bytes

_LAYOUT = "a JSON list of objects with image_id, category_id, bbox and score"
# What people call the list where it is part of an object.
_LISTS = ("annotations", "detections", "predictions", "results")
_IMAGE, _NAME = "image_id", "file_name"
_KEYS = frozenset({_IMAGE, "category_id", "bbox", "score"})
# What results of COCO's other tasks have instead of a box.
_OTHER_TASKS = {
    "segmentation": "outlines",
    "keypoints": "keypoints",
    "caption": "captions",
    "counts": "outlines",
}
_LARGEST = 2**63
_DIGITS = re.compile(r"\s*[0-9]{1,18}\s*", re.ASCII)


@dataclass(frozen=True)
class Results:
    """Detections as a file has them, one row each, in its order.

    Args:
        path: The file.
        sha256: Of the file.
        image_keys: Image id or file name of each.
        category_ids: int64 [N].
        boxes: float64 [N, 4], as written.
        scores: float64 [N], each from 0 to 1.
        ids_as_text: Category ids that are text with a number.
        ignored_keys: Further fields, sorted.
    """

    path: Path
    sha256: str
    image_keys: tuple[int | str, ...] = field(repr=False)
    category_ids: NDArray[np.int64] = field(repr=False)
    boxes: NDArray[np.float64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    ids_as_text: int = 0
    ignored_keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)


def read_results(path: Path) -> Results:
    """Read and check a file of detections (https://cocodataset.org/#format-results).

    Taken too: the list inside an object as annotations, detections, predictions or results; one
    object a line; ids as text or with a decimal point; file_name instead of image_id.

    Args:
        path: The JSON file.

    Raises:
        ArtefactMissing: No such file.
        DatasetError: Not JSON, another layout, annotations without scores, results of outlines,
            keypoints or captions, or a number that is none.
    """
    try:
        data = read_bytes(path, Size.TABLE)
    except OSError as error:
        raise ArtefactMissing(
            "the results cannot be read", got=error.strerror, where=path
        ) from error
    entries = _entries(data, path)
    rows = [_row(entry, f"{path.name}, results[{number}]") for number, entry in enumerate(entries)]
    return Results(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        image_keys=tuple(row.image for row in rows),
        category_ids=np.array([row.category for row in rows], np.int64),
        boxes=np.array([row.box for row in rows], np.float64).reshape(-1, 4),
        scores=np.array([row.score for row in rows], np.float64),
        ids_as_text=sum(isinstance(entry["category_id"], str) for entry in entries),
        ignored_keys=tuple(sorted({str(key) for entry in entries for key in entry} - _used(rows))),
    )


@dataclass(frozen=True)
class _Row:
    image: int | str
    image_field: str
    category: int
    box: tuple[float, ...]
    score: float


def _used(rows: list[_Row]) -> frozenset[str]:
    return _KEYS | {row.image_field for row in rows}


def _entries(data: bytes, path: Path) -> list[Mapping[str, Any]]:
    try:
        table = json.loads(data)
    except faults() as error:
        table = _lines(data)
        if table is None:
            raise DatasetError(
                "the results cannot be read as JSON", expected=_LAYOUT, got=said(error), where=path
            ) from error
    if isinstance(table, dict):
        lists = [key for key in _LISTS if isinstance(table.get(key), list)]
        if len(lists) != 1:
            raise DatasetError(
                "the file has not the layout of COCO's results",
                expected=_LAYOUT,
                got=f"an object with {first_few(table) or 'nothing'}",
                where=path,
                next_step="write the detections as one list",
            )
        table = table[lists[0]]
    if not isinstance(table, list) or not all(isinstance(entry, dict) for entry in table):
        raise DatasetError(
            "the file has not the layout of COCO's results",
            expected=_LAYOUT,
            got="a list of other things" if isinstance(table, list) else "no list",
            where=path,
            next_step="write the detections as one list",
        )
    return table


def _lines(data: bytes) -> list[Any] | None:
    """One object a line, as logs have it; None where a line is none."""
    try:
        found = [json.loads(line) for line in data.splitlines() if line.strip()]
    except faults():
        return None
    return found if len(found) > 1 and all(isinstance(each, dict) for each in found) else None


def _row(entry: Mapping[str, Any], where: str) -> _Row:
    _refuse_other_tasks(entry, where)
    name = _IMAGE if entry.get(_IMAGE) is not None else _NAME
    score = entry["score"]
    if not _is_finite(score) or not 0 <= score <= 1:
        raise _wrong(entry, "score", "a number from 0 to 1", where)
    box = entry["bbox"]
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_finite, box)):
        raise _wrong(entry, "bbox", "four finite numbers", where)
    return _Row(
        _image(entry, name, where),
        name,
        _category(entry, where),
        tuple(float(number) for number in box),
        float(score),
    )


def _refuse_other_tasks(entry: Mapping[str, Any], where: str) -> None:
    if "bbox" not in entry:
        other = next((word for key, word in _OTHER_TASKS.items() if key in entry), None)
        raise DatasetError(
            f"these are results of {other}, and boxes are needed"
            if other
            else "a result without bbox",
            expected=_LAYOUT,
            got=f"an object with {first_few(entry) or 'nothing'}",
            where=where,
            next_step="write a bbox for each: x, y, width and height in pixels",
        )
    if entry.get("score") is None:
        raise DatasetError(
            "a result without score: these may be labels and no detections",
            expected=_LAYOUT,
            got=f"an object with {first_few(entry)}",
            where=where,
            next_step="labels go with --coco-annotations; of detections write the score of each",
        )


def _image(entry: Mapping[str, Any], name: str, where: str) -> int | str:
    value = entry.get(name)
    if isinstance(value, str) and value.strip():
        return value.strip()
    number = _whole(value) if name == _IMAGE else None
    if number is None:
        raise _wrong(entry, name, "an image id or a file name", where)
    return number


def _category(entry: Mapping[str, Any], where: str) -> int:
    value = entry.get("category_id")
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else _whole(value)
    if number is None:
        raise _wrong(entry, "category_id", "the id of a category of the data set", where)
    return number


def _whole(value: object) -> int | None:
    """A whole number, maybe with a decimal point; None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return int(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
    return value if is_whole else None  # type: ignore[return-value]


def _is_finite(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return number and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # JSON has whole numbers that no float has
        return False


def _wrong(entry: Mapping[str, Any], key: str, expected: str, where: str) -> DatasetError:
    value = entry.get(key)
    return DatasetError(
        f"the results have not COCO's layout: {key} is wrong",
        expected=expected,
        got="nothing" if value is None else repr(value)[:80],
        where=where,
        next_step="divide scores in per cent by 100" if key == "score" else None,
    )
