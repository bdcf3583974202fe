"""What has changed since the baseline, for the first page: the worst first, each linked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from validation.record.baseline import Outcome
from validation.record.baseline_words import (
    OUTCOMES,
    describe_baseline,
    describe_change,
    why_text,
)
from validation.record.types import ModelKey
from validation.report.anchors import subject_anchor
from validation.report.why import Link
from validation.signoff.since import Circumstance, Since


@dataclass(frozen=True)
class Changed:
    """What has changed in one file, or in several alike.

    Args:
        outcome: Worse, changed, better or unknown.
        text: What, by how much, and why.
        touched: The files, each with its place.
    """

    outcome: Outcome
    text: str
    touched: tuple[Link, ...]


@dataclass(frozen=True)
class SinceSection:
    """The whole section.

    Args:
        since: What it is made of.
        baseline: What the run was compared with, in words.
        counted: How much has changed, in words.
        rows: The worst first; unknown ones last.
        around: What the two runs did not have in common.
    """

    since: Since
    baseline: str
    counted: str
    rows: tuple[Changed, ...]
    around: tuple[Circumstance, ...]

    @property
    def is_other_verdict(self) -> bool:
        """The verdict on the run is not what it was."""
        return self.since.verdict.outcome is not Outcome.SAME


def since_section(since: Since | None, pages: Mapping[str, str]) -> SinceSection | None:
    """The section of a run; None where it was compared with nothing.

    Args:
        since: What has changed.
        pages: File name of each model's page.
    """
    if since is None:
        return None
    rows = sorted(_changed(since, pages), key=lambda row: OUTCOMES.index(row.outcome))
    return SinceSection(
        since,
        describe_baseline(since.baseline),
        since.counted,
        tuple(rows),
        since.circumstances,
    )


def _changed(since: Since, pages: Mapping[str, str]) -> Iterator[Changed]:
    """What is the same of several files is one row."""
    about: dict[tuple[Outcome, str], list[Link]] = {}
    for subject in since.subjects:
        for change in subject.changes:
            if change.outcome is Outcome.UNKNOWN:
                text = f"{change.aspect}: {why_text(change)}".removesuffix(": ")
            else:
                text = describe_change(change)
            about.setdefault((change.outcome, text), []).append(_place(subject.key, pages))
    for (outcome, text), links in about.items():
        yield Changed(outcome, text, tuple(dict.fromkeys(links)))


def _place(key: ModelKey, pages: Mapping[str, str]) -> Link:
    """The file's section: what its baseline had may have no place of its own in this run."""
    name = key.label if len(pages) == 1 else str(key)
    return Link(name, f"{pages[key.model]}#{subject_anchor(key)}")
