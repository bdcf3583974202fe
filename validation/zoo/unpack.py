"""Archives unpacked so that nothing lands elsewhere, leads out, or fills the disk."""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from validation.errors import ArtefactError, UnsafeArchive
from validation.kinds.kind import Kind, Wanted
from validation.kinds.recognition import recognise_alone
from validation.kinds.refusal import refusal
from validation.zoo.integrity import Digest, verify_file

# For archives that declare no size: several times what an SSD archive of the TF1 zoo needs,
# and little enough that a bomb (gzip packs zeros 1000 to 1) does not fill a disk.
DEFAULT_UNPACKED_BYTES = 2**30
# An archive of the zoo has about ten files. Empty files cost no bytes; only this stops them.
MOST_MEMBERS = 10_000
# Of the tar stream besides the bytes of files: two headers, a long name and padding for each
# member, and the last record. Headers are read into memory, so they are bounded as well.
_OVERHEAD_BYTES = MOST_MEMBERS * 4 * tarfile.BLOCKSIZE + tarfile.RECORDSIZE

_CHUNK_BYTES = 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_DRIVE = re.compile("[A-Za-z]:")


@dataclass(frozen=True)
class UnpackedFile:
    """One file that was written.

    Args:
        name: Path below the folder, with slashes.
        digest: Size and sha256 of the bytes written.
    """

    name: str
    digest: Digest


def unpack_tar(archive: Path, folder: Path, *, limit_bytes: int) -> tuple[UnpackedFile, ...]:
    """Write the files of a .tar or .tar.gz into an empty folder.

    Only plain files are written, never a link, so no member can be written through another. A
    link that leads to a file of the archive becomes a copy of it.

    Args:
        archive: The tar file, already verified.
        folder: Empty folder; after an error the caller throws it away.
        limit_bytes: Most bytes to write, counted as they are written, whatever headers say.

    Returns:
        The files written, by name.

    Raises:
        UnsafeArchive: A name or link that leads out, a device, a name twice, or too much.
        ArtefactError: Of another kind, damaged or cut short, or the folder cannot be written.
    """
    found = recognise_alone(archive)
    if found.kind not in (Kind.TAR, Kind.UNKNOWN, Kind.TEXT):
        raise refusal(found, Wanted.ARCHIVE, where=archive)
    writer = _Writer(archive, folder, limit_bytes)
    links: dict[str, str] = {}
    with _said_clearly(archive), _decompressed(archive) as content:
        stream = _TarStream(content, archive, limit_bytes)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as tar:
            for count, member in enumerate(tar, 1):
                if count > MOST_MEMBERS:
                    raise UnsafeArchive(
                        "too many members", expected=f"{MOST_MEMBERS} at most", where=archive
                    )
                name = _safe_name(member.name, archive)
                if member.isdir():
                    writer.claim_folder(name)
                elif member.isreg():
                    writer.write(name, cast(IO[bytes], tar.extractfile(member)))
                elif member.issym() or member.islnk():
                    writer.claim_file(name)
                    links[name] = _link_target(member, name, archive)
                else:
                    raise _unsafe(member.name, "no file, folder or link", archive)
            stream.check_end(tar.offset)
        for name in links:
            writer.copy(_followed(name, links, writer.files, archive), name)
    return tuple(sorted(writer.files.values(), key=lambda file: file.name))


def unpack_wheel_member(
    wheel: Path, member: str, folder: Path, *, expected: Digest
) -> tuple[UnpackedFile, ...]:
    """Write one file of a wheel into an empty folder, under its last name.

    Args:
        wheel: The wheel, already verified.
        member: Path inside the wheel.
        folder: Empty folder; after an error the caller throws it away.
        expected: Size and sha256 of the member.

    Returns:
        The one file.

    Raises:
        IntegrityError: The member is another file.
        UnsafeArchive: It unpacks to more than its size.
        ArtefactError: No such member, or the wheel is damaged.
    """
    writer = _Writer(wheel, folder, expected.size_bytes)
    name = member.rsplit("/", 1)[-1]
    with _said_clearly(wheel), zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise ArtefactError("the wheel lacks a file", expected=member, where=wheel)
        with archive.open(member) as content:
            writer.write(name, content)
    verify_file(
        folder / name,
        expected,
        what=f"{member} of {wheel.name}",
        next_step="the catalogue's entry is wrong: its wheel is right, its member is not",
    )
    return tuple(writer.files.values())


class _Writer:
    """Writes files below one folder, each name once, and counts every byte."""

    def __init__(self, archive: Path, folder: Path, limit_bytes: int) -> None:
        self.files: dict[str, UnpackedFile] = {}
        self._archive = archive
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes
        self._is_folder: dict[str, bool] = {}

    def claim_folder(self, name: str) -> None:
        """Make a folder and those above it; twice is harmless."""
        parts = name.split("/") if name else []
        for depth in range(1, len(parts) + 1):
            above = "/".join(parts[:depth])
            if not self._is_folder.setdefault(above, True):
                raise _unsafe(name, f"below {above!r}, which is a file", self._archive)
        (self._folder / name).mkdir(parents=True, exist_ok=True)

    def claim_file(self, name: str) -> None:
        """Take a name that nothing else has."""
        if not name:
            raise _unsafe(name, "a file without a name", self._archive)
        self.claim_folder(name.rpartition("/")[0])
        if name in self._is_folder:
            raise _unsafe(name, "the name is there twice", self._archive)
        self._is_folder[name] = False

    def write(self, name: str, content: IO[bytes]) -> None:
        """Write one file under a name that nothing else has."""
        self.claim_file(name)
        self._fill(name, content)

    def copy(self, source: str, name: str) -> None:
        """Write a file again under a name already taken."""
        with (self._folder / source).open("rb") as content:
            self._fill(name, content)

    def _fill(self, name: str, content: IO[bytes]) -> None:
        sha256 = hashlib.sha256()
        before = self._left_bytes
        with (self._folder / name).open("xb") as target:
            while chunk := content.read(min(_CHUNK_BYTES, self._left_bytes + 1)):
                if len(chunk) > self._left_bytes:
                    raise _unsafe(
                        name, f"unpacks to more than {self._limit_bytes} bytes", self._archive
                    )
                self._left_bytes -= len(chunk)
                sha256.update(chunk)
                target.write(chunk)
        digest = Digest(sha256.hexdigest(), before - self._left_bytes)
        self.files[name] = UnpackedFile(name, digest)


class _TarStream:
    """The bytes of a tar, counted, so that neither a bomb nor a cut goes unseen.

    tarfile takes a header that it cannot read for the end of the archive. So the end is looked
    at again here: from where tarfile stopped there must be zeros, one block at least.
    """

    def __init__(self, content: IO[bytes], archive: Path, limit_bytes: int) -> None:
        self._content = content
        self._archive = archive
        self._limit_bytes = limit_bytes
        self._position = 0
        self._end_of_data = 0

    def read(self, size: int) -> bytes:
        """The next bytes, as a file's read."""
        chunk = self._content.read(size)
        data_bytes = len(chunk.rstrip(b"\0"))
        if data_bytes:
            self._end_of_data = self._position + data_bytes
        self._position += len(chunk)
        if self._position > self._limit_bytes + _OVERHEAD_BYTES:
            raise UnsafeArchive(
                "the archive unpacks to more than it may",
                expected=f"{self._limit_bytes} bytes at most",
                where=self._archive,
            )
        return chunk

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
    with archive.open("rb") as raw:
        packed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as content:
            yield cast(IO[bytes], content)


@contextmanager
def _said_clearly(archive: Path) -> Iterator[None]:
    """What the readers of archives raise on damaged bytes, which is a lot, as one error."""
    try:
        yield
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        zlib.error,
        gzip.BadGzipFile,
        EOFError,
        ValueError,
        OverflowError,
        RuntimeError,
    ) as error:
        raise ArtefactError(
            "the archive is damaged or cut short",
            got=error,
            where=archive,
            next_step="fetch it again",
        ) from error
    except OSError as error:
        # Of reading nothing but a failing disk says this.
        raise ArtefactError(
            "the archive cannot be unpacked",
            got=error.strerror or error,
            where=error.filename or archive,
            next_step="make room for what is in it, or name another folder with --cache-dir",
        ) from error


def _safe_name(name: str, archive: Path) -> str:
    """The name below the folder, without empty parts; empty for the folder itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        raise _unsafe(name, "an absolute path", archive)
    if ".." in parts:
        raise _unsafe(name, "a path with ..", archive)
    if "\\" in name or any(_DRIVE.match(part) for part in parts):
        raise _unsafe(name, "a backslash or drive letter", archive)
    if not name.isprintable():
        raise _unsafe(name, "a character that cannot be printed", archive)
    return "/".join(parts)


def _link_target(member: tarfile.TarInfo, name: str, archive: Path) -> str:
    """The name that a link leads to. No folder is a link here, so text alone decides.

    A symbolic link starts at its own folder, a hard link at the top of the archive.
    """
    start = name.split("/")[:-1] if member.issym() else []
    parts: list[str] = []
    if member.linkname.startswith("/"):
        raise _unsafe(name, f"a link to the absolute path {member.linkname!r}", archive)
    for part in [*start, *member.linkname.split("/")]:
        if part == ".." and not parts:
            raise _unsafe(name, f"a link out of the archive, to {member.linkname!r}", archive)
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _followed(
    name: str, links: Mapping[str, str], files: Mapping[str, UnpackedFile], archive: Path
) -> str:
    """The file at the end of a chain of links."""
    target = name
    for _ in links:
        target = links[target]
        if target in files and target not in links:
            return target
        if target not in links:
            break
    raise _unsafe(name, f"a link to {links[name]!r}, which is not a file of the archive", archive)


def _unsafe(name: str, why: str, archive: Path) -> UnsafeArchive:
    return UnsafeArchive(f"unsafe member {name[:200]!r}: {why}", where=archive)
