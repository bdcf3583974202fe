"""The cache of fetched files: addressed by hash, filled by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pooch

from validation.errors import ArtefactError
from validation.files import atomic
from validation.files.temporaries import sweep
from validation.zoo.locks import held

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
def locked(cache_dir: Path, sha256: str, what: str) -> Iterator[None]:
    """Keep other processes away from what belongs to one source.

    Args:
        cache_dir: The cache.
        sha256: Of the source, or of its URL.
        what: For people who wait: ``the archive of MODEL``.

    Raises:
        ArtefactError: The cache cannot be written, or another process keeps it locked, see
            `validation.zoo.locks`.
    """
    folder = cache_dir / "locks"
    try:
        for each in (folder, cache_dir / "sources", cache_dir / "archives"):
            each.mkdir(parents=True, exist_ok=True)
        stack = ExitStack()
        stack.enter_context(held(folder / f"{sha256[:_HASH_DIGITS]}.lock", what))
        for each in (cache_dir / "sources", cache_dir / "archives"):
            sweep(each)
    except OSError as error:
        raise _unwritable(cache_dir, error) from error
    with stack:
        yield


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
