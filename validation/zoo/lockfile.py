"""The lock file: what a download without a published sha256 was when it was first seen.

The first download cannot be compared with anything; every later one, on this machine or on
any other that is given the same lock file, must be the same bytes. A project that keeps the
file under version control therefore trusts the network once, and not once for each machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from validation.errors import ArtefactError, CatalogueError
from validation.zoo.integrity import Digest, verify

LOCK_NAME = "catalogue.lock.json"
LOCK_VERSION = 1

_SHA256 = re.compile("[0-9a-f]{64}")


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
    temporary = lock_file.with_name(f".{lock_file.name}.part")
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock_file.with_name(f".{lock_file.name}.lock")):
            digests = _read(lock_file)
            verify(
                digest,
                digests.get(url, digest),
                what=f"the download of {url}",
                where=lock_file,
                next_step="another process noted another file: the source changes, do not use it",
            )
            temporary.write_text(_text({**digests, url: digest}), encoding="utf-8")
            temporary.replace(lock_file)
    except OSError as error:
        raise ArtefactError(
            "the lock file cannot be written",
            got=error.strerror or error,
            where=lock_file,
            next_step="name one in a folder that can be written",
        ) from error


def _text(digests: Mapping[str, Digest]) -> str:
    """One order whatever was noted first, so that version control shows additions only."""
    downloads = {
        url: {"sha256": digests[url].sha256, "size_bytes": digests[url].size_bytes}
        for url in sorted(digests)
    }
    return json.dumps({"version": LOCK_VERSION, "downloads": downloads}, indent=2) + "\n"


def _read(lock_file: Path) -> dict[str, Digest]:
    try:
        values = json.loads(lock_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(lock_file, "JSON", error) from error
    if not isinstance(values, dict) or values.get("version") != LOCK_VERSION:
        got = values.get("version") if isinstance(values, dict) else type(values).__name__
        raise _unusable(lock_file, f"version {LOCK_VERSION}", got)
    downloads = values.get("downloads")
    if set(values) != {"version", "downloads"} or not isinstance(downloads, dict):
        raise _unusable(lock_file, "version and downloads", ", ".join(values))
    return {url: _digest(lock_file, url, each) for url, each in downloads.items()}


def _digest(lock_file: Path, url: str, values: Any) -> Digest:
    if isinstance(values, dict) and set(values) == {"sha256", "size_bytes"}:
        sha256, size_bytes = values["sha256"], values["size_bytes"]
        good = isinstance(sha256, str) and _SHA256.fullmatch(sha256) is not None
        if good and type(size_bytes) is int and size_bytes >= 0:
            return Digest(sha256, size_bytes)
    raise _unusable(lock_file, "sha256 and size_bytes", f"{values!r} for {url}")


def _unusable(lock_file: Path, expected: str, got: object) -> CatalogueError:
    return CatalogueError(
        "the lock file cannot be read",
        expected=expected,
        got=got,
        where=lock_file,
        next_step="restore it; without it the next downloads would be trusted anew",
    )
