"""The one place that compares a file with its size and sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from validation.errors import ArtefactMissing, IntegrityError
from validation.files.digest import hash_and_size


@dataclass(frozen=True)
class Digest:
    """What identifies a file.

    Args:
        sha256: 64 lower-case hexadecimal digits.
        size_bytes: Length of the file.
    """

    sha256: str
    size_bytes: int

    def __str__(self) -> str:
        """As error messages show it."""
        return f"{self.size_bytes} bytes with sha256 {self.sha256}"


@dataclass(frozen=True)
class Sha384Digest:
    """What identifies a file whose publisher gives its SHA-384 only.

    Args:
        sha384: 96 lower-case hexadecimal digits.
        size_bytes: Length of the file.
    """

    sha384: str
    size_bytes: int

    def __str__(self) -> str:
        """As error messages show it."""
        return f"{self.size_bytes} bytes with sha384 {self.sha384}"


def digest_file(path: Path, next_step: str | None = None) -> Digest:
    """Size and sha256 of a file.

    Args:
        path: The file.
        next_step: What the reader can do when it cannot be read.

    Raises:
        ArtefactMissing: The file is not there or cannot be read.
    """
    return Digest(*_hashed(path, "sha256", next_step))


def sha384_file(path: Path, next_step: str | None = None) -> Sha384Digest:
    """Size and sha384 of a file; arguments and errors as `digest_file`."""
    return Sha384Digest(*_hashed(path, "sha384", next_step))


def digest_files(root: Path, paths: Iterable[Path]) -> Digest:
    """Size and sha256 of several files as one thing: names below ``root`` and contents.

    Raises:
        ArtefactMissing: A file is not there or cannot be read.
    """
    whole = hashlib.sha256()
    size_bytes = 0
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in set(paths)):
        digest = digest_file(path)
        size_bytes += digest.size_bytes
        whole.update(f"{digest.sha256} {name}\n".encode("utf-8", "surrogateescape"))
    return Digest(whole.hexdigest(), size_bytes)


def verify(
    got: Digest | Sha384Digest,
    expected: Digest | Sha384Digest,
    *,
    what: str,
    where: Path,
    next_step: str,
) -> None:
    """Return only if the two are the same. Every comparison with the catalogue ends here.

    Args:
        got: The digest of the file.
        expected: What it must be.
        what: What the file is, for the message, for example ``the wheel``.
        where: Its path.
        next_step: What the reader can do when it is another file.

    Raises:
        IntegrityError: Another size or another hash.
    """
    if got != expected:
        raise IntegrityError(
            f"{what} is not the expected file",
            expected=expected,
            got=got,
            where=where,
            next_step=next_step,
        )


def verify_file(
    path: Path,
    expected: Digest | Sha384Digest,
    *,
    what: str,
    next_step: str,
) -> None:
    """`verify` of a file.

    Args:
        path: The file.
        expected: See `verify`.
        what: See `verify`.
        next_step: See `verify`.

    Raises:
        ArtefactMissing: The file is not there or cannot be read.
        IntegrityError: Another size or another hash.
    """
    digest = digest_file if isinstance(expected, Digest) else sha384_file
    verify(digest(path, next_step), expected, what=what, where=path, next_step=next_step)


def _hashed(path: Path, algorithm: str, next_step: str | None) -> tuple[str, int]:
    try:
        return hash_and_size(path, algorithm)
    except OSError as error:
        raise ArtefactMissing(
            "the file cannot be read", got=error.strerror or error, where=path, next_step=next_step
        ) from error
