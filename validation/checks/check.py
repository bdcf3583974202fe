"""What one row of the table of checks says."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass

from validation.record.lines import Entry
from validation.record.types import ModelKey
from validation.workspace.context import CheckContext


@dataclass(frozen=True)
class Check:
    """One check: its name, its subjects, what it uses and how it is run.

    All functions are module-level ones, because rows travel to other processes.

    Args:
        name: In the record, in policy.toml and in the marker of its suite.
        run: Gives the entries for the record: one CheckResult, and the evidence that belongs to
            it. The first line of its docstring says what a PASS means.
        subjects: Shell patterns of the variants that it speaks about.
        given: Shell patterns of the forms of given files that it speaks about.
        needs: Of a check that needs a quiet machine: called in a child process before the check is
            run in the session's own, so that what could end the process ends the child.
        compares: It speaks only in a session that is compared with a baseline.
        first_only: Judge the first model of each variant only: the check speaks of the tools
            and not of the model.
        compares_files: A given file that does not pass is compared part by part with the
            reference's own .tflite, and the faults that are found are added.
        quiet: Nothing else may work while it runs. It comes after the others, and is run in the
            session's own process, which has the stopwatch.
    """

    name: str
    run: Callable[[CheckContext], list[Entry]]
    subjects: tuple[str, ...] = ("*",)
    given: tuple[str, ...] = ()
    needs: tuple[Callable[[CheckContext], object], ...] = ()
    first_only: bool = False
    quiet: bool = False
    compares: bool = False
    compares_files: bool = False

    def covers(self, key: ModelKey) -> bool:
        """True where the check speaks about this subject."""
        patterns = self.given if key.file else self.subjects
        return any(fnmatch.fnmatchcase(key.variant, pattern) for pattern in patterns)
