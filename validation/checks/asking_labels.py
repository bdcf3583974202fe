"""When a fault that both sides may share is looked for with the labels."""

from __future__ import annotations

from validation.checks.confirmed_parts import shared_places
from validation.checks.label_relation import LabelRelation, sure_detections
from validation.coco.dataset import Dataset
from validation.diagnosis.agreement import Found
from validation.policy.limits import Status
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext


def asks_for_labels(
    context: CheckContext, dataset: Dataset, found: Found, relation: LabelRelation, ap: float
) -> bool:
    """Something says that both sides may be wrong alike; the search costs hundreds of inferences.

    Args:
        context: Of the check of accuracy.
        dataset: The labelled images.
        found: What both sides detect.
        relation: How it lies to the labelled objects.
        ap: Of the reference; of a file without one, its own.
    """
    if ap < context.policy.setting("hypothesis_low_ap") or not relation.is_in_place:
        return True
    return _is_beside(context, dataset, found) or _is_doubted(context)


def _is_beside(context: CheckContext, dataset: Dataset, found: Found) -> bool:
    """Many detections of a high score lie on no object."""
    policy, key = context.policy, context.key
    sure, alone = sure_detections(context, dataset, found)
    limit = policy.limit("plausibility", "sure_alone_share", key.model, key.variant)
    return limit.status(alone / max(sure, 1)) is not Status.PASS


def _is_doubted(context: CheckContext) -> bool:
    """One file alone says some part of the model.

    Of a given file with a reference the two are compared, which takes the archive's other files no
    further.
    """
    if context.given is not None:
        return context.reference.kind is ReferenceKind.NONE
    return not shared_places(context).is_confirmed
