"""What has changed since the baseline of a run: facts for pages and terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from validation.errors import first_few
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    Outcome,
    Why,
    status_outcome,
)
from validation.record.baseline_words import (
    OUTCOMES,
    counted,
    describe_baseline,
    describe_change,
    why_text,
)
from validation.record.formatting import plural
from validation.record.machine_class import MachineClass
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.signoff.rules import Judgement

# So many lines on a terminal; the page has all.
_MOST_LINES = 8


@dataclass(frozen=True)
class Circumstance:
    """Something that the two runs did not have in common.

    Args:
        name: For example ``tensorflow``, ``machine class`` or ``policy``.
        before: In the baseline; empty where it had none.
        after: In this run, alike.
    """

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class SubjectSince:
    """What has changed of one file.

    Args:
        key: Of the file.
        changes: Worst first; what is the same is left out.
        outcomes: How many aspects came to each outcome, those that are the same too.
    """

    key: ModelKey
    changes: tuple[AspectChange, ...]
    outcomes: Mapping[Outcome, int]


@dataclass(frozen=True)
class Since:
    """What has changed since a baseline.

    Args:
        baseline: What the run was compared with.
        verdict: On the run, before and now.
        circumstances: What is not the same around the files.
        subjects: Every file that was compared, in the order of the verdict.
        gone: Files of the baseline that this run did not test.
        outcomes: Of all changes together.
    """

    baseline: Baseline
    verdict: AspectChange
    circumstances: tuple[Circumstance, ...]
    subjects: tuple[SubjectSince, ...]
    gone: tuple[ModelKey, ...]
    outcomes: Mapping[Outcome, int]

    @property
    def counted(self) -> str:
        """How much has changed in the files that were compared: ``2 worse, 1 better``."""
        return counted(self.outcomes) if self.subjects else "nothing was compared"


def since_baseline(record: Record, judgement: Judgement) -> Since | None:
    """What has changed; None where the run was compared with nothing.

    Args:
        record: Of the run.
        judgement: On that record.
    """
    baseline = record.baseline
    if baseline is None:
        return None
    compared = {each.key: each for each in record.baseline_comparisons}
    subjects = []
    for key, verdict in judgement.subjects.items():
        if key not in compared:
            continue
        changes = [*compared[key].changes]
        was = baseline.verdict_of(key)
        if was is not None:
            outcome = status_outcome(was, verdict.status)
            changes.append(AspectChange(Aspect.VERDICT, outcome, "", was, verdict.status))
        subjects.append(_subject(key, changes))
    total: Counter[Outcome] = Counter()
    for each in subjects:
        total.update(each.outcomes)
    now = judgement.run.status
    tested = {key.identity for key in judgement.subjects}
    return Since(
        baseline,
        AspectChange(
            Aspect.VERDICT, status_outcome(baseline.verdict, now), "", baseline.verdict, now
        ),
        tuple(_circumstances(baseline, record)),
        tuple(subjects),
        tuple(each.key for each in baseline.subjects if each.key.identity not in tested),
        total,
    )


def _subject(key: ModelKey, changes: list[AspectChange]) -> SubjectSince:
    outcomes = Counter(each.outcome for each in changes)
    moved = [each for each in changes if each.outcome is not Outcome.SAME]
    return SubjectSince(
        key, tuple(sorted(moved, key=lambda each: OUTCOMES.index(each.outcome))), outcomes
    )


def _circumstances(baseline: Baseline, record: Record) -> Iterator[Circumstance]:
    machine = MachineClass.of(record.header.machine)
    if baseline.machine != machine:
        yield Circumstance("machine class", str(baseline.machine), str(machine))
    if baseline.limits != record.header.limits:
        yield Circumstance("policy", baseline.limits, record.header.limits)
    was, now = baseline.versions, record.header.versions
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield Circumstance(name, was.get(name, ""), now.get(name, ""))


def since_lines(since: Since) -> list[str]:
    """The same for a terminal: what came of it, and the worst of it, a line each."""
    baseline = since.baseline
    head = f"since {describe_baseline(baseline)}: {since.counted}"
    gone = f", {len(since.gone)} not tested" if since.gone else ""
    lines = [f"{head} ({plural(len(since.subjects), 'file')} compared{gone})"]
    if baseline.accepted:
        lines.append(f"  not judged, the baseline is replaced: {baseline.accepted}")
    lines += [
        f"  run with another {each.name}: {each.before or 'none'} -> {each.after or 'none'}"
        for each in since.circumstances
    ]
    said = [
        (change.outcome, f"{subject.key}: {describe_change(change)}")
        for subject in since.subjects
        for change in subject.changes
        if change.outcome is not Outcome.UNKNOWN
    ]
    said.sort(key=lambda each: OUTCOMES.index(each[0]))
    lines += [f"  {outcome}: {text}" for outcome, text in said[:_MOST_LINES]]
    if len(said) > _MOST_LINES:
        lines.append(f"  and {len(said) - _MOST_LINES} more, see the report")
    lines += _unknown(since)
    if since.gone:
        lines.append(f"  not tested in this run: {first_few([str(key) for key in since.gone])}")
    return lines


def _unknown(since: Since) -> Iterator[str]:
    """One line for each thing that is not known, whomever it is about."""
    about: dict[str, list[str]] = {}
    for subject in since.subjects:
        for change in subject.changes:
            if change.outcome is Outcome.UNKNOWN:
                text = f"{change.aspect}: {why_text(change)}"
                if change.why is Why.NOISE:
                    text = f"{change.aspect}: the noise floor of this run is above the limit"
                about.setdefault(text, []).append(str(subject.key))
    for text, names in about.items():
        yield f"  unknown: {text} ({first_few(names, 2)})"
