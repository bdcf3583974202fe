"""What a folder held when it was made, and whether it still does.

A manifest has a line for each file: sha256, size in bytes and name, as `sha256sum` has them with
the size between.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from validation.files.atomic import atomic_file
from validation.files.digest import hash_and_size


@dataclass(frozen=True)
class ListedFile:
    """One file of a folder.

    Args:
        name: Path below the folder, with slashes.
        sha256: Of its bytes.
        size_bytes: Their number.
    """

    name: str
    sha256: str
    size_bytes: int


def listed(folder: Path) -> tuple[ListedFile, ...]:
    """The files of a folder and of those below it, by name.

    Raises:
        OSError: A file cannot be read.
    """
    return tuple(ListedFile(name, *hash_and_size(folder / name)) for name in sorted(_names(folder)))


def write_manifest(path: Path, files: Iterable[ListedFile]) -> None:
    """Write the manifest of a folder, whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    lines = [f"{file.sha256} {file.size_bytes} {file.name}\n" for file in files]
    with atomic_file(path) as stream:
        stream.write("".join(lines).encode())


def read_manifest(path: Path) -> tuple[ListedFile, ...] | None:
    """What a manifest lists; None where there is none, or it lists nothing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        parts = [line.split(" ", 2) for line in lines]
        files = tuple(ListedFile(name, sha, int(size)) for sha, size, name in parts)
    except (OSError, ValueError):
        return None
    return files or None


def first_difference(
    folder: Path, files: Collection[ListedFile], besides: Collection[str] = ()
) -> str:
    """Name of the first file that is missing, is another one or is not listed; empty if none is.

    Args:
        folder: As it is now.
        files: As they were.
        besides: Names that are not listed and may be there.
    """
    names = set(_names(folder)) - set(besides)
    expected = {file.name: file for file in files}
    others = sorted(names ^ expected.keys())
    return next(iter(others), "") or next(
        (file.name for file in files if _differs(folder, file)), ""
    )


def _differs(folder: Path, file: ListedFile) -> bool:
    path = folder / file.name
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size != file.size_bytes:
            return True
        return hash_and_size(path) != (file.sha256, file.size_bytes)
    except OSError:
        return True


def _names(folder: Path) -> list[str]:
    """Of everything that is no folder, links to folders too."""
    found = []
    for inner, folders, files in os.walk(folder):
        links = [name for name in folders if Path(inner, name).is_symlink()]
        found += [Path(inner, name).relative_to(folder).as_posix() for name in [*files, *links]]
    return found
