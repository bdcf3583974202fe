"""Run one row of the table of checks, in whichever process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from validation.checks.check import Check
from validation.checks.file_comparison import faults_of_file
from validation.errors import NotProvided
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.lines import Entry
from validation.record.stopped import diagnoses_of_error, not_said
from validation.record.types import CheckResult, ModelKey
from validation.workspace.context import CheckContext


def run_row(check: Check, context: CheckContext) -> list[Entry]:
    """What a check found, with the wall time that it took.

    It is UNKNOWN where the file or its reference cannot give what the check needs. Each diagnosis
    says which check gave it.
    """
    started = time.perf_counter()
    try:
        entries = check.run(context)
    except NotProvided as error:
        entries = [CheckResult.unknown(check.name, context.key, str(error))]
    if check.compares_files:
        entries = with_files(entries, faults_of_file(context, entries))
    seconds = time.perf_counter() - started
    return [_completed(entry, check.name, seconds) for entry in entries]


def stopped(check: str, key: ModelKey, error: BaseException, said: set[Diagnosis]) -> list[Entry]:
    """What a check leaves that an error ended: its result, and what is wrong with which file.

    Args:
        check: Its name.
        key: The subject.
        error: What ended it.
        said: See `not_said`: of one session.
    """
    diagnoses = not_said(diagnoses_of_error(error, key, check), said)
    return [CheckResult.stopped(check, key, error), *diagnoses]


def with_files(entries: Sequence[Entry], faults: Sequence[Diagnosis]) -> list[Entry]:
    """Entries of a check with what was done to the file.

    The comparison sees all of a file. So what other evidence says of the file's layers is said
    already, and a fault of the file that the comparison does not find is none.
    """
    if not faults:
        return list(entries)
    known = {kind for each in faults for kind in (each.fault, *each.ties)}
    return [*(each for each in entries if not _is_refuted(each, known)), *faults]


def _is_refuted(entry: Entry, known: set[FaultKind]) -> bool:
    if not isinstance(entry, Diagnosis):
        return False
    guesses = entry.by in (DiagnosedBy.ABSOLUTE, DiagnosedBy.HYPOTHESIS)
    is_other = guesses and entry.place is Place.FILE and entry.fault not in known
    return entry.by is DiagnosedBy.LAYERS or is_other


def _completed(entry: Entry, check: str, seconds: float) -> Entry:
    """With what only the caller of a check knows."""
    if isinstance(entry, CheckResult):
        return replace(entry, seconds=seconds)
    return replace(entry, check=check) if isinstance(entry, Diagnosis) else entry
