"""The files of a run that a signature covers, by their path below the run's folder."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.errors import ArtefactMissing
from validation.files.outside import Size, read_bytes
from validation.record.baseline_facts import BASELINE_FOLDER
from validation.record.evidence import EVIDENCE_FOLDER
from validation.record.kept_files import FILES_FOLDER, PACKS_FOLDER
from validation.record.policy_files import POLICY_FOLDER
from validation.record.store import RECORD_NAME, Record

SIGNOFF_PREFIX = "signoff-"

# Pages are made from the record, again and again; signatures cannot cover themselves.
_COUNTING = (BASELINE_FOLDER, EVIDENCE_FOLDER, FILES_FOLDER, PACKS_FOLDER, POLICY_FOLDER)
_DERIVED = (".html",)

# What a record holds many of, and what names no file.
_WITHOUT_FILES = frozenset(
    {
        "results",
        "timings",
        "accuracies",
        "quantisations",
        "diagnoses",
        "feeds",
        "first_divergences",
        "baseline_comparisons",
        "latency_trials",
        "pictures",
        "backgrounds",
        "steps",
    }
)


@dataclass(frozen=True)
class NamedFile:
    """A file as the record names it."""

    path: str
    sha256: str
    size_bytes: int | None = None


class RunFiles(Mapping[str, bytes]):
    """The bytes of every file below a run's folder, by path; read when they are asked for.

    Args:
        folder: Of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths = dict.fromkeys(sorted(_below(folder)))

    def __getitem__(self, path: str) -> bytes:
        """The bytes of one file.

        Raises:
            KeyError: There was no such file when the folder was listed.
            ArtefactMissing: It cannot be read.
        """
        if path not in self._paths:
            raise KeyError(path)
        try:
            return read_bytes(self._folder / path, Size.MODEL)
        except OSError as error:
            raise ArtefactMissing(
                "a file of the run cannot be read", got=error.strerror, where=path
            ) from error

    def __iter__(self) -> Iterator[str]:
        """The paths, in their order."""
        return iter(self._paths)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self._paths)


def _below(folder: Path) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        here = Path(where)
        # What a linked folder holds is not listed: the link is, and it cannot be read.
        links = [name for name in folders if (here / name).is_symlink()]
        for name in (*names, *links):
            yield (here / name).relative_to(folder).as_posix()


def is_counted(path: str) -> bool:
    """Whether a signature covers the file."""
    return path == RECORD_NAME or (path.partition("/")[0] in _COUNTING and "/" in path)


def is_signoff(path: str) -> bool:
    """Whether the file is a signature of the run."""
    return path.startswith(SIGNOFF_PREFIX) and path.endswith(".json") and "/" not in path


def uncovered(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Files beside the run that no signature covers and that the harness did not derive."""
    return tuple(
        path
        for path in files
        if not is_counted(path) and not is_signoff(path) and not path.endswith(_DERIVED)
    )


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """The sha256 of each file that a signature covers."""
    return {path: hashlib.sha256(files[path]).hexdigest() for path in files if is_counted(path)}


def named_files(record: Record) -> dict[str, NamedFile]:
    """Every file below the run's folder that the record names, by path."""
    found: dict[str, NamedFile] = {}
    for field in dataclasses.fields(record):
        if field.name not in _WITHOUT_FILES:
            for each in _named(getattr(record, field.name)):
                found[each.path] = each
    return found


def _named(value: Any) -> Iterator[NamedFile]:
    """Whatever has a path below the run's folder and a sha256, at any depth."""
    if isinstance(value, tuple):
        for each in value:
            yield from _named(each)
    elif dataclasses.is_dataclass(value):
        path, sha256 = getattr(value, "path", None), getattr(value, "sha256", None)
        if isinstance(path, str) and path and isinstance(sha256, str):
            yield NamedFile(path, sha256, getattr(value, "size_bytes", None))
        for field in dataclasses.fields(value):
            yield from _named(getattr(value, field.name))
