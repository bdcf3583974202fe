"""Evidence beside a record: what each subject detected and what of it was right, by its hash."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

from validation.errors import ArtefactMissing, IntegrityError, RecordError
from validation.files.atomic import write_bytes_atomic
from validation.files.outside import Size, read_bytes
from validation.record.detection_files import parse_detections
from validation.record.detections import Detections
from validation.record.run import Evidence, EvidenceContent

EVIDENCE_FOLDER = "evidence"


def keep_evidence(evidence: Evidence, run_folder: Path) -> Evidence:
    """Copy a file into the run's folder, whole or not at all.

    Args:
        evidence: Its path is where the file lies now.
        run_folder: Of the run; made where it is not there.

    Returns:
        The same, as the record is to hold it: with the path inside the run's folder, where
        files are named by their content.

    Raises:
        ArtefactMissing, IntegrityError: The file has gone, or is another one.
        ArtefactError: The copy cannot be written.
    """
    data = _checked_bytes(Path(evidence.path), evidence)
    path = f"{EVIDENCE_FOLDER}/{evidence.sha256}.npz"
    target = run_folder / path
    if not target.is_file():
        write_bytes_atomic(target, data, make_folder=True)
    return dataclasses.replace(evidence, path=path)


def load_evidence(run_folder: str | os.PathLike[str], evidence: Evidence) -> dict[str, Detections]:
    """Detections by image key, read from the run's folder.

    Args:
        run_folder: Of the run.
        evidence: As its record holds it.

    Raises:
        ArtefactMissing: The file is not there.
        IntegrityError: It is not the one that the record names, or lies outside of the folder.
        RecordError: It does not hold detections by image.
    """
    return parse_detections(*read_evidence(run_folder, evidence, EvidenceContent.DETECTIONS))


def read_evidence(
    run_folder: str | os.PathLike[str], evidence: Evidence, content: EvidenceContent
) -> tuple[bytes, Path]:
    """The bytes that a record names, for the reader of their content, and where they lie.

    Args:
        run_folder: Of the run.
        evidence: As its record holds it.
        content: What the caller can read.

    Raises:
        ArtefactMissing: The file is not there.
        IntegrityError: It is not the one that the record names, or lies outside of the folder.
        RecordError: The record names it as something else.
    """
    if evidence.content is not content:
        raise RecordError(
            "evidence of another content",
            expected=content,
            got=evidence.content,
            where=f"{evidence.path} of {evidence.key}",
        )
    run_folder = Path(run_folder)
    path = run_folder / evidence.path
    if not path.resolve().is_relative_to(run_folder.resolve()):
        raise IntegrityError(
            "evidence outside of the run's folder",
            expected=f"a path below {EVIDENCE_FOLDER}/",
            got=evidence.path,
            where=run_folder,
            next_step="run the suites again",
        )
    return _checked_bytes(path, evidence), path


def _checked_bytes(path: Path, evidence: Evidence) -> bytes:
    """The file's bytes, which are those that the hash was taken of."""
    try:
        data = read_bytes(path, Size.ARRAYS)
    except OSError as error:
        raise ArtefactMissing(
            "an evidence file cannot be read",
            got=error.strerror,
            where=path,
            next_step="keep the run's folder whole, or run the suites again",
        ) from error
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != evidence.sha256:
        raise IntegrityError(
            "an evidence file is not the one that the record names",
            expected=f"sha256 {evidence.sha256}, {evidence.size_bytes} bytes",
            got=f"sha256 {sha256}, {len(data)} bytes",
            where=path,
            next_step="restore the run's folder, or run the suites again",
        )
    return data
