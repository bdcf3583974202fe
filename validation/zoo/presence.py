"""Whether a model's archive is on this machine; asked without opening or hashing anything."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from validation.errors import ArtefactMissing
from validation.zoo.cache import archive_path, source_path
from validation.zoo.entry import CatalogueEntry, FolderSource, HttpsSource, PackageSource
from validation.zoo.integrity import Digest
from validation.zoo.lockfile import LOCK_NAME, noted_digest


class Presence(StrEnum):
    """Where an archive is."""

    SHIPPED = "ships with the package"
    LOCAL = "on this machine"
    CACHED = "in the cache"
    ABSENT = "not fetched"


def presence(entry: CatalogueEntry, cache_dir: Path, lock_file: Path | None = None) -> Presence:
    """Where an entry's archive is.

    Args:
        entry: Of the catalogue or of a folder.
        cache_dir: The cache, which need not be there.
        lock_file: See `validation.zoo.archives.obtain`.

    Raises:
        CatalogueError: The lock file cannot be read.
    """
    source = entry.source
    if isinstance(source, PackageSource):
        try:
            source.path()
        except ArtefactMissing:
            return Presence.ABSENT
        return Presence.SHIPPED
    if isinstance(source, FolderSource):
        return Presence.LOCAL if source.path.exists() else Presence.ABSENT
    digest = entry.digest if isinstance(entry.digest, Digest) else None
    if digest is None and isinstance(source, HttpsSource):
        digest = noted_digest(lock_file or cache_dir / LOCK_NAME, source.url)
    if digest is None:
        return Presence.ABSENT
    paths = (
        archive_path(cache_dir, digest.sha256, entry.name),
        source_path(cache_dir, digest.sha256, source.filename),
    )
    return Presence.CACHED if any(path.exists() for path in paths) else Presence.ABSENT


def download_bytes(entry: CatalogueEntry) -> int | None:
    """Size of the file that is fetched; None where it is not published."""
    return entry.digest.size_bytes if entry.digest is not None else None
