"""The cache of fetched files: addressed by hash, filled by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch
from filelock import FileLock

from validation.errors import ArtefactError
from validation.files import atomic
from validation.files.temporaries import sweep

# Of the sha256, in names: 64 bits keep any number of models apart and leave names readable.
_HASH_DIGITS = 16


def default_cache_dir() -> Path:
    """The user's cache folder for this project."""
    return Path(pooch.os_cache("ssd-tflite-validation"))


def source_path(cache_dir: Path, sha256: str, filename: str) -> Path:
    """Where a fetched file lies."""
    return cache_dir / "sources" / f"{sha256[:_HASH_DIGITS]}-{filename}"


def archive_path(cache_dir: Path, sha256: str, name: str) -> Path:
    """Where the unpacked archive of a fetched file lies."""
    return cache_dir / "archives" / f"{sha256[:_HASH_DIGITS]}-{name}"


@contextmanager
def locked(cache_dir: Path, sha256: str) -> Iterator[None]:
    """Keep other processes away from what belongs to one source.

    Waits without end: the other process may be at a long download, and the lock of a process
    that died is gone.

    Raises:
        ArtefactError: The cache cannot be written.
    """
    folder = cache_dir / "locks"
    try:
        for each in (folder, cache_dir / "sources", cache_dir / "archives"):
            each.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{sha256[:_HASH_DIGITS]}.lock")
        lock.acquire()
        for each in (cache_dir / "sources", cache_dir / "archives"):
            sweep(each)
    except OSError as error:
        raise _unwritable(cache_dir, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def scratch_folder(destination: Path) -> Iterator[Path]:
    """As `validation.files.atomic.scratch_folder`; hold the lock.

    Raises:
        ArtefactError: The cache cannot be written.
    """
    try:
        with atomic.scratch_folder(destination) as folder:
            yield folder
    except OSError as error:
        raise _unwritable(destination, error) from error


def _unwritable(path: Path, error: OSError) -> ArtefactError:
    return ArtefactError(
        "the cache cannot be written",
        got=error.strerror or error,
        where=path,
        next_step="name another folder with --cache-dir",
    )
