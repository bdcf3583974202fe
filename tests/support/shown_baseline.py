"""What the runs of `shown_runs` are compared with, and the runs that went before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from validation.policy.limits import Status
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineComparison,
    BaselineKind,
    BaselineSubject,
    Outcome,
    Why,
)
from validation.record.history import PastRun, PastSubject, keep_past_run
from validation.record.lines import Entry
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey

__all__ = ["MACHINE", "shown_comparisons", "write_shown_history"]

MACHINE = {"processor": "x86-64 v3", "cores": "2", "architecture": "x86_64"}
_RUNS = 6


def shown_comparisons(
    keys: Sequence[ModelKey], failing: Sequence[ModelKey], name: str, limits: str
) -> Iterator[Entry]:
    """A baseline in which everything passed, and one change of each outcome.

    Args:
        keys: Files of the run.
        failing: Of these, the ones that no longer pass.
        name: Of the baseline.
        limits: Of the policy that judged it, as the run's header has them.
    """
    before = BaselineKind.RUN, name, name, "2026-01-01T03:04:05+00:00", MachineClass.of(MACHINE)
    subjects = tuple(BaselineSubject(key.model, key.variant, Status.PASS, key.file) for key in keys)
    versions = {"harness": "0.1.0", "tensorflow": "2.20.0", "ai-edge-litert": "2.3.0"}
    facts = "evidence/baseline.json", "ab" * 32, 4000
    yield Baseline(*before, versions, Status.PASS, subjects, *facts, limits=limits)
    for key in keys:
        worse = key in failing
        yield BaselineComparison(
            key.model,
            key.variant,
            (
                AspectChange(Aspect.NAMES, Outcome.SAME),
                AspectChange(
                    Aspect.AP,
                    Outcome.WORSE if worse else Outcome.SAME,
                    before=0.43,
                    after=0.3381 if worse else 0.43,
                    interval=(-0.0991, -0.0881) if worse else None,
                    estimate=-0.0919 if worse else None,
                    why=None if worse else Why.RANKED_ALIKE,
                ),
                AspectChange(Aspect.SIZE, Outcome.BETTER, before=5_300_000, after=5_100_000),
                AspectChange(
                    Aspect.LATENCY, Outcome.UNKNOWN, "1 thread", 9.4, 9.49, why=Why.NO_FILE
                ),
            ),
            key.file,
        )


def write_shown_history(reports: Path, keys: Sequence[ModelKey]) -> None:
    """Six nights before the runs in a report folder, each a little slower than the one before."""
    for night in range(1, _RUNS + 1):
        started = f"2025-12-2{night}T03:04:05+00:00"
        subjects = tuple(
            PastSubject(
                key.model,
                key.variant,
                Status.PASS,
                "d4" * 32,
                5_100_000,
                0.43,
                9 + night / 10,
                1,
                0.2 + night / 100,
                "latency.p95_ms",
                file=key.file,
            )
            for key in keys
        )
        run = PastRun(
            f"2025-12-2{night}-night",
            started,
            MachineClass.of(MACHINE),
            {"tensorflow": "2.20.0"},
            "b2" * 32,
            Status.PASS,
            subjects,
        )
        keep_past_run(run, reports, _RUNS)
