"""A pack of unknown origin: read within bounds, and whole or not at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import (
    ArtefactError,
    ArtefactMissing,
    IntegrityError,
    RecordVersionError,
    UnsafeArchive,
)
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes, require_size
from validation.files.structured import refuse_constant, structure
from validation.files.zips import open_zip
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.packs.manifest import MANIFEST_NAME, PACK_VERSION, PackedRole, PackManifest
from validation.packs.writing import NAMES

_NEXT = "take the pack from the run's folder again"


@dataclass(frozen=True)
class Pack:
    """A failing case.

    Args:
        manifest: What it says of itself.
        members: Content by role; each is the one that the manifest names.
    """

    manifest: PackManifest
    members: Mapping[PackedRole, bytes]


def read_pack(path: Path) -> Pack:
    """Read a pack.

    Raises:
        ArtefactMissing: There is none.
        UnsafeArchive: Members that no pack has: compressed, linked, twice, or too large.
        IntegrityError: A member is missing, or is not the one that the manifest names.
        ArtefactError: Something else, or damaged.
        RecordVersionError: Another layout.
        RecordError: A manifest with other fields.
    """
    require_kind(path, Wanted.PACK)
    try:
        data = read_bytes(path, Size.PACK)
    except FileNotFoundError as error:
        raise ArtefactMissing("there is no such pack", where=path) from error
    except OSError as error:
        raise ArtefactError(
            "the pack cannot be read", got=error.strerror or error, where=path
        ) from error
    content = _members(data, path)
    if MANIFEST_NAME not in content:
        raise ArtefactError(
            "the archive is no failing-case pack",
            expected=MANIFEST_NAME,
            got=", ".join(sorted(content)[:3]) or "no members",
            where=path,
            next_step="packs lie in the folder packs/ of a run",
        )
    manifest = _manifest(content.pop(MANIFEST_NAME), path)
    return Pack(manifest, _named(manifest, content, path))


def _members(data: bytes, path: Path) -> dict[str, bytes]:
    """The bytes of every member, by name."""
    content: dict[str, bytes] = {}
    total = 0
    with (
        guarded(ArtefactError, "the pack is damaged", where=path, next_step=_NEXT),
        open_zip(data) as archive,
    ):
        for about in archive.infolist():
            if about.filename in content:
                raise _unsafe(about, "two members of one name", path)
            if about.compress_type != zipfile.ZIP_STORED:
                raise _unsafe(about, "a compressed member", path)
            if about.filename not in (MANIFEST_NAME, *NAMES.values()):
                raise _unsafe(about, "a member that no pack has", path)
            total += about.file_size
            require_size(total, Size.PACK)
            content[about.filename] = archive.read(about)
    return content


def _unsafe(about: zipfile.ZipInfo, what: str, path: Path) -> UnsafeArchive:
    return UnsafeArchive(
        what,
        expected=f"{MANIFEST_NAME}, {', '.join(NAMES.values())}, once each and not compressed",
        got=about.filename,
        where=path,
    )


def _manifest(data: bytes, path: Path) -> PackManifest:
    where = f"{path}, {MANIFEST_NAME}"
    with guarded(ArtefactError, "the pack's manifest is damaged", where=where, next_step=_NEXT):
        document: Any = json.loads(data, parse_constant=refuse_constant)
        version = document["version"]
    if version != PACK_VERSION:
        newer = isinstance(version, int) and version > PACK_VERSION
        raise RecordVersionError(
            "the pack has another layout",
            expected=f"version {PACK_VERSION}",
            got=f"version {version}",
            where=path,
            next_step="install the newer harness to read it"
            if newer
            else "run the suites again: older packs are not migrated",
        )
    return structure(PackManifest, document, where=where)


def _named(
    manifest: PackManifest, content: Mapping[str, bytes], path: Path
) -> Mapping[PackedRole, bytes]:
    """The members that the manifest names, each checked; and no others."""
    members: dict[PackedRole, bytes] = {}
    for each in manifest.files:
        data = content.get(each.name)
        found = None if data is None else hashlib.sha256(data).hexdigest()
        if data is None or found != each.sha256 or each.name != NAMES[each.role]:
            raise IntegrityError(
                "a member of the pack is not the one that its manifest names",
                expected=f"{NAMES[each.role]}, sha256 {each.sha256}, {each.size_bytes:,} bytes",
                got="none" if data is None else f"{each.name}, sha256 {found}, {len(data):,} bytes",
                where=path,
                next_step=_NEXT,
            )
        members[each.role] = data
    strays = sorted(set(content) - {each.name for each in manifest.files})
    if strays or PackedRole.MODEL not in members:
        raise IntegrityError(
            "the pack's members are not those of its manifest",
            expected=f"{NAMES[PackedRole.MODEL]} and whatever else the manifest names",
            got=", ".join(strays) or f"no {NAMES[PackedRole.MODEL]}",
            where=path,
            next_step=_NEXT,
        )
    return members
