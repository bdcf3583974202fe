"""Hashes of files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from validation.files.outside import open_file


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes."""
    return hash_and_size(path)[0]


def hash_and_size(path: Path, algorithm: str = "sha256") -> tuple[str, int]:
    """Hash of a file's bytes in hexadecimal digits, and how many there are; read piece by piece.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, algorithm).hexdigest(), file.tell()
