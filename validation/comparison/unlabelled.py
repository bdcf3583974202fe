"""Classes of which too few have an object on the labelled images, as what is wrong with them."""

from __future__ import annotations

from validation.comparison.evidence_rules import EvidenceFacts
from validation.errors import first_few
from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult

_SHARE = "unscored_class_share"


def unlabelled_classes(facts: EvidenceFacts, result: CheckResult, where: str) -> list[Diagnosis]:
    """The labels' fault where the share of such classes is beyond its limit.

    Args:
        facts: What there is.
        result: As `check_evidence` judged it.
        where: Name of the annotations.
    """
    if all(each.status is Status.PASS for each in result.measures if each.name == _SHARE):
        return []
    absent = facts.classes_without_object
    return [
        Diagnosis(
            result.model,
            result.variant,
            FaultKind.UNLABELLED,
            Place.LABELS,
            DiagnosedBy.CONTRACT,
            where=where,
            got=f"{len(absent)} of {len(facts.objects)}: {first_few(absent)}",
            file=result.file,
        )
    ]
