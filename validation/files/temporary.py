"""Temporary folders that go with their process, or with the next run where it was killed.

Each holds a file that its process has locked. The system unlocks it when the process ends,
however that ends, so that a folder whose file is free belongs to nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from validation.errors import ArtefactError

_PREFIX = "validation-"
_OWNER = "owner"
# A folder without that file is of a process that is just making it, or was killed doing so.
_UNOWNED_SECONDS = 3600

_OWNED: dict[Path, int] = {}


def temporary_folder() -> Path:
    """A new folder of this process, which `remove_folder` removes.

    Raises:
        ArtefactError: The system's folder for temporary files cannot be written.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Under another name first: the file is never there without its lock.
        unnamed = folder / f".{_OWNER}"
        handle = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        unnamed.rename(folder / _OWNER)
    except OSError as error:
        raise ArtefactError(
            "no temporary folder can be made",
            got=error.strerror or error,
            where=os.environ.get("TMPDIR") or error.filename,
            next_step="name a folder with room in the environment variable TMPDIR",
        ) from error
    _OWNED[folder] = handle
    return folder


def remove_folder(folder: Path) -> None:
    """Remove one that `temporary_folder` made; gone already is as well."""
    shutil.rmtree(folder, ignore_errors=True)
    handle = _OWNED.pop(folder, None)
    if handle is not None:
        os.close(handle)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, removed when the block ends.

    Raises:
        ArtefactError: It cannot be made.
    """
    folder = temporary_folder()
    try:
        yield folder
    finally:
        remove_folder(folder)


def use_for_temporary_files(folder: Path) -> None:
    """Let whatever this process and those below it make for a while lie in a folder."""
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)


def sweep() -> None:
    """Remove the temporary folders of this user whose processes have ended."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                if not folder.is_symlink() and folder.is_dir() and _is_own(folder):
                    _sweep_one(folder)


def _is_own(folder: Path) -> bool:
    return folder.lstat().st_uid == os.geteuid()


def _sweep_one(folder: Path) -> None:
    try:
        handle = os.open(folder / _OWNER, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if time.time() - folder.stat().st_mtime > _UNOWNED_SECONDS:
            (folder / f".{_OWNER}").unlink(missing_ok=True)
            # Refused where anything else is in it: that is of another program.
            folder.rmdir()
        return
    try:
        # Refused with BlockingIOError while the process lives.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
