"""Files that users and the network give are opened here: regular ones only, of a bounded size.

A FIFO, a device or a socket instead of a file would be read without end, or waited for. What is
refused is an OSError, so that every reader words it as any other file that cannot be read.
"""

from __future__ import annotations

import enum
import errno
import io
import os
import stat
from pathlib import Path

from validation.files.limits import MIB, file_limits

_AT_A_TIME = 1 << 20
# A FIFO that takes the place of a file between two looks must not be waited for either.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY"))
_SPECIAL = (
    (stat.S_ISFIFO, "a FIFO (named pipe)"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)


class Size(enum.StrEnum):
    """What a file is, for its size: each has a setting of the policy of this name."""

    TEXT = "read_text_mib"
    TABLE = "read_table_mib"
    MODEL = "read_model_mib"
    ARRAYS = "read_arrays_mib"
    IMAGE = "read_image_mib"
    PACK = "pack_mib"

    @property
    def most_bytes(self) -> int:
        """How many are read."""
        return file_limits().size_bytes(self.value)


class RefusedFile(OSError):
    """A file that is not read; `strerror` says why, as a clause."""

    def __str__(self) -> str:
        """Why, without the number that the system gives it."""
        return str(self.strerror)


def check_regular(path: Path) -> None:
    """For readers of other libraries, which open a path themselves.

    Raises:
        OSError: Not there, a folder, or no regular file.
    """
    _require_regular(os.stat(path), path)  # noqa: PTH116 as Path.stat, without a second layer


def special_file(path: Path) -> str:
    """What a path names that is neither a file nor a folder; empty where it is one, or nothing."""
    try:
        check_regular(path)
    except RefusedFile as error:
        return str(error)
    except OSError:
        return ""
    return ""


def open_file(path: Path) -> io.BufferedReader:
    """A regular file, opened for reading its bytes, without a limit on how many.

    Raises:
        OSError: It cannot be read, is a folder, or is no regular file.
    """
    check_regular(path)
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        _require_regular(os.fstat(descriptor), path)
        return open(descriptor, "rb")  # noqa: PTH123 a descriptor has no path
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, size: Size) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: As `open_file`, or it is larger than its kind may be, also while it is read.
    """
    with open_file(path) as stream:
        stated = os.fstat(stream.fileno()).st_size
        require_size(stated, size, path)
        # One more than there are: a file that grows, or states no size, is seen to.
        data = stream.read(stated + 1)
        if len(data) <= stated:
            return data
        parts, total = [data], len(data)
        while part := stream.read(_AT_A_TIME):
            parts.append(part)
            total += len(part)
            require_size(total, size, path)
        return b"".join(parts)


def read_head(path: Path, count: int) -> bytes:
    """The first bytes of a file, fewer where it has fewer.

    Raises:
        OSError: As `open_file`.
    """
    with open_file(path) as stream:
        return stream.read(count)


def read_text(
    path: Path, size: Size = Size.TEXT, *, encoding: str = "utf-8", errors: str = "strict"
) -> str:
    """All text of a file, its lines ending in newlines alone.

    Raises:
        OSError: As `read_bytes`.
        UnicodeError: Another encoding.
    """
    data = io.BytesIO(read_bytes(path, size))
    with io.TextIOWrapper(data, encoding, errors) as stream:
        return stream.read()


def require_size(count: int, size: Size, path: Path | None = None) -> None:
    """Refuse more bytes than a file of a kind may have.

    Raises:
        RefusedFile: There are more.
    """
    if count > size.most_bytes:
        most = size.most_bytes / MIB
        raise RefusedFile(
            errno.EFBIG,
            f"more than {most:,g} MiB (setting {size.value} of the policy)",
            None if path is None else str(path),
        )


def _require_regular(found: os.stat_result, path: Path) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, not a file", str(path))
    kind = next((name for is_kind, name in _SPECIAL if is_kind(found.st_mode)), "a special file")
    raise RefusedFile(errno.EINVAL, f"{kind}, not a regular file", str(path))
