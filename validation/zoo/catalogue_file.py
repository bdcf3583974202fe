"""What a catalogue file may hold: its tables, and the kinds of values in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NewType
from urllib.parse import urlsplit

from validation.errors import CatalogueError, did_you_mean
from validation.files.structured import Positive, PositiveNumber, Text, register
from validation.zoo.entry import (
    PUBLISHED_FIGURES,
    FileUrl,
    HttpsSource,
    PackageSource,
    PypiSource,
)

# What reads a file of these needs the checks below, so they are imported from here.
from validation.zoo.entry import PlainName as PlainName
from validation.zoo.entry import RelativePath as RelativePath
from validation.zoo.entry import Sha256 as Sha256

# Names go into file names, test ids and the command line of pip, so they are plain.
_PLAIN = re.compile("[A-Za-z0-9][A-Za-z0-9._+-]*")
_NO_FOLDER = RelativePath("")
_SHA256, _SHA384 = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{96}")

Sha384 = NewType("Sha384", str)
FigureName = NewType("FigureName", str)
"""A name of `PUBLISHED_FIGURES`."""
LabelTable = NewType("LabelTable", dict[int, str])
"""Class names by label id, from 1 on."""
Labels = NewType("Labels", object)
"""A label table, or the name of one."""


@dataclass(frozen=True)
class FolderTable:
    """Source of kind ``folder``, from the catalogue's own folder."""

    folder: RelativePath


SourceTable = HttpsSource | PypiSource | FolderTable | PackageSource
SOURCE_KINDS: Mapping[str, type[SourceTable]] = {
    "https": HttpsSource,
    "pypi": PypiSource,
    "folder": FolderTable,
    "package": PackageSource,
}


@dataclass(frozen=True)
class ModelTable:
    """One [[model]]; see `validation.zoo.entry.CatalogueEntry`."""

    name: PlainName
    group: PlainName
    description: Text
    licence: Text
    origin: Text
    source: dict[str, Any]
    sha256: Sha256 | None = None
    sha384: Sha384 | None = None
    size_bytes: Positive | None = None
    trust_first_download: bool | None = None
    subfolder: RelativePath = _NO_FOLDER
    unpacked_bytes: Positive | None = None
    quantised: bool = False
    pipeline_config: RelativePath | None = None
    labels: Labels | None = None
    published: dict[FigureName, PositiveNumber] = field(default_factory=dict)
    traps: tuple[Text, ...] = ()


@dataclass(frozen=True)
class CatalogueFile:
    """One file of the catalogue; label sets by the names that models use."""

    version: int
    model: tuple[ModelTable, ...]
    label_sets: dict[str, LabelTable] = field(default_factory=dict)


def _matching(pattern: re.Pattern[str], value: Any) -> Any:
    if pattern.fullmatch(value) is None:
        raise ValueError
    return value


def _relative_path(text: str) -> str:
    path = PurePosixPath(text)
    odd = "\\" in text or not text.isprintable()
    if odd or path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError
    return str(path)


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError
    _matching(_PLAIN, HttpsSource(FileUrl(url)).filename)
    return url


def _figure_name(name: str) -> str:
    if name not in PUBLISHED_FIGURES:
        raise CatalogueError(
            f"unknown key {name!r}", next_step=did_you_mean(name, PUBLISHED_FIGURES)
        )
    return name


def _label_table(table: Any) -> dict[int, str]:
    if not isinstance(table, Mapping):
        raise TypeError
    for key, name in table.items():
        if re.fullmatch("[1-9][0-9]{0,8}", key) is None or not isinstance(name, str) or not name:
            raise CatalogueError("a label is an id from 1 up and a name", got=f"{key} = {name!r}")
    return {int(key): name for key, name in table.items()}


register(
    PlainName,
    "letters, digits and . _ + -, a letter or digit first",
    lambda value: _matching(_PLAIN, value),
)
register(RelativePath, "a path downwards from where it starts, with slashes", _relative_path)
register(Sha256, "64 lower-case hexadecimal digits", lambda value: _matching(_SHA256, value))
register(Sha384, "96 lower-case hexadecimal digits", lambda value: _matching(_SHA384, value))
register(FileUrl, "https://host/path/file", _url)
register(FigureName, " | ".join(PUBLISHED_FIGURES), _figure_name)
register(LabelTable, "a table of class names by id", _label_table)
register(
    Labels,
    "a table of class names by id, or the name of a label set",
    lambda value: value if isinstance(value, str) else _label_table(value),
)
