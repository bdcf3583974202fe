"""An image folder, whose files are found under the names that other machines gave them."""

from __future__ import annotations

import os
import re
import unicodedata
from functools import cached_property
from pathlib import Path

from validation.coco.found import is_file
from validation.record.dataset_notices import DatasetNoticeKind as Kind

# Both kinds of path separators: annotations travel between systems.
_PARTS = re.compile(r"[\\/]+")


class ImageFolder:
    """An image folder, and its files under other spellings once one of them is asked for.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """All files below the folder by their name without case and kind of accents."""
        found: dict[str, list[Path]] = {}
        for root, folders, names in os.walk(self.path):
            folders.sort()
            for name in sorted(names):
                found.setdefault(plain_name(name), []).append(Path(root, name))
        return found

    def find(self, name: str) -> tuple[Path | None, Kind | None]:
        """The file of an annotated name, and what had to be assumed to find it."""
        # An absolute path is that of the machine the images were annotated on.
        if not os.path.isabs(name) and is_file(path := self.path / name):  # noqa: PTH117 faster
            return path, None
        parts = [part for part in _PARTS.split(name) if part not in ("", ".")]
        for first in range(len(parts)):
            path = self.path.joinpath(*parts[first:])
            if ".." not in parts[first:] and is_file(path):
                return path, Kind.FILE_BY_LAST_NAME
        alike = self.files.get(plain_name(parts[-1]), []) if parts else []
        if len(alike) != 1:
            return None, None
        same = alike[0].name == parts[-1]
        return alike[0], Kind.FILE_BY_LAST_NAME if same else Kind.FILE_BY_OTHER_SPELLING


def plain_name(name: str) -> str:
    """Systems differ in case, and in whether an accent is a character of its own."""
    return unicodedata.normalize("NFC", name).casefold()
