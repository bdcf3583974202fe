"""The sha256 of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from validation.files.outside import open_file


def file_sha256(path: Path) -> str:
    """Hash of a file's bytes, read piece by piece."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
