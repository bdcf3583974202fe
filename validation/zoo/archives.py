"""From a catalogue entry to a verified folder with the model's files, each known by its part."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ArtefactMissing, CatalogueError, ValidationError
from validation.files.atomic import replace_folder
from validation.files.manifest import first_difference, read_manifest, write_manifest
from validation.labels.label_list import LabelList
from validation.labels.reading import read_labels
from validation.zoo.cache import archive_path, locked, scratch_folder, source_path
from validation.zoo.entry import (
    CatalogueEntry,
    FolderSource,
    HttpsSource,
    PackageSource,
    PypiSource,
)
from validation.zoo.fetch import fetch, fetch_first
from validation.zoo.integrity import Digest, digest_file, digest_files, verify
from validation.zoo.layout import (
    ModelFiles,
    find_model_files,
    lacking_parts,
    unusable_checkpoints,
)
from validation.zoo.lockfile import LOCK_NAME, note_digest, noted_digest
from validation.zoo.refusals import refuse
from validation.zoo.unpack import unpack_tar, unpack_wheel_member

_RESTORE = "restore the archive, or correct the catalogue if the change is meant"


@dataclass(frozen=True, kw_only=True)
class Archive(ModelFiles):
    """A model's files on this machine; its pipeline.config may be the catalogue's.

    Args:
        entry: The catalogue's entry.
        root: Folder of the archive; never to be written to.
        source: Size and sha256 of the downloaded file or of the tar file; of a folder: of the
            files named here together.
        labels: The catalogue's, else the label map's, else None.
        unusable: What is said of checkpoints where none can be used.
        lacking: Files without which a half checkpoint cannot be used.
        damaged: File of the cache that was not as it had been written, for which the archive was
            fetched or unpacked again; empty where none was.
    """

    entry: CatalogueEntry
    root: Path
    source: Digest
    labels: LabelList | None = None
    unusable: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    damaged: str = ""


def obtain(
    entry: CatalogueEntry,
    cache_dir: Path,
    *,
    offline: bool = False,
    progress: bool = True,
    lock_file: Path | None = None,
) -> Archive:
    """Bring a model's archive to this machine, verified and unpacked.

    A folder is used in place. Everything else goes through the cache, where it is found again
    by its sha256; two processes that want the same archive fetch it once. A file of the package
    is unpacked to the cache and never fetched.

    Args:
        entry: What to obtain.
        cache_dir: Folder of the cache, made if need be.
        offline: Use only what is there.
        progress: Show a bar while downloading, if stderr is a terminal.
        lock_file: Keeps what downloads without a sha256 in the catalogue were, see `lockfile`.
            None: one in the cache, which is lost with it.

    Raises:
        UsageError: A model of the TF1 zoo that is not an SSD.
        ArtefactMissing: A folder or file is not there, or not in the cache while offline.
        DownloadFailed: No network, no such file, or an interrupted transfer.
        IntegrityError: A file is not the one that the catalogue or the lock file names.
        CatalogueError: A download that nothing pins, or a lock file that cannot be read.
        UnsafeArchive: Unpacking would write outside, link out, or burst.
        ArtefactError: A damaged archive, or none of a model.
        DatasetError: The archive's label map cannot be read.
    """
    refuse(entry.name, f"model {entry.name!r}")
    source = entry.source
    if isinstance(source, FolderSource):
        return _local(entry, source.path, cache_dir)
    if isinstance(source, PackageSource):
        if entry.digest is None:
            raise _unpinned(entry)
        return _local_tar(entry, source.path(), cache_dir, "install the package again")
    if isinstance(entry.digest, Digest):
        return _downloaded(entry, source, entry.digest, cache_dir, offline, progress)
    if isinstance(source, PypiSource) or (entry.digest is None and not entry.trust_first_download):
        raise _unpinned(entry)
    lock_file = lock_file or cache_dir / LOCK_NAME
    with locked(cache_dir, hashlib.sha256(source.url.encode()).hexdigest(), _called(entry)):
        digest = noted_digest(lock_file, source.url)
        if digest is not None:
            by = f"the lock file {lock_file}"
            return _downloaded(entry, source, digest, cache_dir, offline, progress, by)
        digest = fetch_first(entry, source, cache_dir, offline=offline, progress=progress)
        try:
            archive = _downloaded(entry, source, digest, cache_dir, offline, progress)
        except ValidationError:
            # Noted, a transfer that was cut short in silence would be the truth from now on.
            source_path(cache_dir, digest.sha256, source.filename).unlink(missing_ok=True)
            raise
        note_digest(lock_file, source.url, digest)
        return archive


def _downloaded(
    entry: CatalogueEntry,
    source: HttpsSource | PypiSource,
    digest: Digest,
    cache_dir: Path,
    offline: bool,
    progress: bool,
    pinned_by: str = "the catalogue",
) -> Archive:
    unpacked = archive_path(cache_dir, digest.sha256, entry.name)
    with locked(cache_dir, digest.sha256, _called(entry)):
        damaged = _damage(unpacked)
        if damaged != "":
            file = fetch(
                entry,
                source,
                digest,
                cache_dir,
                offline=offline,
                progress=progress,
                pinned_by=pinned_by,
            )
            damaged = damaged or file.damaged
            _unpack(entry, file.path, unpacked)
    return _archive(entry, unpacked, digest, damaged)


def _local(entry: CatalogueEntry, path: Path, cache_dir: Path) -> Archive:
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise ArtefactMissing(
            "the archive cannot be reached", got=error.strerror or error, where=path
        ) from error
    if is_folder:
        return _archive(entry, path, None)
    return _local_tar(entry, path, cache_dir, _RESTORE)


def _local_tar(entry: CatalogueEntry, path: Path, cache_dir: Path, next_step: str) -> Archive:
    digest = digest_file(path, "the archive has been moved or cannot be reached")
    _verify_local(entry, path, digest, next_step)
    unpacked = archive_path(cache_dir, digest.sha256, entry.name)
    with locked(cache_dir, digest.sha256, _called(entry)):
        damaged = _damage(unpacked)
        if damaged != "":
            _unpack(entry, path, unpacked)
    return _archive(entry, unpacked, digest, damaged or "")


def _archive(
    entry: CatalogueEntry, root: Path, digest: Digest | None, damaged: str = ""
) -> Archive:
    files = find_model_files(root, entry.subfolder)
    if digest is None:
        digest = digest_files(root, files.paths())
        _verify_local(entry, root, digest, _RESTORE)
    labels = entry.labels
    if labels is None and files.label_map is not None:
        labels = read_labels(files.label_map)
    config = files.pipeline_config or entry.pipeline_config
    return Archive(
        **vars(dataclasses.replace(files, pipeline_config=config)),
        entry=entry,
        root=root,
        source=digest,
        labels=labels,
        unusable=unusable_checkpoints(files.folder),
        lacking=tuple(lacking_parts(files.folder).values()),
        damaged=damaged,
    )


def _called(entry: CatalogueEntry) -> str:
    return f"the archive of {entry.name}"


def _unpinned(entry: CatalogueEntry) -> CatalogueError:
    return CatalogueError("the archive needs sha256 and size", where=f"model {entry.name!r}")


def _verify_local(entry: CatalogueEntry, path: Path, digest: Digest, next_step: str) -> None:
    """Most local archives declare nothing; their digest is only recorded."""
    if entry.digest is not None:
        verify(
            digest,
            entry.digest,
            what=_called(entry),
            where=path,
            next_step=next_step,
        )


def _damage(destination: Path) -> str | None:
    """The first unpacked file that is not as it was; empty where all are, None where none are."""
    if not os.path.lexists(destination):
        return None
    manifest = _manifest_path(destination)
    earlier = read_manifest(manifest)
    return manifest.name if earlier is None else first_difference(destination, earlier)


def _unpack(entry: CatalogueEntry, file: Path, destination: Path) -> None:
    """Unpack a verified file, replacing what may be there."""
    with scratch_folder(destination) as folder:
        if isinstance(entry.source, PypiSource):
            member, expected = entry.source.member, entry.source.member_digest
            files = unpack_wheel_member(file, member, folder, expected=expected)
        else:
            files = unpack_tar(file, folder, limit_bytes=entry.unpacked_bytes or None)
        # Only a folder that its manifest describes is taken for whole. The manifest comes first:
        # until the folder follows it describes an old one wrongly, or none.
        write_manifest(_manifest_path(destination), files)
        replace_folder(folder, destination)


def _manifest_path(destination: Path) -> Path:
    return destination.with_name(f"{destination.name}.files")
