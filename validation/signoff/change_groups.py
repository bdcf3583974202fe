"""Changes that are the same in several files, once with all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from validation.record.baseline import Aspect, Outcome
from validation.record.formatting import plural
from validation.signoff.causes import FindingGroup, cause_of
from validation.signoff.changes import RUN, Change

# Figures of so many files are shown one by one; of more, the worst and the range.
_FEW = 3


@dataclass(frozen=True)
class ChangeGroup:
    """One change, with everything that it happened to.

    Args:
        changes: At least one, all of one outcome.
    """

    changes: tuple[Change, ...]

    @property
    def shown(self) -> Change:
        """The one whose values stand for all: that which moved furthest, or the first."""
        return max(self.changes, key=lambda each: abs(each.move or 0))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everything that it happened to."""
        return tuple(dict.fromkeys(each.subject for each in self.changes))

    @property
    def is_varied(self) -> bool:
        """Its changes differ in their values."""
        return len({(each.before, each.after) for each in self.changes}) > 1

    @property
    def reason(self) -> str:
        """In a line; of several with other figures each, the worst and the range."""
        findings = tuple(each.finding for each in self.changes if each.finding is not None)
        if len({each.reason for each in self.changes}) > 1 and len(findings) == len(self.changes):
            return FindingGroup(findings).text
        moves = [each.move for each in self.changes if each.move is not None]
        if not self.is_varied or len(moves) < len(self.changes):
            return self.shown.reason
        digits = "+.4f" if self.shown.aspect is Aspect.AP else "+,.0f"
        span = " to ".join(f"{end:{digits}}" for end in (min(moves), max(moves)))
        unit = " bytes" if self.shown.aspect is Aspect.FILE else ""
        worst = f"{self.shown.subject} moved furthest"
        own = f": {self.shown.reason}" if self.shown.reason else ""
        return f"{worst}{own}; {span}{unit} in {plural(len(self.subjects), 'file')}"


def grouped_changes(changes: Iterable[Change]) -> tuple[ChangeGroup, ...]:
    """Changes of one kind and outcome together, in the order of the first of each."""
    same: dict[Hashable, list[Change]] = {}
    for change in changes:
        same.setdefault(_kind(change), []).append(change)
    groups: list[tuple[Change, ...]] = []
    for each in same.values():
        is_figure = each[0].move is not None
        apart = is_figure and len(each) <= _FEW
        groups += [(one,) for one in each] if apart else [tuple(each)]
    return tuple(ChangeGroup(each) for each in groups)


def of_outcome(changes: Iterable[Change], outcome: Outcome) -> tuple[Change, ...]:
    """Those that came to one outcome."""
    return tuple(each for each in changes if each.outcome is outcome)


def _kind(change: Change) -> Hashable:
    if change.move is not None:
        return change.outcome, change.aspect
    cause = change.reason if change.finding is None else cause_of(change.finding)
    is_run = change.subject == RUN
    return change.outcome, is_run, change.what, change.before, change.after, cause
