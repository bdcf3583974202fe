"""The lock file: what a download without a published sha256 was when it was first seen.

The first download cannot be compared with anything; every later one, on this machine or on
any other that is given the same lock file, must be the same bytes. A project that keeps the
file under version control therefore trusts the network once, and not once for each machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType

from validation.errors import ArtefactError, CatalogueError, RecordError
from validation.files.atomic import atomic_file
from validation.files.outside import read_text
from validation.files.structured import refuse_constant, register, structure, unstructure
from validation.zoo.catalogue_file import Sha256
from validation.zoo.integrity import Digest, verify
from validation.zoo.locks import held

LOCK_NAME = "catalogue.lock.json"
LOCK_VERSION = 1


_Size = NewType("_Size", int)


@dataclass(frozen=True)
class _Noted:
    sha256: Sha256
    size_bytes: _Size


@dataclass(frozen=True)
class _Lock:
    version: int
    downloads: dict[str, _Noted]


def check_lock_file(lock_file: Path) -> None:
    """See early that a lock file can be read; one that is not there yet can.

    Raises:
        CatalogueError: It cannot be read or is none.
    """
    _read(lock_file)


def noted_digest(lock_file: Path, url: str) -> Digest | None:
    """What the lock file says that a download is; None where it says nothing, or is not there.

    Raises:
        CatalogueError: The lock file cannot be read or is none.
    """
    return _read(lock_file).get(url)


def note_digest(lock_file: Path, url: str, digest: Digest) -> None:
    """Write down what a download is, for good.

    Several processes may note different downloads at once.

    Args:
        lock_file: Made if need be, its folder too.
        url: Where the file came from.
        digest: What it was.

    Raises:
        IntegrityError: Another file was noted for this URL.
        CatalogueError: The lock file cannot be read or is none.
        ArtefactError: It cannot be written.
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_file.with_name(f".{lock_file.name}.lock")
        with held(lock, f"the lock file {lock_file.name}"):
            digests = _read(lock_file)
            verify(
                digest,
                digests.get(url, digest),
                what=f"the download of {url}",
                where=lock_file,
                next_step="another process noted another file: the source changes, do not use it",
            )
            with atomic_file(lock_file) as file:
                file.write(_text({**digests, url: digest}).encode())
    except OSError as error:
        raise ArtefactError(
            "the lock file cannot be written",
            got=error.strerror or error,
            where=lock_file,
            next_step="name one in a folder that can be written",
        ) from error


def _text(digests: Mapping[str, Digest]) -> str:
    """One order whatever was noted first, so that version control shows additions only."""
    downloads = {url: unstructure(digests[url]) for url in sorted(digests)}
    return json.dumps({"version": LOCK_VERSION, "downloads": downloads}, indent=2) + "\n"


def _read(lock_file: Path) -> dict[str, Digest]:
    try:
        values = json.loads(read_text(lock_file), parse_constant=refuse_constant)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(lock_file, "JSON", error) from error
    version = values.get("version") if isinstance(values, dict) else type(values).__name__
    if version != LOCK_VERSION:
        raise _unusable(lock_file, f"version {LOCK_VERSION}", version)
    try:
        lock: _Lock = structure(_Lock, values)
    except RecordError as error:
        raise _unusable(
            lock_file, "a sha256 and size_bytes for each of downloads", error
        ) from error
    return {url: Digest(each.sha256, each.size_bytes) for url, each in lock.downloads.items()}


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


register(_Size, "a whole number of 0 or more", _size)


def _unusable(lock_file: Path, expected: str, got: object) -> CatalogueError:
    return CatalogueError(
        "the lock file cannot be read",
        expected=expected,
        got=got,
        where=lock_file,
        next_step="restore it; without it the next downloads would be trusted again",
    )
