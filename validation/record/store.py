"""The record of a run: written line by line while it happens, read back whole or refused.

``<run>/record.jsonl`` holds one JSON object a line: a header, the entries in the
order they happened, a footer. A run that was killed leaves a record without footer.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from validation.errors import ArtefactMissing, IncompleteRecord, RecordError
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.files.structured import refuse_constant
from validation.record.ap_difference import ApDifference
from validation.record.baseline import Baseline, BaselineComparison, LatencyTrial
from validation.record.cluster_use import ClusterUse
from validation.record.diagnosis import Diagnosis
from validation.record.feeds import FileFeed
from validation.record.first_divergence import FirstDivergence
from validation.record.lines import Entry, from_line, to_line
from validation.record.operating_point import OperatingPointLosses
from validation.record.pictures import Picture
from validation.record.quantisation_cost import QuantisationCost
from validation.record.reference_differences import ReferenceDifferences
from validation.record.run import Artefact, ArtefactRole, Evidence, Footer, Header, Step
from validation.record.shares import JoinedShare
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    ModelKey,
    OfVariant,
    Timing,
)

RECORD_NAME = "record.jsonl"

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Record:
    """Everything that one run left behind, each kind in the order it was written.

    Args:
        header: What the figures depend on.
        results: What each check found; no check of a subject twice.
        timings: Raw latency samples.
        accuracies: COCO figures.
        ap_differences: How far files are from their references, with intervals.
        quantisations: What quantised files lose, by output and by layer.
        operating_points: What files lose at the score from which an app shows detections.
        reference_differences: What given files have otherwise than their references.
        diagnoses: What is wrong with files, and where.
        feeds: How files were fed and read.
        first_divergences: The first layer of files that is not their reference's.
        baseline: What the run was compared with; None where it was with nothing.
        baseline_comparisons: What of each file is no longer as it was in the baseline.
        latency_trials: The baseline's files and this run's, timed by turns.
        pictures: Images with the detections of several runtimes.
        artefacts: Files that took part.
        evidence: Files with the detections and the matches of each subject.
        backgrounds: What the catalogue knows of the models.
        clusters: Which clusters took part.
        steps: Where the time went.
        joined: The shares that the run was joined from; empty for a run of one machine.
        footer: None when the run did not end.
        sha256: Of the file that it was read from, empty for one that was not.
    """

    header: Header
    results: tuple[CheckResult, ...] = ()
    timings: tuple[Timing, ...] = ()
    accuracies: tuple[Accuracy, ...] = ()
    ap_differences: tuple[ApDifference, ...] = ()
    quantisations: tuple[QuantisationCost, ...] = ()
    operating_points: tuple[OperatingPointLosses, ...] = ()
    reference_differences: tuple[ReferenceDifferences, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    feeds: tuple[FileFeed, ...] = ()
    first_divergences: tuple[FirstDivergence, ...] = ()
    baseline: Baseline | None = None
    baseline_comparisons: tuple[BaselineComparison, ...] = ()
    latency_trials: tuple[LatencyTrial, ...] = ()
    pictures: tuple[Picture, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    backgrounds: tuple[Background, ...] = ()
    clusters: tuple[ClusterUse, ...] = ()
    steps: tuple[Step, ...] = ()
    joined: tuple[JoinedShare, ...] = ()
    footer: Footer | None = None
    sha256: str = ""

    def timings_of(self, key: ModelKey) -> tuple[Timing, ...]:
        """Latency of a subject with samples: first the one that was judged, then other threads."""
        own = (each for each in self.of(key) if isinstance(each, Timing))
        return tuple(each for each in own if each.samples_ms)

    def of(self, key: ModelKey) -> tuple[OfVariant, ...]:
        """Results, timings, accuracies, artefacts and evidence of a subject, in this order."""
        return self._by_key.get(key, ())

    @functools.cached_property
    def tflite_files(self) -> Mapping[ModelKey, Artefact]:
        """The file under test of each subject that has one; the first where a record names two."""
        files: dict[ModelKey, Artefact] = {}
        for each in self.artefacts:
            if each.role is ArtefactRole.TFLITE:
                files.setdefault(each.key, each)
        return files

    def kept(self, key: ModelKey, role: ArtefactRole) -> Artefact | None:
        """A subject's file of a role of which the run's folder holds a copy; None without one."""
        own = (each for each in self.of(key) if isinstance(each, Artefact) and each.role is role)
        return next((each for each in own if each.path), None)

    @functools.cached_property
    def _by_key(self) -> Mapping[ModelKey, tuple[OfVariant, ...]]:
        """A run of hundreds of files asks for each of them several times."""
        found: dict[ModelKey, list[OfVariant]] = {}
        kinds = (self.results, self.timings, self.accuracies, self.artefacts, self.evidence)
        for each in itertools.chain[OfVariant](*kinds):
            found.setdefault(each.key, []).append(each)
        return {key: tuple(entries) for key, entries in found.items()}


class RecordWriter:
    """The one who writes a record: header first, footer last, every line flushed.

    Closed without a footer it is the record of a run that did not end, which cannot be signed.
    A full disk ends no run: from then on the lines are kept in memory alone, see `data`.

    Args:
        run_dir: The run's own folder; made when it is not there.
        name: Of the file: of a share of a run it is another one, for it is no record of a run.
    """

    def __init__(self, run_dir: Path, name: str = RECORD_NAME) -> None:
        self.path = run_dir / name
        self._file: io.FileIO | None = None
        self._order = _Order()
        self._lines: list[bytes] = []
        self._is_open = False

    @property
    def data(self) -> bytes:
        """All that was written so far, whether the disk took it or not."""
        return b"".join(self._lines)

    @property
    def results(self) -> int:
        """Number of check results written so far: what the footer has to say."""
        return len(self._order.results)

    def open(self) -> Self:
        """Start the file.

        Raises:
            RecordError: A record already stands there; it is never overwritten.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError as error:
            raise RecordError(
                "there is already a record in the run's folder",
                where=self.path,
                next_step="choose another folder for this run",
            ) from error
        except OSError:
            self._file = None
        self._is_open = True
        return self

    def write(self, entry: Entry) -> None:
        """Append one entry and flush it.

        Raises:
            RecordError: Out of order, a result twice, or a value that JSON cannot carry.
        """
        if not self._is_open:
            raise RecordError("the record is not open", got=_name(entry), where=self.path)
        try:
            line = json.dumps(to_line(entry), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise RecordError(
                "an entry that a record cannot hold",
                expected="numbers, text, bool, None, and lists of them",
                got=error,
                where=_name(entry),
            ) from error
        self._order.take(entry, self.path)
        self._lines.append(f"{line}\n".encode())
        if self._file is not None:
            try:
                is_written = self._file.write(self._lines[-1]) == len(self._lines[-1])
            except OSError:
                is_written = False
            if not is_written:
                self._file.close()
                self._file = None

    def close(self, footer: Footer | None = None) -> None:
        """Write the footer, if one is given, and close the file; closing twice is harmless.

        Raises:
            RecordError: The footer counts other results than were written.
        """
        try:
            if footer is not None:
                self.write(footer)
        finally:
            self._is_open = False
            if self._file is not None:
                self._file.close()
                self._file = None


class _Order:
    """What may stand next in a record: a header first, each result once, a footer last."""

    def __init__(self) -> None:
        self.results: set[tuple[str, ModelKey]] = set()
        self._last: type | None = None
        self._has_baseline = False

    def take(self, entry: Entry, where: object) -> None:
        """Remember an entry that stands next; refuse one that may not.

        Raises:
            IncompleteRecord: Anything before the header.
            RecordError: A second header or baseline, a result twice, an entry after the footer, or
                a footer that counts other results.
        """
        if self._last is Footer:
            raise RecordError("an entry after the footer", got=_name(entry), where=where)
        if self._last is None and not isinstance(entry, Header):
            raise IncompleteRecord(
                "the record has no header", expected="header", got=_name(entry), where=where
            )
        if self._last is not None and isinstance(entry, Header):
            raise RecordError("a second header: two runs in one record", where=where)
        if isinstance(entry, Baseline):
            if self._has_baseline:
                raise RecordError("a second baseline in one record", where=where)
            self._has_baseline = True
        if isinstance(entry, CheckResult):
            if (entry.check, entry.key) in self.results:
                raise RecordError(
                    "a check recorded twice for one subject",
                    got=f"{entry.check} on {entry.key}",
                    where=where,
                )
            self.results.add((entry.check, entry.key))
        if isinstance(entry, Footer) and entry.results != len(self.results):
            raise RecordError(
                "the footer counts other results than the record holds",
                expected=f"{len(self.results)} results",
                got=f"{entry.results} in the footer",
                where=where,
            )
        self._last = type(entry)


def load_record(path: str | os.PathLike[str], *, allow_unfinished: bool = False) -> Record:
    """Read a record and refuse what cannot be trusted.

    Args:
        path: The ``record.jsonl``.
        allow_unfinished: Take a record without footer, also when its last line is torn;
            for showing what a crashed run recorded before it crashed.

    Raises:
        ArtefactMissing: There is no such file.
        IncompleteRecord: Empty, no header, or no footer.
        RecordVersionError: Another layout.
        RecordError: A broken line, lines out of order, or a result twice.
    """
    path = Path(path)
    try:
        data = read_bytes(path, Size.TABLE)
    except FileNotFoundError as error:
        raise ArtefactMissing(
            "there is no record", where=path, next_step="run the suites with this report folder"
        ) from error
    except OSError as error:
        raise RecordError(
            "the record cannot be read", got=error.strerror or error, where=path
        ) from error
    return parse_record(data, path, allow_unfinished=allow_unfinished)


def parse_record(
    data: bytes, path: str | os.PathLike[str], *, allow_unfinished: bool = False
) -> Record:
    """The bytes of a record, see `load_record`.

    Args:
        data: Of the ``record.jsonl``.
        path: Where it came from, for errors.
        allow_unfinished: As for `load_record`.
    """
    path = Path(path)
    entries = parse_entries(data, path, allow_unfinished=allow_unfinished)
    header, footer = entries[0], entries[-1]
    return Record(
        header=cast(Header, header),
        results=_only(CheckResult, entries),
        timings=_only(Timing, entries),
        accuracies=_only(Accuracy, entries),
        ap_differences=_only(ApDifference, entries),
        quantisations=_only(QuantisationCost, entries),
        operating_points=_only(OperatingPointLosses, entries),
        reference_differences=_only(ReferenceDifferences, entries),
        diagnoses=_only(Diagnosis, entries),
        feeds=_only(FileFeed, entries),
        first_divergences=_only(FirstDivergence, entries),
        baseline=next(iter(_only(Baseline, entries)), None),
        baseline_comparisons=_only(BaselineComparison, entries),
        latency_trials=_only(LatencyTrial, entries),
        pictures=_only(Picture, entries),
        artefacts=_only(Artefact, entries),
        evidence=_only(Evidence, entries),
        backgrounds=_only(Background, entries),
        clusters=_only(ClusterUse, entries),
        steps=_only(Step, entries),
        joined=_only(JoinedShare, entries),
        footer=footer if isinstance(footer, Footer) else None,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def parse_entries(data: bytes, path: Path, *, allow_unfinished: bool = False) -> list[Entry]:
    """The lines of a record or a share: a header first, a footer last; see `load_record`."""
    entries = _entries(data, path, allow_unfinished)
    if not entries:
        raise IncompleteRecord("the record is empty", where=path)
    order = _Order()
    for number, entry in enumerate(entries, 1):
        order.take(entry, f"{path}, line {number}")
    if not isinstance(entries[-1], Footer) and not allow_unfinished:
        raise IncompleteRecord(
            "the record has no footer: the run did not end",
            where=path,
            next_step="run the suites again",
        )
    return entries


def _entries(data: bytes, path: Path, allow_torn: bool) -> list[Entry]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError("the record is not UTF-8 text", got=error, where=path) from error
    # Not splitlines(): it also splits at characters that JSON text may hold.
    lines = text.split("\n")
    torn = lines.pop()
    entries = [_entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    if torn and not allow_torn:
        raise IncompleteRecord(
            "the last line is torn: the run was stopped while it wrote",
            where=f"{path}, line {len(lines) + 1}",
            next_step="run the suites again",
        )
    return entries


def _entry(line: str, where: str) -> Entry:
    with guarded(RecordError, "a broken line in the record", where=where):
        fields = json.loads(line, parse_constant=refuse_constant)
    if not isinstance(fields, dict):
        raise RecordError("a line that is no JSON object", got=type(fields).__name__, where=where)
    try:
        return from_line(fields)
    except RecordError as error:
        error.where = where if error.where is None else f"{where}, {error.where}"
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise RecordError("a line that fits no entry", got=error, where=where) from error


def _only(kind: type[_Kind], entries: list[Entry]) -> tuple[_Kind, ...]:
    return tuple(entry for entry in entries if isinstance(entry, kind))


def _name(entry: Any) -> str:
    return type(entry).__name__.lower()
