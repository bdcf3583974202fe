"""Why a verdict is what it is: each cause once, with links to its places on the models' pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from validation.policy.limits import Status
from validation.record import formatting
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import unsaid
from validation.record.types import Measure, ModelKey
from validation.report.anchors import DIAGNOSIS_ANCHOR, check_anchor, subject_anchor
from validation.signoff.causes import FindingGroup, Span, grouped_findings
from validation.signoff.findings import Cause, Verdict, full_reason

_BEGINNINGS = {
    Status.PASS: "All required checks passed.",
    Status.WARN: "Every limit is kept. Worse than it should be, or on too little evidence:",
    Status.FAIL: "Not to be signed:",
    Status.UNKNOWN: "Not to be signed, evidence is missing:",
}
# In the sentence beside the verdict.
_FEW = 3
# Measures of a finding that stand beside its message.
_FEW_MEASURES = 2


@dataclass(frozen=True)
class Link:
    """Words with the place where more is said.

    Args:
        text: Names a subject, a check, or both.
        href: Of the place; empty where there is none.
    """

    text: str
    href: str


@dataclass(frozen=True)
class Case:
    """What happened to some subjects in the same way.

    Args:
        text: In a sentence; of the worst of them, where their figures differ.
        measures: The first that decided; of the worst, alike.
        more: How many others did.
        touched: The subjects, each with a link to its place.
        worst: The subject with these figures; None where all have the same.
        spans: Of the same measures, the values of all subjects where they differ.
        diagnoses: What is wrong, where that was found and neither the text nor a case above says
            it; the most direct first.
        further: Where the others are; None where there is one at most.
    """

    text: str
    measures: tuple[Measure, ...]
    more: int
    touched: tuple[Link, ...]
    worst: Link | None = None
    spans: tuple[Span, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    further: Link | None = None


@dataclass(frozen=True)
class Why:
    """One row: a check that did not pass, or an error that stopped several.

    Args:
        status: What it makes of the verdict.
        title: The check; how many an error stopped; empty for what is about the run as a whole.
        cases: What happened, at least one.
        full: Every finding with all its figures, one a line.
    """

    status: Status
    title: str
    cases: tuple[Case, ...]
    full: tuple[str, ...]

    @property
    def touched(self) -> tuple[Link, ...]:
        """All subjects of all cases."""
        return tuple(dict.fromkeys(link for case in self.cases for link in case.touched))


@dataclass(frozen=True)
class Headline:
    """One sentence that says why: its beginning, and links to the causes.

    Args:
        beginning: By the verdict.
        causes: The worst, each with its first place; those that touch the same files together,
            and which files those are.
        more: How many causes of the same weight it leaves out.
    """

    beginning: str
    causes: tuple[tuple[tuple[Link, ...], str], ...]
    more: int


def why_rows(verdict: Verdict, pages: Mapping[str, str]) -> tuple[Why, ...]:
    """The causes of a verdict, the worst first; what one check found is one row.

    Args:
        verdict: On the run.
        pages: File name of each model's page.
    """
    rows: dict[tuple[Status, tuple[str, ...], int], list[FindingGroup]] = {}
    for number, group in enumerate(grouped_findings(verdict.findings), 1):
        # What stopped several checks, or is about none, is a row of its own.
        own = 0 if len(group.checks) == 1 else number
        rows.setdefault((group.status, group.checks, own), []).append(group)
    return tuple(
        Why(
            status,
            _title(checks),
            tuple(_case(each, pages) for each in groups),
            tuple(full_reason(finding) for each in groups for finding in each.findings),
        )
        for (status, checks, _), groups in rows.items()
    )


def headline(verdict: Verdict, rows: Sequence[Why]) -> Headline:
    """The sentence beside the verdict.

    Args:
        verdict: On the run.
        rows: Of the same verdict.
    """
    decisive = [row for row in rows if row.status is verdict.status]
    same: dict[tuple[str, ...], list[Link]] = {}
    for row in decisive[:_FEW]:
        touched = row.touched
        cause = Link(row.title or row.cases[0].text, touched[0].href if touched else "")
        same.setdefault(tuple(each.text for each in touched), []).append(cause)
    return Headline(
        _BEGINNINGS[verdict.status],
        tuple((tuple(causes), _of(names)) for names, causes in same.items()),
        len(decisive[_FEW:]),
    )


def _of(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"of {names[0] if len(names) == 1 else formatting.plural(len(names), 'file')}"


def _title(checks: Sequence[str]) -> str:
    if len(checks) > 1:
        return formatting.plural(len(checks), "check")
    return checks[0] if checks else ""


def _case(group: FindingGroup, pages: Mapping[str, str]) -> Case:
    shown = group.worst
    result = shown.result
    touched = tuple(_place(key, checks, pages) for key, checks in group.touched.items())
    diagnoses = unsaid(group.diagnoses, group.text)
    further = _further(diagnoses, pages)
    if result is None or shown.cause is not Cause.RESULT or result.error or not shown.measures:
        return Case(group.text, (), 0, touched, diagnoses=diagnoses, further=further)
    few, others = shown.measures[:_FEW_MEASURES], shown.measures[_FEW_MEASURES:]
    worst = None
    if group.is_varied and shown.key is not None:
        worst = _place(shown.key, (shown.check,), pages)
    names = {each.name for each in few}
    return Case(
        result.message,
        tuple(map(_with_its_limit, few)),
        len(others),
        touched,
        worst,
        tuple(each for each in group.spans if each.name in names),
        diagnoses,
        further,
    )


def _further(diagnoses: Sequence[Diagnosis], pages: Mapping[str, str]) -> Link | None:
    more = len(diagnoses) - 1
    if more < 1:
        return None
    place = f"{pages[diagnoses[1].model]}#{DIAGNOSIS_ANCHOR}"
    return Link(f"{more} more diagnos{'es' if more > 1 else 'is'}", place)


def _with_its_limit(measure: Measure) -> Measure:
    """Without the bound that warns, where another one was broken or left undecided."""
    limit = measure.limit
    if limit is None or (measure.status is Status.WARN and not measure.is_undecided):
        return measure
    return replace(measure, limit=replace(limit, warn=None))


def _place(key: ModelKey, checks: Iterable[str], pages: Mapping[str, str]) -> Link:
    """The check's own place, or that of all checks where there are several."""
    checks = tuple(checks)
    anchor = check_anchor(key, checks[0]) if len(checks) == 1 else subject_anchor(key)
    # Of one model its name would be said in every line.
    name = key.label if len(pages) == 1 else str(key)
    return Link(name, f"{pages[key.model]}#{anchor}")
