"""Names and classes are aligned here, by count, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from validation.errors import first_few
from validation.labels.label_list import LabelList


@dataclass(frozen=True)
class ClassNames:
    """The names of a model's classes.

    Args:
        names: By class id, 1 the first class; only classes that have a name.
        num_classes: Of the model, without the background.
        source: Where the names are from, for people; empty where there are none.
        unnamed: Ids of the classes without a name.
        surplus: Names of the list that belong to no class of the model.
        background_dropped: True where the list began with a line for the background.
    """

    names: Mapping[int, str] = field(hash=False)
    num_classes: int
    source: str
    unnamed: tuple[int, ...] = ()
    surplus: tuple[str, ...] = ()
    background_dropped: bool = False

    def describe(self) -> str:
        """For example "80 names for 90 classes; 10 unnamed: 12, 26, 29 and 7 more"."""
        text = f"{len(self.names)} names for {self.num_classes} classes"
        if self.unnamed:
            text += f"; {len(self.unnamed)} unnamed: {first_few(self.unnamed)}"
        return text


def no_names(num_classes: int) -> ClassNames:
    """Of a model for which there is no list."""
    return ClassNames({}, num_classes, "", tuple(range(1, num_classes + 1)))


def align(labels: LabelList, num_classes: int) -> ClassNames:
    """Join a list's names with a model's classes.

    Args:
        labels: The list.
        num_classes: Of the model, without the background.

    Raises:
        DatasetError: The list does not fit the classes; the message says what would.
    """
    numbers = labels.numbers or range(1, len(labels.names) + 1)
    names = dict(zip(numbers, labels.names, strict=True))
    unnamed = tuple(number for number in range(1, num_classes + 1) if number not in names)
    return ClassNames(names, num_classes, labels.source, unnamed)
