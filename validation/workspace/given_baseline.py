"""What ``--baseline`` names: a run's folder or a baseline file, read before anything is run."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from validation.comparison.baseline import key_differences
from validation.errors import IntegrityError, RecordError, ValidationError
from validation.files.atomic import write_bytes_atomic
from validation.files.digest import file_sha256
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.files.zips import open_zip
from validation.record.baseline import Baseline, BaselineKind, KeyPart
from validation.record.baseline_facts import (
    BASELINE_COPY,
    BaselineFacts,
    baseline_bytes,
    parse_baseline,
)
from validation.record.evidence import EVIDENCE_FOLDER
from validation.record.kept_files import FILES_FOLDER, tflite_name
from validation.record.machine_class import MachineClass
from validation.record.machine_facts import machine_facts
from validation.record.store import RECORD_NAME, load_record
from validation.record.types import ModelKey
from validation.signoff.rules import judge
from validation.signoff.run_facts import run_facts
from validation.signoff.run_files import RunFiles
from validation.workspace.surroundings import package_versions

_MATCHES_SUFFIX = ".matches.zip"


def matches_file(baseline: Path) -> Path:
    """The archive of matches that belongs to a baseline file, beside it."""
    return baseline.with_name(f"{baseline.stem}{_MATCHES_SUFFIX}")


@dataclass(frozen=True)
class GivenBaseline:
    """A baseline, and where what belongs to it lies.

    Args:
        named: A run or a file.
        path: Its folder, or the file.
        facts: Of the run that it is, or that it was made of.
        data: The document of the facts, of which the run's folder gets a copy.
        differs: What is not as it is now, so that latencies are not comparable.
        accepted: Reason for which it is replaced by this run; empty where it is not.
        reports: Folder of runs, where the run of a baseline file may still be.
    """

    named: BaselineKind
    path: Path
    facts: BaselineFacts
    data: bytes
    differs: tuple[KeyPart, ...] = ()
    accepted: str = ""
    reports: Path | None = None

    @property
    def entry(self) -> Baseline:
        """As the record has it."""
        return Baseline(
            named=self.named,
            name=self.path.name,
            **self.facts.entry_fields(),
            path=BASELINE_COPY,
            sha256=hashlib.sha256(self.data).hexdigest(),
            size_bytes=len(self.data),
            differs=self.differs,
            accepted=self.accepted,
        )

    def keep_copy(self, run_folder: Path) -> None:
        """Write the document of the facts into a run's folder.

        Raises:
            ArtefactError: It cannot be written.
        """
        write_bytes_atomic(run_folder / BASELINE_COPY, self.data, make_folder=True)

    def tflite(self, key: ModelKey) -> Path | None:
        """The baseline's own file; None where it is not at hand.

        A baseline file has none: that of its run is taken, where the report folder still has the
        run, and the bytes are those that the facts name.

        Raises:
            IntegrityError: It is in the run that was named, and another one.
        """
        facts, run = self.facts.of(key), self._run_folder
        if run is None or facts is None or not facts.sha256:
            return None
        path = run / FILES_FOLDER / tflite_name(key)
        if not path.is_file():
            return None
        sha256 = file_sha256(path)
        if sha256 == facts.sha256:
            return path
        if self.named is BaselineKind.FILE:
            return None
        raise _another_file(path, facts.sha256, sha256)

    @property
    def _run_folder(self) -> Path | None:
        """Of the run that the baseline is, or that it was made of."""
        if self.named is BaselineKind.RUN:
            return self.path
        name = self.facts.run
        # A file that was written by hand names no folder elsewhere.
        if self.reports is None or not name or name == ".." or Path(name).name != name:
            return None
        return self.reports / name

    def matches(self, sha256: str, scratch: Path) -> Path | None:
        """A file with matches of the baseline; None where it is not at hand.

        Args:
            sha256: Of the matches, as the facts have it.
            scratch: Folder for what has to be unpacked.

        Raises:
            IntegrityError: There are others in its place.
        """
        if not sha256:
            return None
        if self.named is BaselineKind.RUN:
            path = self.path / EVIDENCE_FOLDER / f"{sha256}.npz"
            if not path.is_file():
                return None
        else:
            path = scratch / f"{sha256}.npz"
            if not path.is_file() and not self._unpacked(f"{sha256}.npz", path):
                return None
        found = file_sha256(path)
        if found != sha256:
            raise _another_file(path, sha256, found)
        return path

    def _unpacked(self, name: str, path: Path) -> bool:
        archive = matches_file(self.path)
        if not archive.is_file():
            return False
        with (
            guarded(RecordError, "the matches of the baseline cannot be read", where=archive),
            open_zip(archive) as opened,
        ):
            if name not in opened.namelist():
                return False
            write_bytes_atomic(path, _member(opened, name))
            return True


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """No more than arrays may have, whatever the archive's list says."""
    most = Size.ARRAYS.most_bytes
    with archive.open(name) as member:
        data = member.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{name} of more than {most:,} bytes")
    return data


def _another_file(path: Path, expected: str, got: str) -> IntegrityError:
    return IntegrityError(
        "a file of the baseline is not the one that its facts name",
        expected=f"sha256 {expected}",
        got=f"sha256 {got}",
        where=path,
        next_step="restore it, or name another baseline",
    )


def open_baseline(path: Path, accepted: str = "", reports: Path | None = None) -> GivenBaseline:
    """Read a baseline and say what is not as it is now.

    Args:
        path: Folder of a run, its record, or a baseline file.
        accepted: See `GivenBaseline`.
        reports: See `GivenBaseline`.

    Raises:
        RecordError: No run that ended, or no baseline; or one of another version.
        ArtefactError: A file of the run is not there.
    """
    if path.name == RECORD_NAME:
        path = path.parent
    if path.is_dir():
        named, facts = BaselineKind.RUN, _facts_of_run(path)
        data = baseline_bytes(facts)
    else:
        try:
            data = read_bytes(path, Size.TABLE)
        except OSError as error:
            raise RecordError(
                "the baseline cannot be read", got=error.strerror or error, where=path
            ) from error
        named, facts = BaselineKind.FILE, parse_baseline(data, path)
    differs = key_differences(
        (facts.versions, facts.machine), (package_versions(), MachineClass.of(machine_facts()))
    )
    return GivenBaseline(named, path, facts, data, differs, accepted, reports)


def _facts_of_run(folder: Path) -> BaselineFacts:
    record = load_record(folder / RECORD_NAME)
    try:
        return run_facts(record, judge(record), RunFiles(folder))
    except ValidationError as error:
        error.where = error.where or folder
        raise
