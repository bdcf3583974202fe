"""From a record to verdicts: pure rules, the same at the end of a run and in its report.

- Any FAIL makes a FAIL.
- A required check without evidence makes an UNKNOWN; so does a run that did not end.
- Any WARN makes a WARN; else it is a PASS.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from validation.policy.limits import Status, worst_status
from validation.policy.load import Policy, load_policy
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey, Verdict
from validation.specs.variants import VARIANTS

RUN = "run"

_UNFINISHED = "the run did not end: its record has no footer"

# A test id that left no result. Model names hold hyphens; of the variants only uint8-raw does.
_TEST_ID = re.compile(rf"(?P<model>.+?)-(?P<variant>{'|'.join(VARIANTS)}|[^-]+)")

_RELATIONS = {"max": "at most", "min": "at least", "equal": "exactly"}

# What blocks a signature stands before what only deserves a look.
WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.PASS)


@dataclass(frozen=True)
class Finding:
    """One thing that counted in a verdict; a PASS is a note that changed nothing."""

    status: Status
    reason: str


@dataclass(frozen=True)
class ModelVerdict:
    """The judgement on one model.

    Args:
        model: Name of the model.
        verdict: On all its variants together.
        variants: One verdict a variant, in the order of the selection.
    """

    model: str
    verdict: Verdict
    variants: Mapping[str, Verdict]


@dataclass(frozen=True)
class Judgement:
    """The judgement on a run and on everything in it.

    Args:
        run: The verdict that a signature stands or falls with.
        models: One a model, in the order of the selection.
        findings: The reasons of the run's verdict with the weight of each, worst first.
    """

    run: Verdict
    models: tuple[ModelVerdict, ...]
    findings: tuple[Finding, ...]


def policy_of(record: Record) -> Policy:
    """The built-in policy with what the run's own policy file changed."""
    return load_policy().overlaid(record.header.policy_overlay)


def judge(record: Record, policy: Policy) -> Judgement:
    """Judge every variant, every model and the run.

    Args:
        record: What the run left; a missing footer lets nothing pass.
        policy: Says which checks a signature needs.
    """
    keys = keys_under_test(record)
    results: dict[ModelKey, list[CheckResult]] = {key: [] for key in keys}
    for result in record.results:
        results[result.key].append(result)
    ended = [] if record.footer else [Finding(Status.UNKNOWN, _UNFINISHED)]
    findings = {key: _on_variant(results[key], policy.required_checks(key.variant)) for key in keys}
    models = []
    for model in dict.fromkeys(key.model for key in keys):
        own = [key for key in keys if key.model == model]
        models.append(
            ModelVerdict(
                model,
                _verdict(model, _told(findings, own, lambda key: key.variant) + ended),
                {key.variant: _verdict(str(key), findings[key] + ended) for key in own},
            )
        )
    run = _told(findings, keys, str) + ended
    run += _on_session(record, run)
    return Judgement(_verdict(RUN, run), tuple(models), tuple(_worst_first(run)))


def keys_under_test(record: Record) -> tuple[ModelKey, ...]:
    """Every model and variant that was selected or left a result, the selection first."""
    with_result = {str(result.key): result.key for result in record.results}
    selected = [with_result.get(test) or _key(test) for test in record.header.selection]
    return tuple(dict.fromkeys([*selected, *(result.key for result in record.results)]))


def evidence(result: CheckResult) -> Status:
    """What a result is worth: its status, or worse when its own measures contradict it.

    A record can be edited by hand; a PASS that judged nothing, or stands beside a
    broken limit, is none.
    """
    judged = [measure.status for measure in result.measures if measure.limit is not None]
    if result.status in (Status.PASS, Status.WARN) and not judged:
        return Status.FAIL
    return worst_status([result.status, *judged])


def _key(test: str) -> ModelKey:
    found = _TEST_ID.fullmatch(test)
    return ModelKey(found["model"], found["variant"]) if found else ModelKey(test, "")


def _on_variant(results: list[CheckResult], required: tuple[str, ...]) -> list[Finding]:
    if not results:
        return [Finding(Status.UNKNOWN, "selected, but no check left a result")]
    findings: list[Finding] = []
    for result in results:
        status = evidence(result)
        if status is Status.UNKNOWN and result.check not in required:
            findings.append(Finding(Status.PASS, f"{_reason(result, status)} (not required)"))
        elif status is not Status.PASS:
            findings.append(Finding(status, _reason(result, status)))
    present = {result.check for result in results}
    findings += [
        Finding(Status.UNKNOWN, f"{check}: required, but it left no result")
        for check in required
        if check not in present
    ]
    if all(result.status is Status.UNKNOWN for result in results):
        findings.append(Finding(Status.UNKNOWN, "no check gave evidence"))
    return findings


def _on_session(record: Record, findings: list[Finding]) -> list[Finding]:
    """What only the run as a whole can show."""
    if not record.results:
        nothing = "no check left a result" if record.header.selection else "nothing was selected"
        return [Finding(Status.FAIL, f"{nothing}, so nothing was tested")]
    failed = any(finding.status is Status.FAIL for finding in findings)
    if record.footer and record.footer.exit_code and not failed:
        ending = f"the session ended with exit code {record.footer.exit_code}"
        return [Finding(Status.FAIL, f"{ending}, and no check says why")]
    return []


def _told(
    findings: Mapping[ModelKey, list[Finding]],
    keys: Iterable[ModelKey],
    label: Callable[[ModelKey], str],
) -> list[Finding]:
    """Findings as they count further up: named, and without the notes of a PASS."""
    return [
        Finding(finding.status, f"{label(key)}: {finding.reason}")
        for key in keys
        for finding in findings[key]
        if finding.status is not Status.PASS
    ]


def _verdict(subject: str, findings: list[Finding]) -> Verdict:
    """The worst finding decides."""
    status = worst_status([Status.PASS, *(finding.status for finding in findings)])
    return Verdict(subject, status, tuple(finding.reason for finding in _worst_first(findings)))


def _worst_first(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: WORST_FIRST.index(finding.status))


def _reason(result: CheckResult, status: Status) -> str:
    """One line that names the check and says why."""
    broken = "; ".join(_broken(measure) for measure in result.measures if measure.status is status)
    said = "; ".join(part for part in (result.message, broken) if part) or status.value
    if status is not result.status:
        said = f"recorded as {result.status}, but {broken or 'no measure was judged'}"
    where = f" ({result.where})" if result.where else ""
    return " ".join(f"{result.check}: {said}{where}".split())


def _broken(measure: Measure) -> str:
    limit = measure.limit
    if limit is None:
        return f"{measure.name} is {_figure(measure.value)}"
    value, bound = _figure(measure.value), _figure(limit.bound)
    if value == bound:  # rounding would hide by how little the limit is missed
        value, bound = repr(measure.value), repr(limit.bound)
    bound = f"{_RELATIONS.get(limit.relation, limit.relation)} {bound}"
    if measure.status is Status.WARN:
        warned = f"inside its limit ({bound}) but beyond {_figure(limit.warn)}"
        return f"{measure.name} is {value}, {warned}"
    return f"{measure.name} is {value}, should be {bound}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
