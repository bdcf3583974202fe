"""Run one row of the table of checks, in whichever process."""

from __future__ import annotations

import time
from dataclasses import replace

from validation.checks.check import Check
from validation.checks.file_comparison import faults_of_file
from validation.errors import NotProvided
from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.workspace.context import CheckContext


def run_row(check: Check, context: CheckContext) -> list[Entry]:
    """What a check found, with the wall time that it took.

    It is UNKNOWN where the file or its reference cannot give what the check needs.
    """
    started = time.perf_counter()
    try:
        entries = check.run(context)
    except NotProvided as error:
        entries = [CheckResult.unknown(check.name, context.key, str(error))]
    if check.compares_files:
        entries = [*entries, *faults_of_file(context, entries)]
    seconds = time.perf_counter() - started
    return [
        replace(entry, seconds=seconds) if isinstance(entry, CheckResult) else entry
        for entry in entries
    ]
