"""What a label file says, before it meets a model: names, and their numbers where it has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# A line without a class, as COCO's ids 12, 26 and so on are written.
# NA in capitals alone: scripts write it, and a class may be called "na".
_GAP = re.compile(r"\?*|[nN]/[aA]|NA")
# What stands first where a list counts the background.
_BACKGROUND = {"background", "bg", "unlabeled", "unlabelled", "none", "none_of_the_above"}
# Where more than one class is called so, none of them is.
_FILLERS = {"none", "null", "nan", "unknown", "unused", "empty", "reserved", "dummy", "-", "_"}
_NO_NAME = "???"


class Numbering(StrEnum):
    """How a list says which class a name belongs to."""

    ORDER = "in order"
    """The file has no numbers: names are in the order of the classes."""
    FROM_ONE = "class ids"
    """Ids of an OD API label map: 1 is the first class, 0 the background."""
    NUMBERS = "numbers"
    """Numbers that begin at 0 or 1, which the numbers themselves have to tell."""
    VALUES = "values of the op"
    """Line i names the value i of the post-processing op's classes, the first class 0."""
    AXIS = "columns"
    """Line i names column i of the class predictions, the background column 0."""


@dataclass(frozen=True)
class LabelList:
    """The names of a label file.

    Args:
        names: In file order, without blanks around them; gaps as they are written, see `is_gap`.
        numbers: Of each name; empty where the file states none.
        numbering: What the numbers, or the order, count.
        source: Where the names are from, for people: a file's name, or "its own metadata".
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]
    numbering: Numbering
    source: str

    @property
    def count(self) -> int:
        """Names, without the gaps between them."""
        return sum(not is_gap(name) for name in self.names)

    @property
    def by_number(self) -> dict[int, str]:
        """Names by the numbers that the file states; empty where it states none."""
        return dict(zip(self.numbers, self.names, strict=bool(self.numbers)))


def without_fillers(names: Sequence[str], numbers: Sequence[int]) -> tuple[str, ...]:
    """The names, with ``???`` for what only fills the place of a class that is not there.

    A word such as "none" that stands there more than once; and among names, the number of the
    class itself, as the OD API's complete COCO list has 12 for 12.
    """
    counts = Counter(name.casefold() for name in names)
    filling = {word for word in _FILLERS | _BACKGROUND if counts[word] > 1}
    worded = not all(name.isdecimal() or is_gap(name) for name in names)
    return tuple(
        _NO_NAME
        if name.casefold() in filling or (worded and numbers and name == str(numbers[index]))
        else name
        for index, name in enumerate(names)
    )


def is_gap(name: str) -> bool:
    """True for what stands in a list where a class has no name: ``???``, ``n/a``, NA, nothing."""
    return _GAP.fullmatch(name.strip()) is not None


def is_background(name: str) -> bool:
    """True for what the first line of a list may call the background."""
    word = "_".join(name.casefold().split()).strip("_")
    return is_gap(name) or word in _BACKGROUND
