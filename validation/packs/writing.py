"""A pack's bytes: a ZIP archive that is the same for the same case, on any machine."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace

from validation.files.structured import unstructure
from validation.packs.manifest import MANIFEST_NAME, PackedFile, PackedRole, PackManifest

# The earliest that a ZIP archive can state: when it was written is no part of the case.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_UNIX = 3

NAMES = {
    PackedRole.MODEL: "model.tflite",
    PackedRole.IMAGE: "image",
    PackedRole.EXPECTED: "reference.npz",
    PackedRole.FOUND: "file.npz",
    PackedRole.ANCHORS: "anchors.npy",
    PackedRole.LABELS: "labels.txt",
    PackedRole.FEEDING: "feeding.json",
}


def pack_bytes(manifest: PackManifest, members: Mapping[PackedRole, bytes]) -> bytes:
    """A pack with its members, stored and not compressed.

    Args:
        manifest: Its list of files is made here.
        members: Content by role.
    """
    files = tuple(
        PackedFile(role, NAMES[role], hashlib.sha256(data).hexdigest(), len(data))
        for role, data in members.items()
    )
    document = json.dumps(unstructure(replace(manifest, files=files)), indent=2, allow_nan=False)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_about(MANIFEST_NAME), f"{document}\n".encode())
        for role, data in members.items():
            archive.writestr(_about(NAMES[role]), data)
    return stream.getvalue()


def _about(name: str) -> zipfile.ZipInfo:
    about = zipfile.ZipInfo(name, _DATE)
    about.external_attr = _MODE
    about.create_system = _UNIX
    return about
