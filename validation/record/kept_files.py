"""The judged files, copied into the run's folder with what an app needs beside them."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing, IntegrityError
from validation.files.atomic import atomic_file
from validation.files.digest import file_sha256
from validation.record.run import Artefact, ArtefactRole
from validation.record.types import ModelKey

FILES_FOLDER = "files"
PACKS_FOLDER = "packs"

# What no file system and no address has to escape.
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
# With one of these at its end, a model in variant raw is called as another one in int8-raw is.
_LIKE_A_VARIANT = re.compile(r".*-(float|float16|dynamic|int8|uint8)", re.IGNORECASE)
# Between a model and a given file: no stem has it, and neither shells nor addresses escape it here.
_GIVEN = "~"
# Of a given file; capitals are told apart by a hash where a file system does not.
_PLAIN_FILE = re.compile(r"[a-z0-9_][a-z0-9._-]{0,79}")
# With such an end, a name could be that of another file with its hash.
_LIKE_A_HASH = re.compile(r"(.*-)?[0-9a-f]{8}")
_SUFFIX = ".tflite"
_CHUNK_BYTES = 2**20


def tflite_name(key: ModelKey) -> str:
    """``model-variant.tflite``, or ``model~file.tflite`` of a given file.

    Of a subject's file in the folder, and of no other's.
    """
    own = f"{_GIVEN}{_file_stem(key.file)}" if key.file else f"-{_stem(key.variant)}"
    return f"{_stem(key.model)}{own}{_SUFFIX}"


def feeding_name(key: ModelKey) -> str:
    """Of the feeding facts of a subject's file."""
    return f"{tflite_name(key)}.json"


def labels_name(key: ModelKey) -> str:
    """Of a model's labels, which all of its variants share; a given file may have its own."""
    return f"{_shared_stem(key)}.labels.txt"


def anchors_name(key: ModelKey) -> str:
    """Of the anchors that raw outputs are decoded with: the model's, or a given file's own."""
    return f"{_shared_stem(key)}.anchors.npy"


def pack_name(key: ModelKey) -> str:
    """Of a subject's failing case in its folder."""
    return f"{tflite_name(key).removesuffix(_SUFFIX)}.zip"


def keep_file(artefact: Artefact, run_folder: Path) -> Artefact:
    """Copy a file into the run's folder, whole or not at all.

    A copy and no link: what is done to the original afterwards does not reach it.

    Args:
        artefact: Its path is where the file lies now.
        run_folder: Of the run; made where it is not there.

    Returns:
        The same, as the record is to hold it: with the path inside the run's folder.

    Raises:
        ArtefactMissing, IntegrityError: The file has gone, or is another one.
        ArtefactError: The copy cannot be written.
    """
    path = f"{FILES_FOLDER}/{_kept_name(artefact)}"
    target = run_folder / path
    if not (target.is_file() and file_sha256(target) == artefact.sha256):
        _copy(artefact, target)
    return dataclasses.replace(artefact, path=path)


def _kept_name(artefact: Artefact) -> str:
    match artefact.role:
        case ArtefactRole.LABELS:
            return labels_name(artefact.key)
        case ArtefactRole.ANCHORS:
            return anchors_name(artefact.key)
        case ArtefactRole.FEEDING:
            return feeding_name(artefact.key)
        case ArtefactRole.TFLITE:
            return tflite_name(artefact.key)
    raise ArtefactError("a file that no run keeps", got=artefact.role, where=artefact.name)


def _shared_stem(key: ModelKey) -> str:
    return _stem(key.model) + (f"{_GIVEN}{_file_stem(key.file)}" if key.file else "")


def _file_stem(file: str) -> str:
    """A given file's name without its suffix; with a hash of all of it where it is not plain."""
    stem = file[: -len(_SUFFIX)] if file.lower().endswith(_SUFFIX) else file
    if file == stem + _SUFFIX and _PLAIN_FILE.fullmatch(stem) and not _LIKE_A_HASH.fullmatch(stem):
        return stem
    return _hashed(stem, file)


def plain_name(name: str) -> str:
    """A name that no file system and no address has to escape; with a hash where it had to."""
    return name if _PLAIN.fullmatch(name) else _hashed(name, name)


def _stem(name: str) -> str:
    """The name, or where it is not plain or could be taken for another one, with its hash."""
    return _hashed(name, name) if _LIKE_A_VARIANT.fullmatch(name) else plain_name(name)


def _hashed(stem: str, name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_NOT_PLAIN.sub('-', stem).strip('-.')[:80]}-{digest}".lstrip("-")


def _copy(artefact: Artefact, target: Path) -> None:
    source = Path(artefact.path)
    if not source.is_file():
        raise ArtefactMissing(
            "a judged file has gone before it was kept",
            where=source,
            next_step="let nothing clear the cache during a run, and run the suites again",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as copy, source.open("rb") as content:
            digest = hashlib.sha256()
            while chunk := content.read(_CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
            _require_same(artefact, digest.hexdigest())
    except OSError as error:
        raise ArtefactError(
            "a judged file cannot be copied into the run's folder",
            expected=f"{artefact.size_bytes:,} bytes from {source}",
            got=error.strerror or error,
            where=target,
            next_step="make room, or choose another folder with --report-dir",
        ) from error


def _require_same(artefact: Artefact, sha256: str) -> None:
    if sha256 != artefact.sha256:
        raise IntegrityError(
            "a judged file is not the one that was judged",
            expected=f"sha256 {artefact.sha256}",
            got=f"sha256 {sha256}",
            where=artefact.path,
            next_step="let nothing write into the cache during a run, and run the suites again",
        )
