"""The image files of a folder, found by name or by the name without its ending."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from validation.coco.found import is_folder
from validation.coco.image_folder import plain_name
from validation.preprocess.image import images_in


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
        """The first file of a name without its ending, maybe of other case or accents."""
        return self._by_stem.get(stem) or self._by_plain_stem.get(plain_name(stem))

    @cached_property
    def _by_name(self) -> dict[str, Path]:
        if not is_folder(self.folder):
            return {}
        return {each.path.name: each.path for each in images_in(self.folder)}

    @cached_property
    def _by_stem(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in self._by_name.values():
            found.setdefault(path.stem, path)
        return found

    @cached_property
    def _by_plain_stem(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for stem, path in self._by_stem.items():
            found.setdefault(plain_name(stem), path)
        return found


def image_ids(texts: Sequence[str]) -> list[int]:
    """The texts as numbers, where all are different whole numbers; else counted from 1."""
    if all(text.isascii() and text.isdigit() and len(text) < 16 for text in texts):
        numbers = [int(text) for text in texts]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(1, len(texts) + 1))
