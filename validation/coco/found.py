"""Whether a path is there, of names that any file may hold: overlong ones are not."""

from __future__ import annotations

from pathlib import Path


def is_file(path: Path) -> bool:
    """True for a file; False also where no file system would take such a name."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """True for a folder; False also where no file system would take such a name."""
    try:
        return path.is_dir()
    except OSError:
        return False
