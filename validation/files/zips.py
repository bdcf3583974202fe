"""ZIP archives of unknown origin: a list of members that is read is bounded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO, Any, cast

from validation.files.outside import open_file

# Of wheels of some thousand files it has half a megabyte.
_MOST_DIRECTORY_BYTES = 8 << 20


class _Bounded:
    """A stream that gives no more at once than the list of members may have.

    Args:
        stream: Read from any place.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.is_bounded = True

    def read(self, size: int = -1) -> bytes:
        """As a file's read."""
        if self.is_bounded and size > _MOST_DIRECTORY_BYTES:
            raise ValueError(f"a list of members of {size:,} bytes")
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def open_zip(source: Path | bytes) -> zipfile.ZipFile:
    """An archive whose list of members has been read; a context manager.

    Raises:
        OSError, zipfile.BadZipFile, ValueError: None, a damaged one, or one of too many members.
    """
    stream = open_file(source) if isinstance(source, Path) else io.BytesIO(source)
    bounded = _Bounded(stream)
    try:
        archive = _Archive(cast(IO[bytes], bounded))
    except BaseException:
        stream.close()
        raise
    bounded.is_bounded = False
    return archive


class _Archive(zipfile.ZipFile):
    """One that closes what it reads, as a ZipFile of a path does."""

    def close(self) -> None:
        """Close both."""
        stream = self.fp
        super().close()
        if stream is not None:
            stream.close()
