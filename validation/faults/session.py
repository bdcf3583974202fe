"""Rows judged one after the other in one process, each beside its clean model."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path

from validation.faults.case import CleanModels
from validation.faults.fault import Inject
from validation.faults.outcome import Control, Outcome, control_of, outcome_of
from validation.faults.running import Found, faults_policy, run_case
from validation.faults.table import Row, Subject
from validation.workspace.products import folder_for
from validation.workspace.settled import settle_process


class FaultSession:
    """What a process knows of clean models while it injects faults.

    Args:
        cache_dir: Archives and products of the harness.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._cache_dir = cache_dir
        self._folder = folder_for(self)
        self._clean: dict[Subject, Found] = {}
        self._policy = faults_policy()
        settle_process(self._policy)

    def judge(self, row: Row) -> Outcome:
        """Inject a fault, judge the case, and compare with the clean one."""
        clean = self._found_clean(row.subject)
        return outcome_of(row, self._run(row.subject, row.fault.inject), clean)

    def control(self, subject: Subject) -> Control:
        """Judge a clean case."""
        return control_of(subject, self._found_clean(subject))

    @cached_property
    def _models(self) -> CleanModels:
        return CleanModels(self._cache_dir, self._policy)

    def _found_clean(self, subject: Subject) -> Found:
        if subject not in self._clean:
            self._clean[subject] = self._run(subject, lambda _: None)
        return self._clean[subject]

    def _run(self, subject: Subject, inject: Inject) -> Found:
        folder = self._folder / "case"
        try:
            clean = self._models.case(subject, folder)
            case = inject(clean) or clean
            return run_case(
                case,
                subject,
                self._policy,
                self._cache_dir,
                self._folder / "runs",
                self._models.representative(),
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
