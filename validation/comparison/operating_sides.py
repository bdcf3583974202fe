"""What the reference and a file show of labelled images from a score on, and what one side lacks.

A detection is lost where the reference shows it and the file finds it not even a little below the
threshold; gained, where it is the other way round.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.matching import (
    ImageMatch,
    box_iou,
    inside_image,
    last_slot,
    match_detections,
)
from validation.comparison.ties import TieRule, without_rare_ties
from validation.record.detections import Detections
from validation.record.operating_point import SIZE_BOUNDS, ObjectSize

SIZES = tuple(ObjectSize)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class OperatingRule:
    """What is compared, and when a detection is lost or moved.

    Args:
        min_score: The threshold.
        score_epsilon: How far below it the other side may still find a detection.
        min_iou: Lowest overlap at which two boxes are the same object.
        moved_iou: Overlap below which a box has moved.
        capacity: Detections that a run has slots for. None: as many as there are.
        ties: When an exchange of detections is a tie; None: never.
    """

    min_score: float
    score_epsilon: float
    min_iou: float
    moved_iou: float
    capacity: int | None = None
    ties: TieRule | None = None


@dataclass(frozen=True)
class LabelledImage:
    """An image's size and what is on it, under the model's own class ids.

    Args:
        height: Pixels.
        width: Pixels.
        objects: Boxes normalised to the image's sides; their scores are 1.
        crowds: Groups of objects, alike: what is found there is neither right nor wrong.
    """

    height: int
    width: int
    objects: Detections
    crowds: Detections


@dataclass(frozen=True)
class Side:
    """The detections that one side shows, over all images.

    Args:
        images: Number of the image of each.
        classes: Class id of each.
        sizes: Index into `SIZES` of each.
        right: On an object of its class; only asked of the reference.
        unmatched: Without a partner on the other side.
        against: Unmatched, and to the file's disadvantage.
        moved: With a partner elsewhere; only asked of the reference.
    """

    images: NDArray[np.int64]
    classes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    right: Mask
    unmatched: Mask
    against: Mask
    moved: Mask


@dataclass(frozen=True)
class ShownSides:
    """Both sides.

    Args:
        reference: What the reference shows; against the file is a right one that is lost.
        candidate: What the file shows; against it is a false alarm that is gained.
        images: How many were compared.
        undecided: Detections of the reference for which the file had no slot left.
        tied: Detections that rounding alone exchanged, on both sides.
    """

    reference: Side
    candidate: Side
    images: int
    undecided: int
    tied: int


def shown_sides(
    reference: Mapping[str, Detections],
    candidate: Mapping[str, Detections],
    images: Mapping[str, LabelledImage],
    rule: OperatingRule,
    unlabelled: Collection[int] = (),
) -> ShownSides:
    """What each side shows on every image, with what the other side does not find.

    Args:
        reference: Detections of each image.
        candidate: Detections of each image.
        images: Those to compare.
        rule: The threshold, and when a detection is lost or moved.
        unlabelled: Class ids whose objects are not labelled.
    """
    lost = _matches(reference, candidate, images, rule)
    gained = _matches(candidate, reference, images, rule)
    ids = np.array(sorted(unlabelled), np.int64)
    return ShownSides(
        _gather(
            _reference_side(number, lost[key], reference[key], candidate[key], image, rule, ids)
            for number, (key, image) in enumerate(images.items())
        ),
        _gather(
            _candidate_side(number, gained[key], candidate[key], image, rule, ids)
            for number, (key, image) in enumerate(images.items())
        ),
        len(images),
        sum(len(match.borderline) for match in lost.values()),
        sum(match.tied for match in lost.values()),
    )


def _matches(
    first: Mapping[str, Detections],
    second: Mapping[str, Detections],
    images: Collection[str],
    rule: OperatingRule,
) -> Mapping[str, ImageMatch]:
    """What the first side shows, with its partners on the second, down to a little below."""
    matches = {}
    for key in images:
        match = match_detections(
            first[key],
            second[key],
            min_score=rule.min_score,
            score_epsilon=rule.score_epsilon,
            min_iou=rule.min_iou,
            capacity=rule.capacity,
        )
        # The other side was asked a little below the threshold already: only a lack of slots
        # excuses what it did not find.
        slot = last_slot(second[key].scores, rule.capacity) + rule.score_epsilon
        shown = first[key].scores
        missed = [i for i in match.borderline if shown[i] >= slot]
        matches[key] = dataclasses.replace(
            match,
            unmatched_reference=tuple(sorted((*match.unmatched_reference, *missed))),
            borderline=tuple(i for i in match.borderline if shown[i] < slot),
        )
    return without_rare_ties(matches, first, second, rule.ties)


def _reference_side(
    number: int,
    match: ImageMatch,
    found: Detections,
    candidate: Detections,
    image: LabelledImage,
    rule: OperatingRule,
    unlabelled: NDArray[np.int64],
) -> Side:
    indices = [*(pair.reference for pair in match.pairs), *match.unmatched_reference]
    object_of = _objects(found, image, rule.min_score, rule.min_iou)
    still: set[int] = set()
    if match.unmatched_reference:
        below = rule.min_score - rule.score_epsilon
        still.update(_objects(candidate, image, below, rule.min_iou).values())
    # An object that the file finds in another box is not lost to anybody.
    gone = np.array([object_of.get(index) not in still for index in indices], bool)
    unmatched = np.arange(len(indices)) >= len(match.pairs)
    moved = np.zeros(len(indices), bool)
    moved[: len(match.pairs)] = [pair.iou < rule.moved_iou for pair in match.pairs]
    right = np.array([index in object_of for index in indices], bool)
    classes = found.classes[indices]
    right |= np.isin(classes, unlabelled)
    sizes = _sizes(found, indices, image)
    images = np.full(len(indices), number)
    return Side(images, classes, sizes, right, unmatched, unmatched & right & gone, moved)


def _candidate_side(
    number: int,
    match: ImageMatch,
    found: Detections,
    image: LabelledImage,
    rule: OperatingRule,
    unlabelled: NDArray[np.int64],
) -> Side:
    indices = [*(pair.reference for pair in match.pairs), *match.unmatched_reference]
    classes = found.classes[indices]
    unmatched = np.arange(len(indices)) >= len(match.pairs)
    none = np.zeros(len(indices), bool)
    excused = none
    if match.unmatched_reference:
        object_of = _objects(found, image, rule.min_score, rule.min_iou)
        excused = np.array([index in object_of for index in indices], bool)
        excused |= _on_crowd(found.take(np.array(indices, int)), image.crowds, rule.min_iou)
    against = unmatched & (~excused | np.isin(classes, unlabelled))
    sizes = _sizes(found, indices, image)
    images = np.full(len(indices), number)
    return Side(images, classes, sizes, none, unmatched, against, none)


def _objects(
    found: Detections, image: LabelledImage, min_score: float, min_iou: float
) -> dict[int, int]:
    """The object that each right detection is on, by index; an object has one at most."""
    match = match_detections(
        found, image.objects, min_score=min_score, score_epsilon=0, min_iou=min_iou
    )
    return {pair.reference: pair.candidate for pair in match.pairs}


def _on_crowd(found: Detections, crowds: Detections, min_iou: float) -> Mask:
    """Which lie on a crowd of their class with at least that share of their own area."""
    on = np.zeros(len(found), bool)
    boxes = inside_image(found)
    for crowd, class_id in zip(inside_image(crowds), crowds.classes.tolist(), strict=True):
        low = np.maximum(boxes[:, :2], crowd[:2])
        cut = np.concatenate([low, np.maximum(np.minimum(boxes[:, 2:], crowd[2:]), low)], axis=1)
        share = np.diagonal(box_iou(boxes, cut))
        on |= (found.classes == class_id) & (share >= min_iou)
    return on


def _sizes(found: Detections, indices: Sequence[int], image: LabelledImage) -> NDArray[np.int64]:
    boxes = inside_image(found)[indices] * ([image.height, image.width] * 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    sizes: NDArray[np.int64] = np.searchsorted(SIZE_BOUNDS, areas, side="right").astype(np.int64)
    return sizes


def _gather(sides: Iterator[Side]) -> Side:
    every = list(sides)
    return Side(
        *(
            np.concatenate([getattr(side, field.name) for side in every])
            for field in dataclasses.fields(Side)
        )
    )
