"""Canary images: one object of known class and place on each.

They are what a run has to look at where no labelled data set is given, and they see
what parity of two runs cannot: a fault that both sides share.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.errors import CatalogueError, IntegrityError
from validation.files.digest import file_sha256
from validation.files.structured import Text, read_toml

DEFAULT_CANARIES = Path(__file__).with_name("canaries") / "canaries.toml"


@dataclass(frozen=True)
class Canary:
    """One image and the object that a detector must find on it.

    Args:
        path: The image file.
        label: Name of the object's class.
        box: (ymin, xmin, ymax, xmax), shares of the image's sides.
        origin: Who made the image.
        licence: Under which it is passed on.
    """

    path: Path
    label: str
    box: tuple[float, float, float, float]
    origin: str
    licence: str


@dataclass(frozen=True)
class _CanaryTable:
    file: Text
    sha256: str
    label: str
    box: tuple[float, float, float, float]
    origin: str
    licence: str


@dataclass(frozen=True)
class _CanaryFile:
    canary: tuple[_CanaryTable, ...]


def load_canaries(path: Path = DEFAULT_CANARIES) -> tuple[Canary, ...]:
    """The canaries of a list, each image's sha256 compared.

    Raises:
        CatalogueError: The list cannot be read or is empty, or an entry is not complete.
        IntegrityError: An image is not the one that the list describes.
    """
    entries = read_toml(path, _CanaryFile).canary
    if not entries:
        raise CatalogueError("the list of canaries has no [[canary]]", where=path.name)
    return tuple(_canary(entry, path.parent) for entry in entries)


def _canary(entry: _CanaryTable, folder: Path) -> Canary:
    image = folder / entry.file
    ymin, xmin, ymax, xmax = entry.box
    if not (0 <= ymin < ymax <= 1 and 0 <= xmin < xmax <= 1):
        raise CatalogueError(
            "a canary's box is not a part of its image",
            expected="ymin, xmin, ymax, xmax from 0 to 1, low before high",
            got=entry.box,
            where=image.name,
        )
    sha256 = file_sha256(image) if image.is_file() else "no file"
    if sha256 != entry.sha256:
        raise IntegrityError(
            "a canary image is not the one described",
            expected=entry.sha256,
            got=sha256,
            where=image.name,
            next_step="install the package again",
        )
    return Canary(image, entry.label, entry.box, entry.origin, entry.licence)
