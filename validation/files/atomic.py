"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from validation.errors import ArtefactError

# What a program may give a new file or folder; those of tempfile are for their owner alone.
_MODE = 0o644
_FOLDER_MODE = 0o755


def write_text_atomic(path: Path, text: str) -> None:
    """`write_bytes_atomic` of text in UTF-8."""
    # File names on Linux may hold bytes that are not UTF-8; they are shown escaped.
    write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def write_bytes_atomic(path: Path, data: bytes, *, make_folder: bool = False) -> None:
    """Write a file so that its path never holds half of it.

    Args:
        path: The file.
        data: Its content.
        make_folder: Make its folder where it is not there.

    Raises:
        ArtefactError: The file cannot be written, or its folder not be made.
    """
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(
            "the folder cannot be made", got=error.strerror, where=path.parent
        ) from error
    try:
        with atomic_file(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        raise ArtefactError(
            "the file cannot be written", got=error.strerror or error, where=path
        ) from error


def write_new_bytes(path: Path, data: bytes) -> None:
    """`write_bytes_atomic` of a file that must not be there yet.

    Raises:
        ArtefactError: There is a file, or it cannot be written.
    """
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), _MODE)
        # Unlike a renaming, a link never takes the place of another file.
        os.link(name, path)
    except FileExistsError as error:
        raise ArtefactError(
            "there is such a file, and it is never overwritten", where=path
        ) from error
    except OSError as error:
        raise ArtefactError(
            "the file cannot be written", got=error.strerror or error, where=path
        ) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """An empty file in the same folder, which replaces ``path`` when the block ends.

    On an error it is removed, and what was at ``path`` stays.

    Raises:
        OSError: The file cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder(destination: Path) -> Iterator[Path]:
    """An empty folder beside ``destination``, gone when the block ends.

    What is to stay is moved out of it, or it is itself renamed, as the block's last step: one
    file system, so that the move happens wholly or not at all. One process at a time: the name
    is always the same, so that what a killed process left behind is removed by the next one.

    Raises:
        OSError: The folder cannot be made.
    """
    folder = destination.with_name(f".{destination.name}.part")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def atomic_folder(destination: Path) -> Iterator[Path]:
    """An empty folder that becomes ``destination`` when the block ends, and is gone on an error.

    Needs no lock: of two processes with one destination, the later one's rename is refused.

    Raises:
        OSError: The folder cannot be made, or the destination exists and is not empty.
    """
    name = tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent)
    folder = Path(name)
    try:
        yield folder
        folder.chmod(_FOLDER_MODE)
        folder.rename(destination)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
