"""Files and folders being made: names that cannot be guessed, and what killed runs left.

What is being made lies beside its place as ``.NAME.<16 hexadecimal digits>.part``, and its maker
holds a lock on it (flock) as long as it lives. The kernel gives the lock back however the maker
ends, so whoever gets the lock of such a file knows that it is a leftover and may remove it.
Process ids do not decide, because they are given again and mean nothing in another container; nor
does age, because a conversion may take hours. Only what the same user made is removed, and on a
file system without locks nothing is.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

_PART = re.compile(r"\..*\.[0-9a-f]{16}\.part", re.DOTALL)
_TOKEN_BYTES = 8
# Of the name, in bytes: with dots, token and suffix it stays below the 255 of file systems.
_MOST_OF_NAME = 200
# A sweeper that meets a file between its making and its lock takes it, which is rare.
_TRIES = 20

# What a program may give a new file or folder, before the user's umask.
FILE_MODE, PRIVATE_MODE, _FOLDER_MODE, _PRIVATE_FOLDER_MODE = 0o666, 0o600, 0o777, 0o700


def new_file(target: Path, mode: int = FILE_MODE) -> tuple[Path, int]:
    """An empty file beside ``target``, and its descriptor, whose closing gives it up.

    Leftovers in the folder are removed before the first one that this process makes there.

    Raises:
        OSError: It cannot be made.
    """
    _sweep_once(target.parent.absolute())
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    return _made(target, lambda path: os.open(path, flags, mode))


def new_folder(target: Path, *, private: bool = False) -> tuple[Path, int]:
    """An empty folder beside ``target``, and its descriptor; see `new_file`."""
    _sweep_once(target.parent.absolute())

    def make(path: Path) -> int:
        path.mkdir(_PRIVATE_FOLDER_MODE if private else _FOLDER_MODE)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    return _made(target, make)


def sweep(folder: Path) -> None:
    """Remove what killed processes of this user were making in a folder; never fails."""
    try:
        with os.scandir(folder) as entries:
            left = [Path(each.path) for each in entries if _PART.fullmatch(each.name)]
    except OSError:
        return
    for path in left:
        _remove_leftover(path)


@functools.cache
def _sweep_once(folder: Path) -> None:
    """A folder is listed once: for each of many files that would take longer than to write it."""
    sweep(folder)


def _made(target: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    name = os.fsdecode(os.fsencode(target.name)[:_MOST_OF_NAME])
    refused: OSError | None = None
    for _ in range(_TRIES):
        path = target.with_name(f".{name}.{secrets.token_hex(_TOKEN_BYTES)}.part")
        try:
            handle = make(path)
        except (FileExistsError, FileNotFoundError) as error:
            # Taken, or swept between its making and its opening; or there is no such folder.
            refused = error
            continue
        if _held(handle, path):
            return path, handle
        os.close(handle)
    raise refused or OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(target))


def _held(handle: int, path: Path) -> bool:
    """Take the lock; False where the file was swept before that."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here, so nothing is swept either
        return True
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _remove_leftover(path: Path) -> None:
    try:
        # A link is not followed, and a pipe of such a name not waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        stack.callback(os.close, handle)
        about = os.fstat(handle)
        if about.st_uid != os.geteuid():
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(about.st_mode):
            shutil.rmtree(path, ignore_errors=True)
        elif stat.S_ISREG(about.st_mode):
            path.unlink()
