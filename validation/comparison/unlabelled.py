"""Classes of which too few have an object on the labelled images, as what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection

from validation.comparison.evidence_rules import EvidenceFacts
from validation.errors import first_few
from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult

_SHARE = "unscored_class_share"


def unlabelled_classes(
    facts: EvidenceFacts, result: CheckResult, where: str, without_category: Collection[str]
) -> list[Diagnosis]:
    """The labels' fault where so many classes have no object that too little is known.

    Args:
        facts: What there is.
        result: As `check_evidence` judged it.
        where: Name of the annotations.
        without_category: Classes that the labels do not know: their names may be the fault.
    """
    shares = [each for each in result.measures if each.name == _SHARE]
    if all(each.status in (Status.PASS, Status.WARN) for each in shares):
        return []
    absent = [name for name in facts.classes_without_object if name not in without_category]
    if 2 * len(absent) < len(facts.classes_without_object):
        return []
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
