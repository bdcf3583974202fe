"""The image files of a folder, found by name or by the name without its ending."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from PIL import Image

from validation.errors import DatasetError
from validation.preprocess.image import images_in

# A tag of EXIF 2.3; images of these orientations are shown with their sides exchanged.
_ORIENTATION = 0x0112
_ON_THEIR_SIDE = range(5, 9)


class ImageNames:
    """The image files of a folder.

    Args:
        folder: May be absent, and then has none.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __bool__(self) -> bool:
        """True where there are any."""
        return bool(self._by_name)

    def all(self) -> tuple[str, ...]:
        """Names, in their order."""
        return tuple(self._by_name)

    def of_name(self, name: str) -> Path | None:
        """The file of a name."""
        return self._by_name.get(name)

    def of_stem(self, stem: str) -> Path | None:
        """The first file of a name without its ending."""
        return self._by_stem.get(stem)

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        if not self.folder.is_dir():
            return {}
        return {each.path.name: each.path for each in images_in(self.folder)}

    @cached_property
    def _by_stem(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in self._by_name.values():
            found.setdefault(path.stem, path)
        return found


def image_ids(texts: Sequence[str]) -> list[int]:
    """The texts as numbers, where all are different whole numbers; else counted from 1."""
    if all(text.isascii() and text.isdigit() and len(text) < 16 for text in texts):
        numbers = [int(text) for text in texts]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(1, len(texts) + 1))


def header_size(path: Path) -> tuple[int, int]:
    """Width and height of an image file, from its header.

    Raises:
        DatasetError: No such image.
    """
    return _read_size(path, upright=False)


def shown_size(path: Path) -> tuple[int, int]:
    """Width and height of an image as viewers show it, which turn it where EXIF says so.

    Raises:
        DatasetError: No such image.
    """
    return _read_size(path, upright=True)


def _read_size(path: Path, *, upright: bool) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            width, height = image.size
            if upright and image.getexif().get(_ORIENTATION) in _ON_THEIR_SIDE:
                return height, width
            return width, height
    except FileNotFoundError as error:
        raise DatasetError("an annotated image is missing", where=path) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DatasetError("the image cannot be read", got=error, where=path) from error
