"""From a record to verdicts: pure rules, the same at the end of a run and in its report.

- Any FAIL makes a FAIL.
- A required check without evidence makes an UNKNOWN; so does a run that did not end.
- Any WARN makes a WARN; else it is a PASS.
- A model with seeded weights is judged by structure, parity and speed, and its verdict says so.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from validation.policy.limits import WORST_FIRST, Status, worst_status
from validation.policy.load import Policy, load_policy
from validation.record.baseline import BASELINE_CHECK
from validation.record.diagnosis import Diagnosis
from validation.record.given_files import given_file
from validation.record.run import Footer
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.signoff.exit_codes import INTERRUPTED
from validation.signoff.faults import with_diagnoses
from validation.signoff.findings import Cause, Finding, Verdict


@dataclass(frozen=True)
class ModelVerdict:
    """The judgement on one model.

    Args:
        model: Name of the model.
        verdict: On all its subjects together.
        subjects: One verdict a subject, in the order of the selection.
    """

    model: str
    verdict: Verdict
    subjects: Mapping[ModelKey, Verdict]


@dataclass(frozen=True)
class Judgement:
    """The judgement on a run and on everything in it.

    Args:
        run: The verdict that decides whether the run can be signed.
        models: One a model, in the order of the selection.
    """

    run: Verdict
    models: tuple[ModelVerdict, ...]

    @functools.cached_property
    def subjects(self) -> Mapping[ModelKey, Verdict]:
        """The verdict on each subject, in the order of the selection."""
        return {key: verdict for each in self.models for key, verdict in each.subjects.items()}


def policy_of(record: Record) -> Policy:
    """The built-in policy with what the run's own policy file changed."""
    return load_policy().overlaid(record.header.policy_overlay)


def judge(record: Record, policy: Policy | None = None) -> Judgement:
    """Judge every subject, every model and the run.

    Args:
        record: What the run left; a missing footer lets nothing pass.
        policy: Says which checks a signature needs; None: the record's own, see `policy_of`.
    """
    policy = policy_of(record) if policy is None else policy
    keys = keys_under_test(record)
    seeded = frozenset(record.header.structure_only)
    results: dict[ModelKey, list[CheckResult]] = {key: [] for key in keys}
    for result in record.results:
        results[result.key].append(result)
    ended = [] if record.footer else [Finding(Status.UNKNOWN, Cause.UNFINISHED)]
    findings = {
        key: _diagnosed(
            _on_variant(key, results[key], required_of(record, key, policy)),
            [each for each in record.diagnoses if each.key == key],
        )
        for key in keys
    }
    models = []
    for model in dict.fromkeys(key.model for key in keys):
        own = [key for key in keys if key.model == model]
        counting = [finding for key in own for finding in _counting(findings[key])]
        models.append(
            ModelVerdict(
                model,
                _verdict(counting + ended, structure_only=model in seeded),
                {
                    key: _verdict(findings[key] + ended, structure_only=model in seeded)
                    for key in own
                },
            )
        )
    run = [finding for key in keys for finding in _counting(findings[key])] + ended
    run += _on_session(record, run)
    structure_only = bool(models) and all(each.verdict.structure_only for each in models)
    return Judgement(_verdict(run, structure_only=structure_only), tuple(models))


def required_of(record: Record, key: ModelKey, policy: Policy) -> tuple[str, ...]:
    """The checks without which a subject is not signed.

    That against a baseline is one of a run that was compared with one and judged by it.
    """
    given = given_file(record.header, key)
    required = policy.required_checks(
        key.variant,
        structure_only=key.model in record.header.structure_only,
        given_by="" if given is None else given.reference.value,
    )
    is_compared = record.baseline is not None and not record.baseline.accepted
    return tuple(check for check in required if is_compared or check != BASELINE_CHECK)


def keys_under_test(record: Record) -> tuple[ModelKey, ...]:
    """Every subject that was selected or left a result, the selection first."""
    tested = (result.key for result in record.results)
    return tuple(dict.fromkeys([*record.header.selection, *tested]))


def evidence(result: CheckResult) -> Status:
    """What a result is worth: its status, or worse when its own measures contradict it.

    A record can be edited by hand; a PASS that judged nothing, or is recorded with a
    broken limit, is none.
    """
    judged = [measure.status for measure in result.measures if measure.limit is not None]
    if result.status in (Status.PASS, Status.WARN) and not judged:
        return Status.FAIL
    return worst_status([result.status, *judged])


def _on_variant(
    key: ModelKey, results: list[CheckResult], required: tuple[str, ...]
) -> list[Finding]:
    if not results:
        return [Finding(Status.UNKNOWN, Cause.UNTESTED, key)]
    findings = []
    for result in results:
        status = evidence(result)
        measures = tuple(each for each in result.measures if each.status is status)
        cause = Cause.RESULT if status is result.status else Cause.CONTRADICTED
        if status is Status.UNKNOWN and result.check not in required:
            status, cause = Status.PASS, Cause.NOT_REQUIRED
        if status is not Status.PASS or cause is Cause.NOT_REQUIRED:
            findings.append(Finding(status, cause, key, result.check, result, measures))
    present = {result.check for result in results}
    findings += [
        Finding(Status.UNKNOWN, Cause.MISSING, key, check)
        for check in required
        if check not in present
    ]
    if all(result.status is Status.UNKNOWN for result in results):
        findings.append(Finding(Status.UNKNOWN, Cause.NO_EVIDENCE, key))
    return findings


def _diagnosed(findings: list[Finding], diagnoses: list[Diagnosis]) -> list[Finding]:
    return list(with_diagnoses(_worst_first(findings), diagnoses)) if diagnoses else findings


def _on_session(record: Record, findings: list[Finding]) -> list[Finding]:
    """What only the run as a whole can show."""
    footer = record.footer
    if footer is not None and footer.interrupted_by:
        return [_interrupted(footer)]
    if not record.results:
        selected = record.header.selection
        return [Finding(Status.FAIL, Cause.NOTHING_TESTED if selected else Cause.NOTHING_SELECTED)]
    failed = any(finding.status is Status.FAIL for finding in findings)
    if footer is not None and footer.exit_code and not failed:
        if footer.exit_code == INTERRUPTED:
            return [_interrupted(footer)]
        return [Finding(Status.FAIL, Cause.EXIT_CODE, exit_code=footer.exit_code)]
    return []


def _interrupted(footer: Footer) -> Finding:
    return Finding(
        Status.UNKNOWN,
        Cause.INTERRUPTED,
        exit_code=footer.exit_code,
        interrupted_by=footer.interrupted_by,
        not_run=len(footer.not_run),
    )


def _counting(findings: list[Finding]) -> list[Finding]:
    """Findings as they count further up: without the notes of a PASS."""
    return [finding for finding in findings if finding.status is not Status.PASS]


def _verdict(findings: list[Finding], *, structure_only: bool) -> Verdict:
    """The worst finding decides."""
    status = worst_status([Status.PASS, *(finding.status for finding in findings)])
    return Verdict(status, tuple(_worst_first(findings)), structure_only)


def _worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: WORST_FIRST.index(finding.status))
