"""Where the time of a run went, for the first page."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from validation.record.store import Record


@dataclass(frozen=True)
class TimeTable:
    """Where the time went, the longest first.

    Args:
        steps: Model, step, seconds, and whether its result came out of the work folder.
        total: Seconds of the run; None where it did not end.
    """

    steps: tuple[tuple[str, str, float, bool], ...]
    total: float | None

    @property
    def accounted(self) -> float:
        """Seconds of all steps."""
        return sum(seconds for _, _, seconds, _ in self.steps)

    @property
    def remainder(self) -> float | None:
        """Seconds that no step accounts for; negative where steps ran side by side."""
        return None if self.total is None else self.total - self.accounted

    def percent(self, seconds: float) -> int:
        """A step's share of the run's time, or of what is known of it."""
        whole = self.total or self.accounted
        return round(100 * min(seconds / whole, 1.0)) if whole > 0 else 0


def time_table(record: Record) -> TimeTable:
    """Every step, and what the checks took besides, held against the run's wall time."""
    spent = [
        (step.model or "session", step.step, step.seconds, step.cached) for step in record.steps
    ]
    # A check's wall time holds the steps that it asked for, or waited for.
    checks: dict[str, float] = defaultdict(float)
    for result in record.results:
        checks[result.model] += result.seconds
    for step in record.steps:
        checks[step.model] -= step.seconds
    spent += [(model, "checks", seconds, False) for model, seconds in checks.items() if seconds > 0]
    return TimeTable(
        tuple(sorted(spent, key=lambda part: -part[2])),
        record.footer.seconds if record.footer else None,
    )
