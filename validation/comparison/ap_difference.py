"""COCO accuracy of a .tflite against the accuracy of the reference graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference, Difference, images_needed
from validation.record.dataset_notices import DatasetNotice
from validation.record.results_facts import Meeting
from validation.record.types import Accuracy, CheckResult, Measure

# Of the measures with an interval: whether a file that is worse has more of it.
_GROWS_WITH_LOSS = {"ap_drop": True, "ap_gain": False}


def check_accuracy(
    reference: Accuracy,
    candidate: Accuracy,
    policy: Policy,
    notices: Collection[DatasetNotice] = (),
    check: str = "accuracy",
    difference: ApDifference | None = None,
    undone_gain: float | None = None,
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
        difference: The interval of what is gained or lost: limits are held against all of it.
        undone_gain: What undoing a fault that both sides share gains; None where there is none.
    """
    key = candidate.key
    moving = [notice for notice in notices if notice.moves_figures]
    drop = reference.figures.ap - candidate.figures.ap
    values = {
        "images": candidate.images,
        "reference_ap": reference.figures.ap,
        "ap_drop": max(drop, 0.0),
        "ap_gain": max(-drop, 0.0),
        **_undone(undone_gain),
        **_left_or_assumed(candidate, moving),
    }
    measures = Measure.limited(values, policy, check, key)
    if difference is not None and difference.ap is not None:
        found = difference.ap
        measures = tuple(_with_interval(measure, found, difference) for measure in measures)
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
    alike = difference is not None and difference.ranked_alike
    return CheckResult.judged(
        check,
        key,
        (*measures, *unjudged),
        where=f"{candidate.images} images, categories {list(candidate.category_ids)}",
        message="; ".join(
            (
                f"AP {candidate.figures.ap:.4f}, reference {reference.figures.ap:.4f}",
                *([NO_INTERVAL_NEEDED] if alike else ()),
                *(candidate.join.doubts() if candidate.join else ()),
                *(notice.describe() for notice in moving),
            )
        ),
    )


def check_accuracy_alone(
    candidate: Accuracy,
    met: Meeting,
    policy: Policy,
    notices: Collection[DatasetNotice] = (),
    check: str = "accuracy",
    undone_gain: float | None = None,
) -> CheckResult:
    """A file without a reference finds what its policy asks for, and calls it what it is.

    Args:
        candidate: Of the file.
        met: How what it shows lies to the labelled objects.
        policy: Its limits: images, lowest_ap, called_otherwise_share, and what was left out or
            assumed.
        notices: Of the data set.
        check: Name in the record.
        undone_gain: What undoing a fault gains; None where there is none.
    """
    moving = [notice for notice in notices if notice.moves_figures]
    values = {
        "images": candidate.images,
        **_undone(undone_gain),
        "lowest_ap": candidate.figures.ap,
        "called_otherwise_share": (met.met - met.in_class) / max(met.met, 1),
        **_left_or_assumed(candidate, moving),
    }
    doubts = candidate.join.doubts() if candidate.join else ()
    if met.in_class < met.met - met.in_class:
        doubts = (
            "classes may be shifted or in another order, or the names another model's",
            *doubts,
        )
    return CheckResult.judged(
        check,
        candidate.key,
        (
            *Measure.limited(values, policy, check, candidate.key),
            Measure("ap", candidate.figures.ap),
            Measure("ap50", candidate.figures.ap50),
        ),
        where=f"{candidate.images} images, categories {list(candidate.category_ids)}",
        message="; ".join(
            (
                f"AP {candidate.figures.ap:.4f}, and no reference to hold it against",
                met.describe(),
                *doubts,
                *(notice.describe() for notice in moving),
            )
        ),
    )


NO_INTERVAL_NEEDED = (
    "the same true positives as the reference's with the same false ones before each, so that the "
    "difference is 0 on any such images and needs no interval"
)


def with_images_needed(difference: ApDifference, result: CheckResult) -> ApDifference:
    """The difference with what its check said of the number of images."""
    needed = [each.images_needed for each in result.measures if each.images_needed is not None]
    return dataclasses.replace(difference, images_needed=max(needed, default=None))


def _with_interval(measure: Measure, ap: Difference, of: ApDifference) -> Measure:
    """The measure with the interval of the difference, where it is one of gain or loss."""
    interval = interval_of(measure.name, ap)
    if interval is None:
        return measure
    sign = -1 if _GROWS_WITH_LOSS[measure.name] else 1
    measure = dataclasses.replace(measure, interval=interval, level=of.level)
    if measure.limit is None or not measure.is_undecided:
        return measure
    distance = measure.limit.bound - sign * ap.value
    needed = images_needed(of.images, ap.standard_error, distance, of.level)
    return dataclasses.replace(measure, images_needed=needed)


def interval_of(measure: str, ap: Difference) -> tuple[float, float] | None:
    """The interval of a measure of gain or loss; None for any other measure."""
    if measure not in _GROWS_WITH_LOSS:
        return None
    sign = -1 if _GROWS_WITH_LOSS[measure] else 1
    low, high = sorted((sign * ap.low, sign * ap.high))
    # Not max(low, 0): of NaN that would be 0.
    return (0.0 if low <= 0 else low, 0.0 if high <= 0 else high)


def _undone(gain: float | None) -> dict[str, float]:
    return {} if gain is None else {"undone_gain": gain}


def _left_or_assumed(candidate: Accuracy, moving: Collection[DatasetNotice]) -> dict[str, int]:
    """What makes figures doubtful however well both sides agree: the data was read wrongly."""
    join = candidate.join
    return {
        "classes_without_category": len(join.left_classes) if join else 0,
        "objects_without_class": join.objects_doubted if join else 0,
        "classes_joined_by_number": join.by_number if join else 0,
        "names_without_class": len(join.left_names) if join else 0,
        "labels_assumed": sum(notice.count for notice in moving),
    }
