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
from validation.record.types import CheckResult
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
        entries = _with_files(entries, faults_of_file(context, entries))
    seconds = time.perf_counter() - started
    return [_completed(entry, check.name, seconds) for entry in entries]


def _with_files(entries: list[Entry], faults: Sequence[Diagnosis]) -> list[Entry]:
    """What was done to a file says more than at which layer it is seen, and is said alone."""
    if not faults:
        return entries
    kept = [
        each
        for each in entries
        if not isinstance(each, Diagnosis) or each.by is not DiagnosedBy.LAYERS
    ]
    return [*kept, *faults]


def _completed(entry: Entry, check: str, seconds: float) -> Entry:
    """With what only the caller of a check knows."""
    if isinstance(entry, CheckResult):
        return replace(entry, seconds=seconds)
    return replace(entry, check=check) if isinstance(entry, Diagnosis) else entry
