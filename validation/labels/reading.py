"""Label files of every public layout."""

from __future__ import annotations

from pathlib import Path

from validation.errors import DatasetError
from validation.labels.label_list import LabelList, Numbering


def read_labels(path: Path) -> LabelList:
    """`parse_labels` of a file.

    Raises:
        DatasetError: The file cannot be read, or names no class.
    """
    try:
        return parse_labels(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError("the label map cannot be read", got=error, where=path) from error


def parse_labels(text: str, source: str = "label map") -> LabelList:
    """The names of a label file.

    Args:
        text: Content of the file.
        source: What it is called in messages.

    Raises:
        DatasetError: Not a list of names, or one that can be read in two ways.
    """
    return LabelList(tuple(text.split("\n")), (), Numbering.ORDER, source)
