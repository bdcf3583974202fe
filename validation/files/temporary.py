"""Temporary folders, removed with their process, or by the next run where it was killed.

Locks distinguish them from those of running processes, see `validation.files.temporaries`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from validation.errors import ArtefactError
from validation.files import temporaries

_NAME = "validation"

# Process and descriptor of each: one that is forked meanwhile ends without removing it.
_OWNED: dict[Path, tuple[int, int]] = {}


def temporary_folder() -> Path:
    """A new folder of this process, for its user alone, which `remove_folder` removes.

    Raises:
        ArtefactError: The system's folder for temporary files cannot be written.
    """
    try:
        place = Path(tempfile.gettempdir())
        folder, handle = temporaries.new_folder(place / _NAME, private=True)
    except OSError as error:
        raise ArtefactError(
            "no temporary folder can be made",
            got=error.strerror or error,
            where=os.environ.get("TMPDIR") or error.filename,
            next_step="name a folder with room in the environment variable TMPDIR",
        ) from error
    _OWNED[folder] = os.getpid(), handle
    return folder


def remove_folder(folder: Path) -> None:
    """Remove one that `temporary_folder` made; gone already is as well."""
    process, handle = _OWNED.pop(folder, (0, -1))
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
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


def folder_to_keep() -> Path:
    """A new folder among the system's temporary ones that no sweep takes.

    Raises:
        OSError: It cannot be made.
    """
    return Path(tempfile.mkdtemp(prefix="report-"))


def use_for_temporary_files(folder: Path) -> None:
    """Let whatever this process and those below it make for a while lie in a folder."""
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)


def sweep() -> None:
    """Remove the temporary folders of this user whose processes have ended."""
    temporaries.sweep(Path(tempfile.gettempdir()))


def name_by_process() -> None:
    """Let names of what libraries make for a while in this process begin with its number."""
    tempfile.template = _of_process(os.getpid())


def remove_of(process: int) -> None:
    """Remove what a process left that has ended, its libraries' files too; never fails.

    Args:
        process: It called `name_by_process`.
    """
    sweep()
    with contextlib.suppress(OSError):
        for path in Path(tempfile.gettempdir()).glob(f"{_of_process(process)}*"):
            with contextlib.suppress(OSError):
                _remove_own(path)


def _remove_own(path: Path) -> None:
    about = path.lstat()
    # Others may write there too.
    if about.st_uid != os.geteuid():
        return
    if stat.S_ISDIR(about.st_mode):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def _of_process(process: int) -> str:
    return f"{_NAME}-{process}-"
