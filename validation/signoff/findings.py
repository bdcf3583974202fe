"""What counted in a verdict, as facts, and the one line that people read of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis
from validation.record.formatting import describe_measure, describe_result, plural
from validation.record.types import CheckResult, Measure, ModelKey


class Cause(enum.StrEnum):
    """Why something counts."""

    RESULT = "a check's result"
    NOT_REQUIRED = "a check without evidence that no signature needs"
    CONTRADICTED = "a result that its own measures contradict"
    MISSING = "a required check without result"
    UNTESTED = "a selected variant without result"
    NO_EVIDENCE = "a variant without evidence"
    UNFINISHED = "a run without end"
    NOTHING_SELECTED = "a run of nothing"
    NOTHING_TESTED = "a run without result"
    INTERRUPTED = "a run that was interrupted"
    EXIT_CODE = "an exit code that no check explains"


_FIXED = {
    Cause.MISSING: "required, but left no result",
    Cause.UNTESTED: "selected, but no check left a result",
    Cause.NO_EVIDENCE: "no check gave evidence",
    Cause.UNFINISHED: "the run did not end: its record has no footer",
    Cause.INTERRUPTED: "the run was interrupted",
    Cause.NOTHING_SELECTED: "nothing was selected, so nothing was tested",
    Cause.NOTHING_TESTED: "no check left a result, so nothing was tested",
}


@dataclass(frozen=True)
class Finding:
    """One thing that counted in a verdict; a PASS is a note that changed nothing.

    Args:
        status: What it makes of the verdict.
        cause: Why it counts.
        key: What it is about; None for the run as a whole.
        check: Name of the check; empty where it is about no single one.
        result: Of that check, where there is one.
        measures: Those of the result that have the finding's status.
        exit_code: Of the session, where that is the cause.
        interrupted_by: Name of the signal that interrupted the run, where it was one.
        not_run: How many checks an interrupted run left out.
        diagnoses: What is wrong with the subject, where that was found.
    """

    status: Status
    cause: Cause
    key: ModelKey | None = None
    check: str = ""
    result: CheckResult | None = None
    measures: tuple[Measure, ...] = ()
    exit_code: int = 0
    interrupted_by: str = ""
    not_run: int = 0
    diagnoses: tuple[Diagnosis, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The judgement on a variant, a model or a run.

    Args:
        status: PASS, WARN, FAIL or UNKNOWN.
        findings: What led to it, worst first; of a PASS, notes at most.
        structure_only: It speaks of structure, parity and speed: the weights are seeded.
    """

    status: Status
    findings: tuple[Finding, ...] = ()
    structure_only: bool = False

    def describe(self) -> str:
        """For example ``PASS``, or ``PASS (structure only)``."""
        word = self.status.upper()
        return f"{word} (structure only)" if self.structure_only else word


def explain(finding: Finding) -> str:
    """What happened, on one line, without naming model, variant and check."""
    if finding.cause is Cause.EXIT_CODE:
        return f"the session ended with exit code {finding.exit_code}, and no check says why"
    result = finding.result
    if finding.cause is Cause.INTERRUPTED:
        by = f" by {finding.interrupted_by}" if finding.interrupted_by else ""
        left = f": {plural(finding.not_run, 'check')} not run" if finding.not_run else ""
        return f"{_FIXED[finding.cause]}{by}{left}"
    if result is None:
        return _FIXED[finding.cause]
    if finding.cause is Cause.CONTRADICTED:
        measures = "; ".join(map(describe_measure, finding.measures))
        where = f" ({result.where})" if result.where else ""
        return f"recorded as {result.status}, but {measures or 'no measure was judged'}{where}"
    text = describe_result(result)
    return f"{text} (not required)" if finding.cause is Cause.NOT_REQUIRED else text


def reason(finding: Finding) -> str:
    """``check: what happened``, for a reader who knows the variant."""
    return f"{finding.check}: {explain(finding)}" if finding.check else explain(finding)


def full_reason(finding: Finding) -> str:
    """``model-variant: check: what happened``."""
    return reason(finding) if finding.key is None else f"{finding.key}: {reason(finding)}"
