"""What a file loses at the score from which an app shows detections, by class and size.

AP ranks detections and never asks for their score: a file whose small stars all score 0.2 less
keeps its AP, and an app that shows detections from 0.3 does not show them any more.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from validation.comparison.detections import input_faults
from validation.comparison.operating_sides import (
    SIZES,
    LabelledImage,
    Mask,
    OperatingRule,
    ShownSides,
    Side,
    shown_sides,
)
from validation.comparison.share_intervals import LEVEL, joint_level, share_interval
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.formatting import per_cent, plural
from validation.record.operating_point import OperatingPointLosses, OperatingRow
from validation.record.types import CheckResult, Measure, ModelKey

_JUDGED = (
    "right_detections",
    "lost_share",
    "gained_share",
    "moved_share",
    "worst_cell_lost_at_least",
)
_Scope = tuple[int | None, int | None]
_ALL: _Scope = (None, None)


def check_operating_point(
    reference: Mapping[str, Detections],
    candidate: Mapping[str, Detections],
    images: Mapping[str, LabelledImage],
    rule: OperatingRule,
    *,
    asked: float,
    names: Mapping[int, str],
    unlabelled: Collection[int],
    exact: bool,
    policy: Policy,
    key: ModelKey,
    check: str = "operating_point",
    level: float = LEVEL,
) -> tuple[CheckResult, OperatingPointLosses | None]:
    """Judge what an app would miss of the reference, and the table of it.

    Only losses of right detections count against a file, and only gains of wrong ones: a lost
    false alarm is a gain.

    Args:
        reference: Detections of each image.
        candidate: Detections of each image.
        images: The labelled ones; others are not compared.
        rule: The threshold, and when a detection is lost or moved.
        asked: The threshold that the policy names; the model's own may be higher.
        names: Of classes, as far as they are known.
        unlabelled: Class ids whose objects are not labelled: all detections count as right.
        exact: Both sides compute the same, so that one loss is one too many and no sample of a
            rate; False: the limits are held against the intervals of the shares.
        policy: Has the limits of right_detections, lost_share, gained_share, moved_share and
            worst_cell_lost_at_least.
        key: The thing under test.
        check: Name of the check in the policy.
        level: Of the intervals.

    Returns:
        The result, and the table where the sides could be compared.
    """
    theirs = {image: found for image, found in candidate.items() if image in images}
    ours = {image: found for image, found in reference.items() if image in images}
    faults = input_faults(ours, theirs) or input_faults(ours, dict.fromkeys(images, _NOTHING))
    if faults:
        text = "; ".join(text for _, text in faults)
        return CheckResult.failed(check, key, text, where=faults[0][0]), None
    sides = shown_sides(ours, theirs, images, rule, unlabelled)
    losses = OperatingPointLosses(
        model=key.model,
        variant=key.variant,
        min_score=rule.min_score,
        asked=asked,
        score_epsilon=rule.score_epsilon,
        min_iou=rule.min_iou,
        moved_iou=rule.moved_iou,
        images=sides.images,
        unlabelled_classes=tuple(names.get(each, str(each)) for each in sorted(unlabelled)),
        undecided=sides.undecided,
        tied=sides.tied,
        rows=_rows(sides, names, None if exact else level),
        file=key.file,
        level=level,
    )
    if not losses.total.right:
        return CheckResult.unknown(check, key, _nothing_to_lose(losses)), losses
    values = {name: losses.figures[name] for name in _JUDGED}
    intervals = {} if exact else _intervals(sides, losses.total, level)
    measures = [
        dataclasses.replace(measure, interval=intervals.get(measure.name), level=level)
        for measure in Measure.limited(values, policy, check, key)
    ]
    result = CheckResult.judged(
        check,
        key,
        (*measures, *_for_information(losses)),
        message="; ".join((*_message(losses), *_needed(measures, losses))),
    )
    return result, losses


_NOTHING = Detections((), (), ())


def _intervals(
    sides: ShownSides, total: OperatingRow, level: float
) -> dict[str, tuple[float, float] | None]:
    ours, theirs, images = sides.reference, sides.candidate, sides.images
    shown = np.ones(len(theirs.images), bool)
    return {
        "lost_share": total.interval,
        "gained_share": _interval(theirs, shown, theirs.against, images, level),
        "moved_share": _interval(ours, ours.right, ours.right & ours.moved, images, level),
    }


def _for_information(losses: OperatingPointLosses) -> list[Measure]:
    cell = losses.worst.interval if losses.worst else None
    return [
        Measure(
            name, value, None, cell if name == "worst_cell_lost_share" else None, level=losses.level
        )
        for name, value in losses.figures.items()
        if name not in _JUDGED
    ]


def _nothing_to_lose(losses: OperatingPointLosses) -> str:
    return (
        f"at scores from {_threshold(losses)} the reference detects nothing rightly on "
        f"{plural(losses.images, 'labelled image')}, so there is nothing that could be lost: "
        "label more images, or set the score that your app uses in [[operating_point]]"
    )


def _threshold(losses: OperatingPointLosses) -> str:
    if losses.min_score == losses.asked:
        return f"{losses.asked:g}"
    return (
        f"{losses.min_score:g} (the model itself drops what scores less, policy: {losses.asked:g})"
    )


def _message(losses: OperatingPointLosses) -> list[str]:
    total, worst = losses.total, losses.worst
    parts = [
        f"at scores from {_threshold(losses)} on {plural(losses.images, 'image')}, "
        f"{total.lost_right} of {plural(total.right, 'right detection')} lost, "
        f"{total.moved_right} moved, {plural(total.gained_wrong, 'false alarm')} gained"
    ]
    if worst is not None:
        text = f"{worst.describe()}: {worst.lost_right} of {worst.right} lost"
        if worst.interval and (percent := round(100 * worst.interval[0])):
            sure = f"{per_cent(losses.level)} for all classes and sizes together"
            text += f", at least {percent} % with {sure}"
        parts.append(text)
    if losses.unlabelled_classes:
        count = len(losses.unlabelled_classes)
        parts.append(
            f"{count} {'class' if count == 1 else 'classes'} without labels, all detections of"
            " which count as right"
        )
    return parts


def _needed(measures: Sequence[Measure], losses: OperatingPointLosses) -> list[str]:
    """How many images would do, where intervals reach beyond their limits.

    A share's interval narrows with the root of the number of images, and with the number itself
    where nothing was hit.
    """
    factors = []
    for measure in measures:
        limit, interval = measure.limit, measure.interval
        if limit is None or interval is None or not measure.value < limit.bound < interval[1]:
            continue
        factor = (interval[1] - measure.value) / (limit.bound - measure.value)
        factors.append(factor**2 if measure.value else factor)
    if not factors or any(measure.status is Status.FAIL for measure in measures):
        return []
    count = math.ceil(max(factors) * losses.images / 10) * 10
    return [f"too few images to tell, about {count:,} are needed"]


def _rows(
    sides: ShownSides, names: Mapping[int, str], level: float | None
) -> tuple[OperatingRow, ...]:
    """All together, then classes, sizes, and classes at each size; those that have anything."""
    ours, theirs = sides.reference, sides.candidate
    classes = sorted({*ours.classes.tolist(), *theirs.classes.tolist()})
    scopes: list[_Scope] = [_ALL]
    sizes = range(len(SIZES))
    if len(classes) > 1:  # of one class they would all stand there twice
        scopes += [(class_id, None) for class_id in classes]
        scopes += [(None, size) for size in sizes]
    scopes += [(class_id, size) for class_id in classes for size in sizes]
    chosen = [(scope, _within(ours, scope), _within(theirs, scope)) for scope in scopes]
    # What has no right detection cannot lose one, so it is not looked at.
    looked_at = sum(bool((mask & ours.right).any()) for _, mask, _ in chosen[1:])
    together = None if level is None else joint_level(looked_at, level)
    return tuple(
        _row(scope, sides, mask, other, names, level if scope == _ALL else together)
        for scope, mask, other in chosen
        if scope == _ALL or mask.any() or other.any()
    )


def _within(side: Side, scope: _Scope) -> Mask:
    class_id, size = scope
    within = np.ones(len(side.images), bool)
    if class_id is not None:
        within &= side.classes == class_id
    if size is not None:
        within &= side.sizes == size
    return within


def _row(
    scope: _Scope,
    sides: ShownSides,
    mask: Mask,
    other: Mask,
    names: Mapping[int, str],
    level: float | None,
) -> OperatingRow:
    class_id, size = scope
    ours, theirs = sides.reference, sides.candidate
    right = mask & ours.right

    def count(which: Mask) -> int:
        return int(np.count_nonzero(which))

    return OperatingRow(
        class_id=class_id,
        class_name="" if class_id is None else names.get(class_id, ""),
        size=None if size is None else SIZES[size],
        images=len(np.unique(ours.images[right])),
        reference=count(mask),
        right=count(right),
        lost=count(mask & ours.unmatched),
        lost_right=count(right & ours.against),
        moved=count(mask & ours.moved),
        moved_right=count(right & ours.moved),
        shown=count(other),
        gained=count(other & theirs.unmatched),
        gained_wrong=count(other & theirs.against),
        interval=None
        if level is None
        else _interval(ours, right, right & ours.against, sides.images, level),
    )


def _interval(
    side: Side, trials: Mask, hits: Mask, images: int, level: float
) -> tuple[float, float]:
    """Of the share of some detections among others, counted by image."""
    return share_interval(
        np.bincount(side.images[hits], minlength=images).astype(np.float64),
        np.bincount(side.images[trials], minlength=images).astype(np.float64),
        level,
    )
