"""The record of a run: written line by line while it happens, read back whole or refused.

``<run>/record.jsonl`` holds one JSON object a line: a header, the entries in the
order they happened, a footer. A run that was killed leaves a record without footer.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TextIO, TypeVar

from validation.errors import ArtefactMissing, IncompleteRecord, RecordError
from validation.record.lines import Entry, from_line, to_line
from validation.record.quantisation import QuantisationCost
from validation.record.run import Artefact, Footer, Header, Step
from validation.record.types import Accuracy, Background, CheckResult, Picture, Timing

RECORD_NAME = "record.jsonl"

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Record:
    """Everything that one run left behind, each kind in the order it was written.

    Args:
        header: What the figures depend on.
        results: What each check found; no (check, model, variant) twice.
        timings: Raw latency samples.
        accuracies: COCO figures.
        quantisations: What quantised files lose, by output and by layer.
        pictures: Images with the detections of several runtimes.
        artefacts: Files that took part.
        backgrounds: What the catalogue knows of the models.
        steps: Where the time went.
        footer: None when the run did not end.
        sha256: Of the file that it was read from, empty for one that was not.
    """

    header: Header
    results: tuple[CheckResult, ...] = ()
    timings: tuple[Timing, ...] = ()
    accuracies: tuple[Accuracy, ...] = ()
    quantisations: tuple[QuantisationCost, ...] = ()
    pictures: tuple[Picture, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    backgrounds: tuple[Background, ...] = ()
    steps: tuple[Step, ...] = ()
    footer: Footer | None = None
    sha256: str = ""


class RecordWriter:
    """The one who writes a record: header first, footer last, every line flushed.

    Leaving the ``with`` block without `close` leaves a record without footer, which
    cannot be signed.

    Args:
        run_dir: The run's own folder; made when it is not there.
    """

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / RECORD_NAME
        self._file: TextIO | None = None
        self._has_header = False
        self._has_footer = False
        self._seen: set[tuple[str, str, str]] = set()

    @property
    def results(self) -> int:
        """Number of check results written so far: what the footer has to say."""
        return len(self._seen)

    def open(self) -> Self:
        """Start the file.

        Raises:
            RecordError: A record already stands there; it is never overwritten.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = self.path.open("x", encoding="utf-8", newline="\n")
        except FileExistsError as error:
            raise RecordError(
                "there is already a record in the run's folder",
                where=self.path,
                next_step="choose another folder for this run",
            ) from error
        return self

    def write(self, entry: Entry) -> None:
        """Append one entry and flush it.

        Raises:
            RecordError: Out of order, a result twice, or a value that JSON cannot carry.
        """
        file = self._demand(entry)
        try:
            line = json.dumps(to_line(entry), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise RecordError(
                "an entry that a record cannot hold",
                expected="numbers, text, bool, None, and lists of them",
                got=error,
                where=_name(entry),
            ) from error
        file.write(line + "\n")
        file.flush()
        self._has_header = True
        if isinstance(entry, Footer):
            self._has_footer = True
        elif isinstance(entry, CheckResult):
            self._seen.add(_case(entry))

    def close(self, footer: Footer | None = None) -> None:
        """Write the footer, if one is given, and close the file; closing twice is harmless.

        Raises:
            RecordError: The footer counts other results than were written.
        """
        try:
            if footer is not None:
                self.write(footer)
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _demand(self, entry: Entry) -> TextIO:
        """The open file, when the entry may stand next."""
        if self._has_footer:
            raise RecordError("an entry after the footer", got=_name(entry), where=self.path)
        if self._file is None:
            raise RecordError("the record is not open", got=_name(entry), where=self.path)
        if isinstance(entry, Header) == self._has_header:
            raise RecordError(
                "a record starts with one header",
                expected="an entry" if self._has_header else "the header",
                got=_name(entry),
                where=self.path,
            )
        if isinstance(entry, CheckResult) and _case(entry) in self._seen:
            raise _twice(entry, self.path)
        if isinstance(entry, Footer):
            _demand_count(entry, self.results, self.path)
        return self._file


def load_record(path: Path, *, allow_unfinished: bool = False) -> Record:
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
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ArtefactMissing(
            "there is no record", where=path, next_step="run the suites with this report folder"
        ) from error
    entries = _entries(data, path, allow_unfinished)
    if not entries:
        raise IncompleteRecord("the record is empty", where=path)
    header, body = entries[0], entries[1:]
    if not isinstance(header, Header):
        raise IncompleteRecord(
            "the record has no header",
            expected="header",
            got=_name(header),
            where=f"{path}, line 1",
        )
    footer = body.pop() if body and isinstance(body[-1], Footer) else None
    _refuse_disorder(body, path)
    if footer is None and not allow_unfinished:
        raise IncompleteRecord(
            "the record has no footer: the run did not end",
            where=path,
            next_step="run the suites again",
        )
    results = _only(CheckResult, body)
    if isinstance(footer, Footer):
        _demand_count(footer, len(results), path)
    return Record(
        header=header,
        results=results,
        timings=_only(Timing, body),
        accuracies=_only(Accuracy, body),
        quantisations=_only(QuantisationCost, body),
        pictures=_only(Picture, body),
        artefacts=_only(Artefact, body),
        backgrounds=_only(Background, body),
        steps=_only(Step, body),
        footer=footer if isinstance(footer, Footer) else None,
        sha256=hashlib.sha256(data).hexdigest(),
    )


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
    try:
        fields = json.loads(line, parse_constant=_refuse_constant)
    except ValueError as error:
        raise RecordError("a broken line in the record", got=error, where=where) from error
    if not isinstance(fields, dict):
        raise RecordError("a line that is no JSON object", got=type(fields).__name__, where=where)
    try:
        return from_line(fields)
    except RecordError as error:
        error.where = where if error.where is None else f"{where}, {error.where}"
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise RecordError("a line that fits no entry", got=error, where=where) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _refuse_disorder(body: list[Entry], path: Path) -> None:
    seen: set[tuple[str, str, str]] = set()
    for number, entry in enumerate(body, 2):
        where = f"{path}, line {number}"
        if isinstance(entry, Header):
            raise RecordError("a second header: two runs in one record", where=where)
        if isinstance(entry, Footer):
            raise RecordError("lines after the footer", where=where)
        if isinstance(entry, CheckResult):
            if _case(entry) in seen:
                raise _twice(entry, where)
            seen.add(_case(entry))


def _demand_count(footer: Footer, written: int, where: object) -> None:
    if footer.results != written:
        raise RecordError(
            "the footer counts other results than the record holds",
            expected=f"{written} results",
            got=f"{footer.results} in the footer",
            where=where,
        )


def _only(kind: type[_Kind], entries: list[Entry]) -> tuple[_Kind, ...]:
    return tuple(entry for entry in entries if isinstance(entry, kind))


def _case(result: CheckResult) -> tuple[str, str, str]:
    return result.check, result.model, result.variant


def _twice(result: CheckResult, where: object) -> RecordError:
    return RecordError(
        "a check recorded twice for one model and variant",
        got=f"{result.check} on {result.key}",
        where=where,
    )


def _name(entry: Any) -> str:
    return type(entry).__name__.lower()
