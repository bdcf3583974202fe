"""Label files of every public layout."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from validation.errors import DatasetError
from validation.files.limits import file_limits
from validation.files.outside import Size, read_bytes
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.labels.documents import is_document, parse_document
from validation.labels.items import is_items, parse_items
from validation.labels.label_list import (
    LabelList,
    Numbering,
    is_background,
    is_gap,
    without_fillers,
)
from validation.labels.lines import parse_lines

# How files of other kinds begin that are met where a label file should be.
_OTHERS = (
    ("version https://git-lfs", "a Git LFS pointer", "fetch the file itself: git lfs pull"),
    ("<!doctype", "an HTML page", "download the file itself, not the page about it"),
    ("<html", "an HTML page", "download the file itself, not the page about it"),
    ("<?xml", "XML", "name a list of the classes"),
)
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # As PowerShell and Notepad write text.
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_labels(path: Path) -> LabelList:
    """`parse_labels` of a file.

    Raises:
        DatasetError: The file cannot be read, is of another kind, or names no class.
    """
    if path.exists():
        require_kind(path, Wanted.LABELS, DatasetError)
    try:
        content = read_bytes(path, Size.TEXT)
        marks = (encoding for mark, encoding in _BYTE_ORDER_MARKS if content.startswith(mark))
        text = content.decode(next(marks, "utf-8"))
        most = int(file_limits().read_label_lines)
        if text.count("\n") > most:
            raise ValueError(f"more than {most:,} lines (setting read_label_lines of the policy)")
    except (OSError, ValueError) as error:
        raise DatasetError(
            "the label map cannot be read",
            expected="text in UTF-8 or UTF-16",
            got=error,
            where=path,
        ) from error
    try:
        return parse_labels(text, path.name)
    except DatasetError as error:
        error.where = path if error.where is None else f"{path}, {error.where}"
        raise


def parse_labels(text: str, source: str = "label map") -> LabelList:
    """The names of a label file.

    These layouts are read: items of an OD API label map; one name a line; lines that are
    numbered before or behind the name; CSV and Open Images' class descriptions; JSON of id to
    name, name to id, a list, or COCO's categories; ``names:`` of a data.yaml.

    Args:
        text: Content of the file.
        source: What the list is called where it is spoken of.

    Raises:
        DatasetError: Not a list of names, or one that can be read in two ways.
    """
    text = text.removeprefix("\ufeff")
    _refuse_others(text)
    if is_items(text):
        names, numbers = _from_items(text)
        numbering = Numbering.FROM_ONE
    else:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        found = parse_document(text) if is_document(text) else parse_lines(text)
        names, numbers = found.names, found.numbers
        numbering = Numbering.NUMBERS if numbers else Numbering.ORDER
    return checked(LabelList(without_fillers(names, numbers), numbers, numbering, source))


def labels_by_id(names: Mapping[int, str], source: str) -> LabelList:
    """A list of names whose class ids are known, 1 the first class."""
    return checked(LabelList(tuple(names.values()), tuple(names), Numbering.FROM_ONE, source))


def checked(labels: LabelList) -> LabelList:
    """The list, if it names a class and no number twice.

    Raises:
        DatasetError: It does not.
    """
    if all(is_gap(name) for name in labels.names):
        raise DatasetError("the label map names no class")
    twice = [number for number, count in Counter(labels.numbers).items() if count > 1]
    if twice:
        pairs = zip(labels.numbers, labels.names, strict=True)
        names = [repr(name) for number, name in pairs if number == twice[0]]
        raise DatasetError(f"label id {twice[0]} is used twice", got=" and ".join(names))
    return labels


def _refuse_others(text: str) -> None:
    head = text.lstrip()[:100].casefold()
    for beginning, what, next_step in _OTHERS:
        if head.startswith(beginning):
            raise DatasetError(
                "not a label map", expected="names of classes", got=what, next_step=next_step
            )
    if "\0" in text:
        raise DatasetError("not a label map", expected="text", got="binary data")


def _from_items(text: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    names: dict[int, str] = {}
    for position, (number, name) in enumerate(parse_items(text), 1):
        where = f"item {position}"
        if number < 0:
            raise DatasetError("a label id is a whole number from 1 up", got=number, where=where)
        # protobuf leaves a zero out, and 0 is the background's id.
        if number == 0 and name and is_background(name):
            continue
        if number == 0:
            raise DatasetError(
                "a label without an id of its own",
                expected="id from 1 up, 0 is the background",
                got=repr(name),
                where=where,
            )
        if not name:
            raise DatasetError(f"label id {number} has no name", where=where)
        if number in names:
            raise DatasetError(
                f"label id {number} is used twice",
                got=f"{names[number]!r} and {name!r}",
                where=where,
            )
        names[number] = name
    return tuple(names.values()), tuple(names)
