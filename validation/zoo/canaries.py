"""Canary images: one object of known class and place on each.

They are what a run has to look at where no labelled data set is given, and they see
what parity of two runs cannot: a fault that both sides share.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import CatalogueError, IntegrityError

DEFAULT_CANARIES = Path(__file__).with_name("canaries") / "canaries.toml"

_KEYS = {"file", "sha256", "label", "box", "origin", "licence"}


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


def load_canaries(path: Path = DEFAULT_CANARIES) -> tuple[Canary, ...]:
    """The canaries of a list, each image's sha256 compared.

    Raises:
        CatalogueError: The list cannot be read or is empty, or an entry is not complete.
        IntegrityError: An image is not the one that the list describes.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["canary"]
    except (OSError, KeyError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(
            "the list of canaries cannot be read", got=repr(error), where=path.name
        ) from error
    if not isinstance(entries, list) or not entries:
        raise CatalogueError("the list of canaries has no [[canary]]", where=path.name)
    return tuple(_canary(entry, path) for entry in entries)


def _canary(entry: object, path: Path) -> Canary:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise CatalogueError(
            "a canary needs exactly its keys",
            expected=", ".join(sorted(_KEYS)),
            got=", ".join(sorted(entry)) if isinstance(entry, dict) else repr(entry),
            where=path.name,
        )
    image = path.parent / str(entry["file"])
    box = _box(entry["box"], image.name)
    found = hashlib.sha256(image.read_bytes()).hexdigest() if image.is_file() else "no file"
    if found != entry["sha256"]:
        raise IntegrityError(
            "a canary image is not the one described",
            expected=entry["sha256"],
            got=found,
            where=image.name,
            next_step="install the package again",
        )
    return Canary(image, str(entry["label"]), box, str(entry["origin"]), str(entry["licence"]))


def _box(sides: Any, where: str) -> tuple[float, float, float, float]:
    try:
        ymin, xmin, ymax, xmax = (float(side) for side in sides)
    except (TypeError, ValueError) as error:
        raise CatalogueError(
            "a canary's box has four sides", got=repr(sides), where=where
        ) from error
    # NaN fails every comparison.
    if not (0 <= ymin < ymax <= 1 and 0 <= xmin < xmax <= 1):
        raise CatalogueError(
            "a canary's box is not a part of its image",
            expected="ymin, xmin, ymax, xmax from 0 to 1, low before high",
            got=sides,
            where=where,
        )
    return ymin, xmin, ymax, xmax
