"""What a label file says, before it meets a model: names, and their numbers where it has them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# A line without a class, as COCO's ids 12, 26 and so on are written.
_GAP = re.compile(r"\?*|n/a", re.IGNORECASE)
# What stands first where a list counts the background.
_BACKGROUND = {"background", "bg", "unlabeled", "unlabelled", "none"}


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
    def by_number(self) -> dict[int, str]:
        """Names by the numbers that the file states; empty where it states none."""
        return dict(zip(self.numbers, self.names, strict=bool(self.numbers)))


def is_gap(name: str) -> bool:
    """True for what stands in a list where a class has no name: ``???``, ``n/a``, nothing."""
    return _GAP.fullmatch(name.strip()) is not None


def is_background(name: str) -> bool:
    """True for what the first line of a list may call the background."""
    return is_gap(name) or name.strip().strip("_").casefold() in _BACKGROUND
