"""Which fault a value is that no right detector has."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from validation.comparison.anchor_sense import AnchorSense
from validation.comparison.detection_sense import DetectionSense
from validation.comparison.labelled_sense import LabelledSense, Renamed
from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.difference_facts import ClassFacts
from validation.record.types import CheckResult, ModelKey

# Of many classes that changed places so many are named.
_NAMED = 4


def of_values(
    detections: DetectionSense, anchors: AnchorSense | None, result: CheckResult, place: Place
) -> list[Diagnosis]:
    """Faults that values of detections and anchors show by themselves.

    Args:
        detections: What was looked at.
        anchors: None where the file states none.
        result: Says which values are beyond their limits.
        place: The graph where it shows the same, else the file.
    """
    wrong = {each.name for each in result.measures if each.status is Status.FAIL}
    key = result.key
    found = []
    if "not_finite_detections" in wrong:
        found.append(_diagnosis(key, FaultKind.NOT_FINITE, place, "detections"))
    if wrong & {"lowest_score", "highest_score"}:
        scores = f"{detections.lowest_score:.3g} to {detections.highest_score:.3g}"
        found.append(_diagnosis(key, FaultKind.SCORES, place, "scores", "0 to 1", scores))
    if _is_of_two_sigmoids(detections):
        found.append(_diagnosis(key, FaultKind.SCORES, place, "scores", "one", "two sigmoids"))
    constant = {"one_score": "scores", "same_everywhere": "detections"}
    found += [
        _diagnosis(key, FaultKind.CONSTANT_OUTPUT, place, where)
        for measure, where in constant.items()
        if measure in wrong
    ][-1:]
    if anchors is not None:
        faults = {
            "anchors_not_finite": f"{anchors.not_finite} of {anchors.rows} are not finite",
            "anchors_without_area": f"{anchors.sides_not_positive} of {anchors.rows} without area",
            "anchor_centres_beyond": f"centres {anchors.centre_beyond:.2g} outside of the image",
            "largest_anchor_side": f"sides up to {anchors.largest_side:.2g} times the image's",
        }
        found += [
            _diagnosis(key, FaultKind.ANCHORS, place, "anchors", got=got)
            for measure, got in faults.items()
            if measure in wrong
        ][:1]
    if "turned_boxes" in wrong and not any(each.fault is FaultKind.ANCHORS for each in found):
        axes = _diagnosis(key, FaultKind.BOX_AXES, place, "boxes")
        found.append(dataclasses.replace(axes, ties=(FaultKind.ANCHORS,)))
    return found


def _is_of_two_sigmoids(detections: DetectionSense) -> bool:
    """Of scores between 0 and 1 the sigmoid lies between these, and no other detector's do."""
    lowest, highest = 1 / (1 + math.exp(0)), 1 / (1 + math.exp(-1))
    is_within = lowest <= detections.lowest_score and detections.highest_score <= highest
    return is_within and bool(detections.full) and not detections.one_score


def of_moved_classes(
    key: ModelKey,
    moved: ClassFacts,
    names: Mapping[int, str],
    place: Place,
    other_places: tuple[Place, ...] = (),
) -> Diagnosis:
    """Classes of labels and detections that stand for one another.

    Args:
        key: Model and variant.
        moved: The file's class and the labels', as `moved_classes` found them.
        names: Of classes, as far as they are known.
        place: The file, where the reference does not show the same; else the labels, or the
            graph where nothing confirms its heads.
        other_places: As likely.
    """
    if moved.step:
        step = -moved.step if place is Place.LABELS else moved.step
        shift = _diagnosis(key, FaultKind.CLASS_SHIFT, place, "classes", "+0", f"{step:+d}")
        return dataclasses.replace(shift, other_places=other_places)
    said = [
        f"{names.get(labelled, labelled)} is found as {names.get(called, called)}"
        for called, labelled in moved.pairs[:_NAMED]
    ]
    said += ["and more"] if len(moved.pairs) > _NAMED else []
    order = _diagnosis(key, FaultKind.CLASS_ORDER, place, "classes", got=", ".join(said))
    return dataclasses.replace(order, ties=(FaultKind.CLASS_NAMES,), other_places=other_places)


def of_renamed(key: ModelKey, renamed: Renamed, category: str, name: str | None) -> Diagnosis:
    """A category that is called otherwise than the class that detects it."""
    return _diagnosis(
        key,
        FaultKind.CLASS_NAMES,
        Place.LABELS,
        f"category {renamed.category}",
        name or f"class {renamed.class_id}",
        category,
    )


def of_reading(
    key: ModelKey, fault: FaultKind, expected: str, got: str, ties: tuple[FaultKind, ...]
) -> Diagnosis:
    """Labels that are read otherwise than they were written."""
    found = _diagnosis(key, fault, Place.LABELS, "boxes", expected, got)
    return dataclasses.replace(found, ties=ties)


def of_lost(key: ModelKey, name: str, place: Place) -> Diagnosis:
    """A class that is never found."""
    return _diagnosis(key, FaultKind.CLASS_LOST, place, name)


def of_nothing(key: ModelKey) -> Diagnosis:
    """Either side meets next to no labelled object, and no reading of the labels explains it."""
    nothing = _diagnosis(key, FaultKind.FINDS_NOTHING, Place.GRAPH, "no box on most objects")
    return dataclasses.replace(nothing, ties=(FaultKind.OTHER_IMAGES,))


def of_unlabelled(key: ModelKey, labelled: LabelledSense) -> Diagnosis:
    """Objects that the detector is sure of, and no label shows."""
    got = f"{labelled.sure_alone} of {labelled.sure} sure detections are on no label"
    return _diagnosis(key, FaultKind.UNLABELLED, Place.LABELS, "objects", got=got)


def undone(diagnosis: Diagnosis, before: float, after: float) -> Diagnosis:
    """With AP as it is and with the fault undone."""
    return dataclasses.replace(diagnosis, measure="AP", before=before, after=after)


def is_worse_undone(diagnosis: Diagnosis) -> bool:
    """Undoing the fault does not raise the figure: it is not the fault."""
    before, after = diagnosis.before, diagnosis.after
    return before is not None and after is not None and after <= before


def _diagnosis(
    key: ModelKey,
    fault: FaultKind,
    place: Place,
    where: str,
    expected: Any = None,
    got: Any = None,
) -> Diagnosis:
    return Diagnosis(
        key.model,
        key.variant,
        fault,
        place,
        DiagnosedBy.ABSOLUTE,
        where,
        expected,
        got,
        file=key.file,
    )
