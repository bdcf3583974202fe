"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from validation.errors import ArtefactError

# What a program may give a new file; mkstemp's own is for its owner alone.
_MODE = 0o644


def write_text_atomic(path: Path, text: str) -> None:
    """`write_whole_bytes` of text in UTF-8."""
    # File names on Linux may hold bytes that are no UTF-8; they are shown escaped.
    write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a file so that its place never holds half of it.

    Raises:
        ArtefactError: The file cannot be written.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.chmod(_MODE)
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ArtefactError(
                "the file cannot be written", got=error.strerror or error, where=path
            ) from error
        raise
