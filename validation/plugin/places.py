"""The folders that a session writes into, tried before anything is run."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation.errors import UsageError
from validation.files.temporaries import new_file
from validation.files.temporary import sweep
from validation.plugin.state import session_state
from validation.zoo.cache import default_cache_dir

# Enough to need a block of the disk, whatever its size.
_TRIED_BYTES = 65536
_MIB = 2**20


def require_writable(folder: Path, what: str, option: str) -> None:
    """See that files can be made in a folder; what is made for that is removed again.

    Args:
        folder: It may have to be made, with those above it.
        what: It is, for people: ``report folder``.
        option: That names another.

    Raises:
        UsageError: No folder, not to be written, or no room.
    """
    missing = [each for each in (folder, *folder.parents) if not _is_there(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path, handle = new_file(folder / "try")
        with os.fdopen(handle, "wb") as file:
            try:
                file.write(bytes(_TRIED_BYTES))
                file.flush()
                os.fsync(file.fileno())
            finally:
                path.unlink()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the {what} cannot be written",
            got=_why(folder, error),
            where=folder,
            next_step=f"name another with {option}",
        ) from error
    finally:
        for each in missing:
            with contextlib.suppress(OSError, ValueError):
                each.rmdir()


def require_room(folder: Path, what: str, option: str, room_mib: float) -> None:
    """See that a folder has room.

    Args:
        folder: It, or the nearest one above it that is there, is looked at.
        what: As for `require_writable`.
        option: Alike.
        room_mib: At least, in MiB.

    Raises:
        UsageError: There is less.
    """
    folder = folder.absolute()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(nearest).free
    if free < room_mib * _MIB:
        raise UsageError(
            f"the {what} has no room",
            expected=f"{room_mib:g} MiB at least",
            got=f"{free / _MIB:.1f} MiB",
            where=folder,
            next_step=f"free some, or name another with {option}",
        )


@contextlib.contextmanager
def places_tried(config: pytest.Config) -> Iterator[None]:
    """Try the folders of a session that is to run checks, around what resolves its options.

    Raises:
        UsageError: A folder cannot be written, or has no room.
    """
    # A worker of pytest-xdist is started by a process that has tried them.
    if config.option.collectonly or hasattr(config, "workerinput"):
        yield
        return
    sweep()
    reports = config.getoption("--report-dir")
    require_writable(reports, "report folder", "--report-dir")
    cache = config.getoption("--cache-dir") or default_cache_dir()
    require_writable(cache, "cache folder", "--cache-dir")
    yield
    room = session_state(config).policy.setting("report_room_mib")
    require_room(reports, "report folder", "--report-dir", room)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return True


def _why(folder: Path, error: Exception) -> str:
    above = (
        next((each for each in (folder, *folder.parents) if each.exists()), None)
        if isinstance(error, FileExistsError | NotADirectoryError)
        else None
    )
    if above is not None and not above.is_dir():
        return f"{above} is no folder"
    return getattr(error, "strerror", None) or str(error)
