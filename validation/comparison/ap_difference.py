"""COCO accuracy of a .tflite against the accuracy of the reference graph."""

from __future__ import annotations

from collections.abc import Collection

from validation.policy.load import Policy
from validation.record.dataset_notices import DatasetNotice
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey


def check_accuracy(
    reference: Accuracy,
    candidate: Accuracy,
    policy: Policy,
    notices: Collection[DatasetNotice] = (),
    check: str = "accuracy",
) -> CheckResult:
    """The file loses no more average precision than the policy allows.

    Args:
        reference: Of the archive's inference graph, on the same images.
        candidate: Of the file under test.
        policy: Its limits: images, reference_ap, ap_drop, ap_gain. A gain without a
            cause is as suspect as a loss: both sides should be the same detector. What was
            left out of the figures, or assumed for them, has limits as well.
        notices: Of the data set.
        check: Name in the record.
    """
    key = ModelKey(candidate.model, candidate.variant)
    moving = [notice for notice in notices if notice.moves_figures]
    drop = reference.figures.ap - candidate.figures.ap
    values = {
        "images": candidate.images,
        "reference_ap": reference.figures.ap,
        "ap_drop": max(drop, 0.0),
        "ap_gain": max(-drop, 0.0),
        **_left_or_assumed(candidate, moving),
    }
    measures = Measure.limited(values, policy, check, key)
    unjudged = [
        Measure("ap", candidate.figures.ap),
        Measure("ap50", candidate.figures.ap50),
        Measure("ap50_drop", reference.figures.ap50 - candidate.figures.ap50),
    ]
    same = (reference.images, reference.category_ids) == (candidate.images, candidate.category_ids)
    if not same:
        return CheckResult.failed(
            check,
            key,
            f"reference and candidate were scored on different data: {reference.images} images, "
            f"categories {reference.category_ids}; {candidate.images} images, "
            f"categories {candidate.category_ids}",
        )
    return CheckResult.judged(
        check,
        key,
        (*measures, *unjudged),
        where=f"{candidate.images} images, categories {list(candidate.category_ids)}",
        message="; ".join(
            (
                f"AP {candidate.figures.ap:.4f}, reference {reference.figures.ap:.4f}",
                *(candidate.join.doubts() if candidate.join else ()),
                *(notice.describe() for notice in moving),
            )
        ),
    )


def _left_or_assumed(candidate: Accuracy, moving: Collection[DatasetNotice]) -> dict[str, int]:
    """What makes figures doubtful however well both sides agree: the data was read wrongly."""
    join = candidate.join
    return {
        "classes_without_category": len(join.left_classes) if join else 0,
        "objects_without_class": join.objects_left if join else 0,
        "classes_joined_by_number": join.by_number if join else 0,
        "names_without_class": len(join.left_names) if join else 0,
        "labels_assumed": sum(notice.count for notice in moving),
    }
