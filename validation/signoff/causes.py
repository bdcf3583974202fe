"""What counted in a verdict, each cause once with everything that it touched."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from validation.errors import first_few
from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import diagnosis_line
from validation.record.formatting import is_number, plural, quantity
from validation.record.types import Measure, ModelKey
from validation.signoff.faults import said_once
from validation.signoff.findings import Finding, explain


@dataclass(frozen=True)
class Span:
    """The values of one measure in several findings.

    Args:
        name: Of the measure.
        low: The least of them.
        high: The largest.
    """

    name: str
    low: float
    high: float

    def describe(self) -> str:
        """For example ``p95_ms 41.2 ms to 55.0 ms``."""
        return f"{self.name} {quantity(self.name, self.low)} to {quantity(self.name, self.high)}"


@dataclass(frozen=True)
class FindingGroup:
    """One thing that happened, with everything that it happened to.

    Args:
        findings: At least one, in their order.
        diagnoses: What is wrong, where that was found and no group before it has said it; the
            most direct first.
    """

    findings: tuple[Finding, ...]
    diagnoses: tuple[Diagnosis, ...] = ()

    @property
    def status(self) -> Status:
        """What it makes of the verdict."""
        return self.findings[0].status

    @property
    def worst(self) -> Finding:
        """The one that is furthest beyond its limits; the first of equals."""
        return max(self.findings, key=_excess)

    @property
    def is_varied(self) -> bool:
        """Its findings differ in their figures."""
        return len({explain(each) for each in self.findings}) > 1

    @property
    def spans(self) -> tuple[Span, ...]:
        """The values of each measure that decided and that is not the same in all findings."""
        values: dict[str, list[float]] = {}
        for each in (measure for finding in self.findings for measure in finding.measures):
            if is_number(each.value) and math.isfinite(each.value):
                values.setdefault(each.name, []).append(each.value)
        spans = (Span(name, min(found), max(found)) for name, found in values.items())
        return tuple(each for each in spans if each.low < each.high)

    @property
    def text(self) -> str:
        """What happened, on one line; of several with other figures each, what is worst."""
        worst = self.worst
        if not self.is_varied:
            return explain(worst)
        ranges = "".join(f"; {each.describe()}" for each in self.spans)
        subjects = plural(len(self.touched), "file")
        return f"worst of {subjects} {worst.key}: {explain(worst)}{ranges}"

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks that it counts in; empty where it is about none."""
        return tuple(dict.fromkeys(each.check for each in self.findings if each.check))

    @property
    def touched(self) -> Mapping[ModelKey, tuple[str, ...]]:
        """The checks of each subject that it touches; empty where it is about the whole run."""
        subjects: dict[ModelKey, list[str]] = {}
        for each in self.findings:
            if each.key is not None:
                subjects.setdefault(each.key, []).extend([each.check] if each.check else [])
        return {key: tuple(checks) for key, checks in subjects.items()}


def grouped_findings(findings: Iterable[Finding]) -> tuple[FindingGroup, ...]:
    """Findings with one cause together, in the order of the first of each."""
    same: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        same.setdefault((finding.status, cause_of(finding)), []).append(finding)
    diagnoses = said_once(
        [diagnosis for finding in each for diagnosis in finding.diagnoses] for each in same.values()
    )
    return tuple(
        FindingGroup(tuple(each), own) for each, own in zip(same.values(), diagnoses, strict=True)
    )


def cause_of(finding: Finding) -> Hashable:
    """What is the same wherever one thing happened.

    A process that ended is one cause, whether a check was running in it or was not begun again
    because of it. Measures of one check that are beyond their limits in the same way are one
    cause whatever their values; anything else is known by what is said of it.
    """
    result = finding.result
    if result is None or result.error is not None or not finding.measures:
        crash = None if result is None or result.error is None else result.error.crash
        return explain(finding) if crash is None else crash
    broken = tuple((each.name, each.is_undecided) for each in finding.measures)
    return finding.check, finding.cause, broken


def grouped_reasons(findings: Iterable[Finding]) -> list[str]:
    """One line for each thing that happened, with the first two of those it happened to."""
    return [
        "; ".join(filter(None, (reason_of(group), diagnosis_of(group))))
        for group in grouped_findings(findings)
    ]


def reason_of(group: FindingGroup, most: int = 2) -> str:
    """What happened, with the first of those it happened to."""
    names = [f"{each.key} {each.check}".rstrip() for each in group.findings if each.key]
    return f"{first_few(names, most)}: {group.text}" if names else group.text


def diagnosis_of(group: FindingGroup) -> str:
    """What is wrong and what to do about it; empty where that is not known, or was said before.

    Of several faults the first, and how many more there are.
    """
    return diagnosis_line(group.diagnoses, group.text)


def _excess(finding: Finding) -> tuple[float, float]:
    """How far beyond its limit the worst measure is, as a share of the limit and by itself."""
    return max(map(_beyond, finding.measures), default=(0.0, 0.0))


def _beyond(measure: Measure) -> tuple[float, float]:
    limit = measure.limit
    if limit is None or limit.relation not in ("max", "min") or not is_number(measure.value):
        return 0.0, 0.0
    sign = 1 if limit.relation == "max" else -1
    ends = measure.interval or (measure.value,)
    if not all(map(math.isfinite, ends)):
        return math.inf, math.inf
    is_inside = measure.status is Status.WARN and not measure.is_undecided
    bound = limit.warn if is_inside and limit.warn is not None else limit.bound
    excess = float(max(sign * (end - bound) for end in ends))
    return (excess / abs(bound) if bound else math.copysign(math.inf, excess)), excess
