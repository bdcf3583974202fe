"""Run one row of the table of checks, in whichever process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from validation.checks.check import Check
from validation.checks.file_comparison import faults_of_file
from validation.errors import NotProvided
from validation.record.diagnosis import DiagnosedBy, Diagnosis
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
    """Entries of a check with what was done to the file, before what other evidence says.

    What says the same of the file again is left out. Other diagnoses stay behind: there may be a
    second fault, which no part of the file shows.
    """
    if not faults:
        return list(entries)
    others = [each for each in entries if not _is_said(each, faults)]
    places = [at for at, each in enumerate(others) if isinstance(each, Diagnosis)]
    first = min(places, default=len(others))
    return [*others[:first], *faults, *others[first:]]


def _is_said(entry: Entry, faults: Sequence[Diagnosis]) -> bool:
    """A layer that differs, by what was done to it."""
    if not isinstance(entry, Diagnosis) or entry.by is not DiagnosedBy.LAYERS:
        return False
    known = {kind for each in faults for kind in (each.fault, *each.ties)}
    layer = entry.where.partition(" (")[0]
    return entry.fault in known or any(layer in each.where for each in faults if layer)


def _completed(entry: Entry, check: str, seconds: float) -> Entry:
    """With what only the caller of a check knows."""
    if isinstance(entry, CheckResult):
        return replace(entry, seconds=seconds)
    return replace(entry, check=check) if isinstance(entry, Diagnosis) else entry
