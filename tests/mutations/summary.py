"""What became of the changes of a trial, counted by kind, each survivor by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from mutations.changes import Change
from mutations.session import Outcome

__all__ = ["Summary", "described"]


@dataclass
class Summary:
    """What became of all changes.

    Args:
        killed: Changes that turned a test red, and which.
        survivors: Changes that no test sees; `Outcome.tests` says how many came by.
        equivalent: Survivors that no test can see, as equivalent.toml says.
        unseen: Survivors that no test sees so far, as unseen.toml says.
        wrongly_listed: Entries of the two that mean nothing, or whose mutants tests see.
        complete: False where a group could not be tried.
    """

    killed: list[tuple[Change, Outcome]] = field(default_factory=list)
    survivors: list[tuple[Change, Outcome]] = field(default_factory=list)
    equivalent: list[Change] = field(default_factory=list)
    unseen: list[Change] = field(default_factory=list)
    wrongly_listed: list[str] = field(default_factory=list)
    complete: bool = True

    def as_text(self) -> str:
        """Counts by kind, then each survivor."""
        lines = [
            "kind | tried | killed | equivalent | unseen | survived",
            "---|---|---|---|---|---",
        ]
        sides = (
            Counter(change.kind for change, _ in self.killed),
            Counter(change.kind for change in self.equivalent),
            Counter(change.kind for change in self.unseen),
            Counter(change.kind for change, _ in self.survivors),
        )
        for kind in sorted({kind for side in sides for kind in side}):
            counts = [side[kind] for side in sides]
            lines.append(" | ".join(map(str, (kind, sum(counts), *counts))))
        totals = [sum(side.values()) for side in sides]
        lines.append(" | ".join(map(str, ("all", sum(totals), *totals))))
        lines += [f"SURVIVED {described(*each)}" for each in self.survivors]
        lines += [f"WRONGLY LISTED {name}" for name in self.wrongly_listed]
        by_signal = [change for change, outcome in self.killed if outcome.is_signal]
        lines += [f"ended by a signal: {change.label}" for change in by_signal]
        return "\n".join(lines)


def described(change: Change, outcome: Outcome) -> str:
    line = f":{change.mutant.line}" if change.mutant else ""
    name = change.mutant.place if change.mutant else change.name
    return f"{change.module}{line} {change.kind}: {name} -> {change.after} ({outcome.tests} tests)"
