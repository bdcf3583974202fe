"""Diagnoses put where they are read: with the findings of their check, each fault once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from validation.policy.limits import WORST_FIRST, Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis
from validation.record.types import ModelKey
from validation.signoff.findings import Finding


@dataclass(frozen=True)
class Fault:
    """One fault, in all files that have it.

    Args:
        diagnosis: Of the first file; of several diagnoses of one file, the most direct.
        touched: The files, each with the check that gave the diagnosis.
    """

    diagnosis: Diagnosis
    touched: Mapping[ModelKey, str]


def with_diagnoses(
    findings: Sequence[Finding], diagnoses: Sequence[Diagnosis]
) -> tuple[Finding, ...]:
    """Findings of one subject, each with the diagnoses that its check gave.

    What no finding's check gave goes with the first finding that counts: the subject has the
    fault, whichever check saw it.

    Args:
        findings: Of the subject, the worst first.
        diagnoses: Of the same.
    """
    counting = [each for each in findings if each.status is not Status.PASS]
    own: dict[int, list[Diagnosis]] = {}
    for diagnosis in diagnoses if counting else ():
        by_check = (each for each in counting if each.check == diagnosis.check)
        own.setdefault(id(next(by_check, counting[0])), []).append(diagnosis)
    return tuple(
        replace(each, diagnoses=tuple(own[id(each)])) if id(each) in own else each
        for each in findings
    )


def said_once(groups: Iterable[Sequence[Diagnosis]]) -> list[tuple[Diagnosis, ...]]:
    """Of each group the diagnoses that it is the first to have, the most direct first.

    A fault of a model is said where it is met first, by the most direct diagnosis of it,
    whatever other files and checks have met it as well.

    Args:
        groups: The worst first.
    """
    groups = list(groups)
    most_direct: dict[tuple[str, ...], Diagnosis] = {}
    for diagnosis in sorted((each for group in groups for each in group), key=_directness):
        most_direct.setdefault(_fault(diagnosis), diagnosis)
    said = []
    for group in groups:
        own = dict.fromkeys(_fault(each) for each in group)
        first = [most_direct.pop(each) for each in own if each in most_direct]
        said.append(tuple(sorted(first, key=_directness)))
    return said


def faults_of(
    diagnoses: Iterable[Diagnosis], statuses: Mapping[ModelKey, Status]
) -> tuple[Fault, ...]:
    """Every fault with its files: that of the worst file first, then the most direct.

    Args:
        diagnoses: Of any files.
        statuses: Verdict on each file.
    """
    same: dict[tuple[str, ...], list[Diagnosis]] = {}
    for each in sorted(diagnoses, key=_directness):
        same.setdefault((*_fault(each), each.where, repr((each.expected, each.got))), []).append(
            each
        )
    found = [Fault(each[0], _checks(each)) for each in same.values()]

    def badness(fault: Fault) -> tuple[int, int]:
        known = [WORST_FIRST.index(statuses.get(key, Status.PASS)) for key in fault.touched]
        return min(known), _directness(fault.diagnosis)

    return tuple(sorted(found, key=badness))


def _checks(diagnoses: Iterable[Diagnosis]) -> dict[ModelKey, str]:
    checks: dict[ModelKey, str] = {}
    for each in diagnoses:
        checks.setdefault(each.key, each.check)
    return checks


def _fault(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What is one fault whichever file, check and way of finding it gives it."""
    return diagnosis.model, diagnosis.fault, diagnosis.place


def _directness(diagnosis: Diagnosis) -> int:
    return tuple(DiagnosedBy).index(diagnosis.by)
