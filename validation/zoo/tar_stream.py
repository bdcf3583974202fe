"""A tar archive of unknown origin, read once within bounds, whatever its headers say."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from validation.errors import ArtefactError, UnsafeArchive
from validation.files.guard import guarded
from validation.files.limits import file_limits
from validation.files.outside import RefusedFile, open_file

_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
# What tarfile reads into memory before it gives a member: its headers, long names, what POSIX adds,
# and the map of a sparse file. The longest path of Linux has 4 kB.
_MOST_HEADER_BYTES = 2**20


class TarMembers:
    """The members of an archive in their order, each to be read before the next one.

    Args:
        tar: Open as a stream.
        stream: The bytes that it reads.
        archive: The file, for messages.
    """

    def __init__(self, tar: tarfile.TarFile, stream: _TarStream, archive: Path) -> None:
        self._tar, self._stream, self._archive = tar, stream, archive

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        """Raises UnsafeArchive beyond as many as an archive may have, or at one too large."""
        most = int(file_limits().archive_members)
        # tarfile has read the first one when it was opened.
        member, count = self._tar.next(), 1
        while member is not None:
            if count > most:
                raise UnsafeArchive(
                    "too many members",
                    expected=f"{most} at most (setting archive_members of the policy)",
                    where=self._archive,
                )
            self._stream.require_room(member)
            yield member
            # What is left of its bytes is no header.
            cast(IO[bytes], self._tar.fileobj).seek(self._tar.offset)
            self._stream.begin_headers()
            member = self._tar.next()
            self._stream.end_headers()
            count += 1

    def content(self, member: tarfile.TarInfo) -> IO[bytes]:
        """The bytes of a regular file, as they are read."""
        return cast(IO[bytes], self._tar.extractfile(member))

    def check_end(self) -> None:
        """After the last member: nothing follows, and nothing is missing; see `_TarStream`."""
        self._stream.check_end(self._tar.offset)


@contextmanager
def opened_tar(archive: Path, limit_bytes: int | None = None) -> Iterator[TarMembers]:
    """A .tar or .tar.gz, its members to be gone through once.

    Args:
        archive: The file.
        limit_bytes: Most bytes that it may unpack to; None: as many as the policy says.

    Raises:
        UnsafeArchive: It unpacks to more, has too many members or a header that is too long.
        ArtefactError: Damaged, cut short, or it cannot be read.
    """
    limits = file_limits()
    most = limits.size_bytes("archive_unpacked_mib") if limit_bytes is None else limit_bytes
    # Two headers, a long name and padding for each member, and the last record.
    overhead = int(limits.archive_members) * 4 * tarfile.BLOCKSIZE + tarfile.RECORDSIZE
    with said_clearly(archive), _decompressed(archive) as content:
        stream = _TarStream(content, archive, most, overhead)
        stream.begin_headers()
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as tar:
            stream.end_headers()
            yield TarMembers(tar, stream, archive)


class _TarStream:
    """The bytes of a tar, counted, so that neither a bomb nor a cut goes unseen.

    tarfile takes a header that it cannot read for the end of the archive. So the end is looked
    at again here: from where tarfile stopped there must be zeros, one block at least.
    """

    def __init__(self, content: IO[bytes], archive: Path, limit_bytes: int, overhead: int) -> None:
        self._content = content
        self._archive = archive
        self._limit_bytes = limit_bytes
        self._overhead = overhead
        self._position = 0
        self._end_of_data = 0
        self._most_position: int | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, as a file's read."""
        chunk = self._content.read(size)
        data_bytes = len(chunk.rstrip(b"\0"))
        if data_bytes:
            self._end_of_data = self._position + data_bytes
        self._position += len(chunk)
        if self._position > self._limit_bytes + self._overhead:
            raise UnsafeArchive(
                "the archive unpacks to more than it may",
                expected=f"{self._limit_bytes} bytes at most",
                where=self._archive,
            )
        if self._most_position is not None and self._position > self._most_position:
            raise UnsafeArchive(
                "a header of the archive is too long",
                expected=f"{_MOST_HEADER_BYTES:,} bytes at most",
                where=self._archive,
            )
        return chunk

    def begin_headers(self) -> None:
        """From here to their end come no more bytes than a member's headers have."""
        self._most_position = self._position + _MOST_HEADER_BYTES

    def end_headers(self) -> None:
        """What follows are a member's bytes."""
        self._most_position = None

    def require_room(self, member: tarfile.TarInfo) -> None:
        """Refuse a member that cannot be whole, by what its header says.

        Before it is read: tarfile would go on for as many blocks, though the file has ended.
        """
        if member.size < 0:
            raise tarfile.ReadError(f"a member of {member.size} bytes")
        if member.size > self._limit_bytes:
            why = f"unpacks to more than {self._limit_bytes} bytes"
            raise unsafe_member(member.name, why, self._archive)

    def check_end(self, offset: int) -> None:
        """Read on to the end, which also compares gzip's checksum."""
        while self.read(_CHUNK_BYTES):
            pass
        if self._end_of_data > offset:
            raise tarfile.ReadError(f"no tar header at byte {offset}")
        if self._position < offset + tarfile.BLOCKSIZE:
            raise EOFError(f"the archive stops at byte {self._position}, without its end mark")


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    with open_file(archive) as raw:
        packed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as content:
            yield cast(IO[bytes], content)


@contextmanager
def said_clearly(archive: Path) -> Iterator[None]:
    """What the readers of archives raise on damaged bytes, which is a lot, as one error."""
    with guarded(
        ArtefactError,
        "the archive is damaged or cut short",
        where=archive,
        next_step="fetch it again",
    ):
        try:
            yield
        except gzip.BadGzipFile:
            raise
        except RefusedFile as error:
            raise ArtefactError("no archive", got=error, where=archive) from error
        except OSError as error:
            # Of reading nothing but a failing disk says this.
            raise ArtefactError(
                "the archive cannot be unpacked",
                got=error.strerror or error,
                where=error.filename or archive,
                next_step="make room for what is in it, or name another folder with --cache-dir",
            ) from error


def unsafe_member(name: str, why: str, archive: Path) -> UnsafeArchive:
    """The error for one member; names can be of any length."""
    return UnsafeArchive(f"unsafe member {name[:200]!r}: {why}", where=archive)
