"""The tables of a comparison: what each is called, and the rows that it holds."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from validation.record.baseline import Aspect, Outcome
from validation.report.why import Link
from validation.signoff.change_groups import ChangeGroup, grouped_changes
from validation.signoff.changes import Change
from validation.signoff.circumstances import RunCircumstance


@dataclass(frozen=True)
class ComparedRow:
    """One thing that differs.

    Args:
        what: Its name.
        before: Its value on the first side; empty where there is none.
        after: On the second side.
        note: Empty where there is nothing to add.
        touched: The subjects that it is about, each with its place on the later run's pages; of
            more than one the values are those that differ most.
        each: A line for each subject, where their values are not the same.
        is_status: The values are verdicts, or those of a check.
    """

    what: str
    before: str
    after: str
    note: str = ""
    touched: tuple[Link, ...] = ()
    each: tuple[str, ...] = ()
    is_status: bool = False


class PartKind(enum.StrEnum):
    """What a table of the page holds; its value is its anchor."""

    WORSE = "worse"
    CHANGED = "changed"
    BETTER = "better"
    CIRCUMSTANCES = "circumstances"
    FILES = "files"


_TITLES = {
    PartKind.WORSE: ("Worse", "This would prevent signing what was signed before."),
    PartKind.CHANGED: ("Changed", "This differs, and is neither worse nor better by itself."),
    PartKind.BETTER: ("Better", "What the later run gained."),
    PartKind.CIRCUMSTANCES: (
        "Run under other conditions",
        "No change of a file; these can explain what moved.",
    ),
    PartKind.FILES: (
        "What the files hold",
        "Inputs, outputs, operators, constants and attributes that are not the same in both.",
    ),
}


@dataclass(frozen=True)
class ComparedPart:
    """One table of the page.

    Args:
        kind: What it holds.
        count: Of everything that differs: one for each subject of a row.
        rows: Empty where nothing differs.
    """

    kind: PartKind
    count: int
    rows: tuple[ComparedRow, ...]

    @property
    def title(self) -> str:
        """Its heading."""
        return _TITLES[self.kind][0]

    @property
    def lead(self) -> str:
        """How to read it."""
        return _TITLES[self.kind][1]


# The tables of changes, in their order.
OUTCOME_OF = {
    PartKind.WORSE: Outcome.WORSE,
    PartKind.CHANGED: Outcome.CHANGED,
    PartKind.BETTER: Outcome.BETTER,
}


def left_out(circumstance: RunCircumstance) -> str:
    """Which checks are not compared because of it; empty where all are."""
    names = ", ".join(circumstance.left_out)
    return f"not compared: {names}, which one run alone was asked for" if names else ""


def changes_part(
    kind: PartKind, changed: Sequence[Change], hrefs: Mapping[str, str]
) -> ComparedPart:
    """A table of changes, what is the same in several files in one row.

    Args:
        kind: Which table.
        changed: Of one outcome.
        hrefs: The place of each subject.
    """
    rows = tuple(_row(group, hrefs) for group in grouped_changes(changed))
    return ComparedPart(kind, len(changed), rows)


def _row(group: ChangeGroup, hrefs: Mapping[str, str]) -> ComparedRow:
    shown = group.shown
    touched = tuple(Link(each, hrefs.get(each, "")) for each in group.subjects)
    lines: Iterator[str] = iter(())
    if group.is_varied:
        lines = (
            f"{each.subject}: {each.before} -> {each.after}"
            + (f" ({each.reason})" if each.reason else "")
            for each in group.changes
        )
    what = shown.aspect if group.is_varied and shown.aspect is Aspect.AP else shown.what
    is_status = shown.aspect in (Aspect.VERDICT, Aspect.CHECK)
    return ComparedRow(
        what, shown.before, shown.after, group.reason, touched, tuple(lines), is_status
    )


def circumstances_part(around: Sequence[RunCircumstance], hrefs: Mapping[str, str]) -> ComparedPart:
    """The table of what two runs did not have in common, links as in `changes_part`."""
    rows = tuple(
        ComparedRow(
            each.what,
            each.before,
            each.after,
            left_out(each),
            tuple(Link(subject, hrefs.get(subject, "")) for subject in each.subjects),
        )
        for each in around
    )
    return ComparedPart(PartKind.CIRCUMSTANCES, len(rows), rows)
