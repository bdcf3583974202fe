"""Label files of lines: names alone, names with numbers, and tables of columns."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from validation.errors import DatasetError, first_few
from validation.labels.label_list import is_gap

_NUMBER = r"[0-9]{1,9}"
_NUMBER_FIRST = re.compile(
    rf"[\[('\"#]?(?P<number>{_NUMBER})[\])'\"]?(?:\s*(?:[-=]>|\u2192|[:,;=|\t])\s*|\s*[.)]\s+|\s+-\s+|\s+|$)(?P<name>.*)"
)
_NUMBER_LAST = re.compile(rf"(?P<name>.*?)\s*[:,;=|\t]\s*(?P<number>{_NUMBER})[,;]?")
_NUMBER_BEHIND = re.compile(rf"(?P<name>.*\S)\s+(?P<number>{_NUMBER})")
# A number that is tied to something else, as in "class0: person" and "0person".
_NUMBER_WITHIN = re.compile(rf"\D*(?P<number>{_NUMBER})(?P<rest>.*[^\W\d_].*)")
_BLANKS = re.compile(r"\s{2,}")
_REMARK = re.compile(r"(?:^|\s+)#(?:\s.*)?$")
# A field of a label map of the OD API, whose item was not copied with it.
_FIELD = re.compile(r"(?:id|name|display_name)\s*:\s*\S.*")
_BULLET = re.compile(r"[-*]\s+")
_WHOLE = re.compile(_NUMBER)
# Knowledge Graph ids, the codes of Open Images.
_CODE = re.compile(r"/[a-z]/[0-9a-z_]+")

# Heads of columns, the best one first.
_NAME_HEADS = (
    "display_name", "displayname", "class_name", "classname", "label_name", "name", "label",
    "class", "category", "labelname",
)  # fmt: skip
_ID_HEADS = (
    "id", "class_id", "classid", "label_id", "labelid", "category_id", "index", "class_index",
    "idx", "number", "",
)  # fmt: skip
# By what stands below, these head the names or the numbers.
_NUMBER_HEADS = (*_ID_HEADS, "label", "class", "category")
_HEADS = {*_NAME_HEADS, *_NUMBER_HEADS, "mid"}


class Lines(NamedTuple):
    """The names of a file of lines.

    Args:
        names: In file order; empty lines inside a list without numbers are names without a letter.
        numbers: Of each name; empty where the lines are not numbered.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...] = ()


def parse_lines(text: str) -> Lines:
    """A list with one class a line.

    Raises:
        DatasetError: Lines of another kind, some lines with a number and some without, or two
            readings of the numbers.
    """
    lines = [_BLANKS.sub(_one_blank, line.strip()) for line in text.split("\n")]
    # A remark is followed by a blank; a name that begins with # is not.
    lines = [_REMARK.sub("", line) for line in lines if not re.match(r"#(\s|$)|---$", line)]
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if line.endswith(("{", "}")) or _FIELD.fullmatch(line):
            raise DatasetError(
                "a label list has one name a line", got=repr(line), where=f"line {number}"
            )
    filled = [line for line in lines if line]
    if filled and all(_BULLET.match(line) for line in filled):
        return Lines(tuple(_unquoted(_BULLET.sub("", line, count=1)) for line in filled))
    if len(filled) == 1 and (row := _one_row(filled[0])):
        return row
    return _columns(filled) or _numbered(filled) or Lines(tuple(map(_unquoted, lines)))


def _one_blank(match: re.Match[str]) -> str:
    """For several: a tab where one is among them, since it separates columns."""
    return "\t" if "\t" in match[0] else " "


def _one_row(line: str) -> Lines | None:
    """Names behind one another on one line, such as ``person, car``; None for a single name."""
    for separator in ",;\t":
        try:
            (row,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
        except (csv.Error, ValueError):
            continue
        names = tuple(_unquoted(cell.strip()) for cell in row if cell.strip())
        if len(names) > 1 and not any(_WHOLE.fullmatch(name) for name in names):
            return Lines(names)
    return None


def _numbered(lines: Sequence[str]) -> Lines | None:
    """Numbers before or behind the names; None where lines have no numbers."""
    first = [_NUMBER_FIRST.fullmatch(line) for line in lines]
    last = [_NUMBER_LAST.fullmatch(line) for line in lines]
    # A gap without a number names no class, whichever one it would be.
    telling = [index for index, line in enumerate(lines) if not is_gap(line)]
    named = [index for index in telling if (match := first[index]) and match["name"]]
    if named and all(first[index] for index in telling):
        if all(last[index] for index in telling):
            raise _two_readings(lines[telling[0]], "the number may be the first or the last")
        found = first
    elif telling and all(last[index] for index in telling):
        found = last
    elif (counted := _counted(lines)) is not None:
        return counted
    else:
        _refuse_mixed(lines, [match and int(match["number"]) for match in first], named)
        return None
    matches = [match for match in found if match]
    if len(matches) > 1 and len({match["name"].casefold() for match in matches}) == 1:
        raise _two_readings(
            lines[telling[0]], "the number counts the lines, or belongs to the name"
        )
    return Lines(
        tuple(_unquoted(match["name"].rstrip(",;")) for match in matches),
        tuple(int(match["number"]) for match in matches),
    )


def _counted(lines: Sequence[str]) -> Lines | None:
    """Names before the number of their line, with a blank between; None where lines are none.

    ``zone 1, zone 2`` are names: what stands before a number has to differ from line to line.
    """
    matches = [match for line in lines if (match := _NUMBER_BEHIND.fullmatch(line))]
    names = [match["name"] for match in matches]
    numbers = [int(match["number"]) for match in matches]
    counting = numbers and numbers == list(range(numbers[0], numbers[0] + len(lines)))
    distinct = len({name.casefold() for name in names}) == len(lines)
    if not (counting and distinct and numbers[0] in (0, 1) and len(lines) > 1):
        return None
    return Lines(tuple(map(_unquoted, names)), tuple(numbers))


def _refuse_mixed(
    lines: Sequence[str], numbers: Sequence[int | None], named: Sequence[int]
) -> None:
    """Numbers that count the lines are no part of the names, in whatever form they stand there."""
    within = [_NUMBER_WITHIN.fullmatch(line) for line in lines]
    counted = [int(match["number"]) for match in within if match]
    if len(lines) > 1 and counted in (list(range(len(lines))), list(range(1, len(lines) + 1))):
        raise _two_readings(lines[0], "the number counts the lines, or belongs to the name")
    for first in (0, 1):
        counting = [index for index in named if numbers[index] == index + first]
        if len(counting) > 1:
            without = next(line for index, line in enumerate(lines) if index not in named)
            raise DatasetError(
                "some lines have a number and others have none",
                expected="a number on every line, or on none",
                got=f"{lines[counting[0]]!r} and {without!r}",
            )


def _columns(lines: Sequence[str]) -> Lines | None:
    """A table with a head, or of Open Images' codes; None where the lines are none."""
    for separator in ",;\t|":
        try:
            rows = [
                [cell.strip() for cell in row]
                for row in csv.reader(
                    lines, delimiter=separator, skipinitialspace=True, strict=True
                )
            ]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        # A quote that is closed on another line joins two lines to one row.
        if width < 2 or len(rows) != max(len(lines), 2) or {len(row) for row in rows} != {width}:
            continue
        if (table := _table(rows)) is not None:
            return table
        cells = list(zip(*rows, strict=True))
        numeric = [_all(_WHOLE, column) for column in cells]
        coded = [_all(_CODE, column) for column in cells]
        if width == 2 and all(numeric):
            raise _two_readings(lines[0], "the number may be the first or the last")
        if width == 2 and any(numeric):
            column = numeric.index(True)
            return Lines(cells[1 - column], tuple(map(int, cells[column])))
        if width == 2 and any(coded):
            return Lines(cells[1 - coded.index(True)])
        if width > 2 and (numeric[0] or numeric[-1]):
            raise DatasetError(
                "a table of classes without a head",
                expected="a first line that names the columns, such as id,name",
                got=repr(lines[0]),
                where="line 1",
            )
    return None


def _table(rows: Sequence[Sequence[str]]) -> Lines | None:
    """The columns that a first line names; None where it names none."""
    heads = [re.sub(r"[\s-]+", "_", head.casefold()) for head in rows[0]]
    if {"xmin", "filename", "image_id"} & set(heads):
        raise DatasetError(
            "not a label map",
            expected="one class a line",
            got="a table of annotations: " + ", ".join(rows[0]),
            next_step="name the label map that belongs to it",
        )
    if len(set(heads) & _HEADS) < 2 or len(set(heads)) < len(heads):
        return None
    columns = {head: [row[index] for row in rows[1:]] for index, head in enumerate(heads)}
    numeric = {head for head, cells in columns.items() if _all(_WHOLE, cells)}
    numbers = next((head for head in _NUMBER_HEADS if head in numeric), None)
    names = next((head for head in _NAME_HEADS if head in columns and head != numbers), None)
    stated = next((head for head in _ID_HEADS if head in columns), None)
    # Open Images calls its codes ids, too.
    coded = stated is not None and _all(_CODE, columns[stated])
    if names is None or (numbers is None and stated is not None and not coded):
        raise DatasetError(
            "the table of classes cannot be read",
            expected="a column of names, and one of whole numbers where there are ids",
            got=first_few(columns[stated]) if names and stated else ", ".join(rows[0]),
            where=f"column {stated}" if names else "line 1",
        )
    return Lines(
        tuple(columns[names]), () if numbers is None else tuple(map(int, columns[numbers]))
    )


def _all(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    return all(pattern.fullmatch(cell) for cell in cells)


def _two_readings(line: str, why: str) -> DatasetError:
    return DatasetError(
        "the label list can be read in two ways",
        got=f"{line!r}: {why}",
        next_step="write one class a line as `1: name`",
    )


def _unquoted(name: str) -> str:
    """Without the quotes and the comma of a list that was copied out of code."""
    bare = name.rstrip(",") if name[:1] in "'\"" else name
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        return bare[1:-1].strip()
    return name
