"""What stands where a file is to be written, and how it is written there."""

from __future__ import annotations

import errno
import os
import re
import select
import stat
from collections.abc import Iterable
from pathlib import Path

from validation.errors import ArtefactError

# Where the kernel lists the open files of a process: /dev/stdout and /dev/fd lead there.
_OPEN_FILES = re.compile(r"/proc/(?P<process>[0-9]+)(/task/[0-9]+)?/fd")
_MOST_LINKS = 40
# What to do where the system refuses to write.
ANOTHER = "make room, or name another place"

_REFUSED = {
    stat.S_IFDIR: "a folder",
    stat.S_IFBLK: "a disk",
    stat.S_IFSOCK: "a socket",
}


def open_through(path: Path) -> int | None:
    """The descriptor of what can only be written through; None for what a new file replaces.

    Devices such as /dev/null, pipes, and this process's own descriptors (/dev/stdout, /dev/fd/3)
    are written through. A file is replaced, and so is a link to one or to nothing: what a link
    leads to may be another user's choice, and is left as it is.

    Raises:
        ArtefactError: A folder, a disk, a socket, or a pipe that nobody reads.
        OSError: It cannot be opened.
    """
    own = _own_descriptor(path)
    if own is not None:
        return os.dup(own)
    kind = _kind(path)
    if kind == stat.S_IFCHR:
        return os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
    if kind != stat.S_IFIFO:
        return None
    try:
        # To wait for a reader that never comes would be without end.
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise ArtefactError(
            "nobody reads from the pipe",
            where=path,
            next_step="start the program that reads from it first",
        ) from error
    os.set_blocking(handle, True)
    return handle


def require_writable(path: Path) -> None:
    """Refuse early what could not be written at the end of long work.

    Raises:
        ArtefactError: See `open_through`; or the folder is none, or may not be written to.
    """
    if _own_descriptor(path) is not None or _kind(path) in (stat.S_IFCHR, stat.S_IFIFO):
        return
    _require_room("the file cannot be written", path, path.absolute().parents)


def require_writable_folder(path: Path) -> None:
    """`require_writable` of a folder that files are written into.

    Raises:
        ArtefactError: It is no folder, cannot be made, or may not be written to.
    """
    path = path.absolute()
    _require_room("the folder cannot be written", path, (path, *path.parents))


def written_bytes(path: Path) -> int | None:
    """Size of a file that was written; None for what was written through."""
    return path.stat().st_size if _own_descriptor(path) is None and path.is_file() else None


def _require_room(what: str, path: Path, folders: Iterable[Path]) -> None:
    """Refuse where the nearest folder that is there takes no files."""
    nearest = next(each for each in folders if os.path.lexists(each))
    if not nearest.is_dir():
        raise ArtefactError(what, got=os.strerror(errno.ENOTDIR), where=path, next_step=ANOTHER)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ArtefactError(what, got=os.strerror(errno.EACCES), where=path, next_step=ANOTHER)


def is_standard_output(path: Path) -> bool:
    """True for /dev/stdout and its other names: what a command prints would be mixed with it."""
    return _own_descriptor(path) == 1


def _kind(path: Path) -> int | None:
    """The type of what is there, links followed; None where nothing is."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError:  # also a link to nothing or in a ring; what else is wrong, writing finds
        kind = None
    if kind in _REFUSED:
        raise ArtefactError(
            "the file cannot be written",
            expected="a new file, or one to replace",
            got=_REFUSED[kind],
            where=path,
            next_step="name a file",
        )
    return kind


def _own_descriptor(path: Path) -> int | None:
    """The number of this process's open file that a path means; None for any other path."""
    for _ in range(_MOST_LINKS):
        found = _OPEN_FILES.fullmatch(os.path.realpath(path.parent))
        if found and path.name.isdecimal():
            return int(path.name) if int(found["process"]) == os.getpid() else None
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def write_whole(handle: int, data: bytes | memoryview) -> None:
    """Write all of the data to a descriptor.

    Raises:
        OSError: It takes no more.
    """
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(handle, left) :]
        except BlockingIOError:  # another program has set it not to wait
            select.select([], [handle], [])
