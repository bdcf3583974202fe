"""Detections that rounding alone exchanged: two boxes of one score, of which one survives.

Non-maximum suppression keeps the better of two boxes that overlap. Where their scores are
equal but for rounding, two right implementations keep different ones, and each then
suppresses different neighbours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from validation.comparison.matching import ImageMatch, Pair, box_iou, inside_image
from validation.record.detections import Detections

_Image = TypeVar("_Image", bound=Hashable)


@dataclass(frozen=True)
class TieRule:
    """When an exchange is a tie.

    Args:
        nms_iou: Overlap from which one box suppresses the other.
        score_epsilon: Scores that differ by no more are equal.
        same_iou: Overlap from which two boxes are one and the same, rounded differently.
        most_share: Ties are rare: where more detections than this share would have to be
            excused, boxes are simply wrong and nothing is.
    """

    nms_iou: float
    score_epsilon: float
    same_iou: float
    most_share: float


def without_rare_ties(
    matches: Mapping[_Image, ImageMatch],
    reference: Mapping[_Image, Detections],
    candidate: Mapping[_Image, Detections],
    rule: TieRule | None,
) -> Mapping[_Image, ImageMatch]:
    """The matches of all images with their ties set apart, if those are rare; else as they are.

    Args:
        matches: Of each image.
        reference: Detections of each image.
        candidate: Detections of each image.
        rule: When an exchange is a tie; None: never.
    """
    if rule is None:
        return matches
    settled = {
        image: without_ties(match, reference[image], candidate[image], rule)
        for image, match in matches.items()
    }
    return settled if tied_share(settled.values()) <= rule.most_share else matches


def without_ties(
    match: ImageMatch, reference: Detections, candidate: Detections, rule: TieRule
) -> ImageMatch:
    """The match of one image with its ties set apart.

    A pair is a tie where the two boxes would have suppressed each other at equal scores. What
    only one side has is its consequence where the other side's survivor suppresses it.

    Args:
        match: Of the two.
        reference: Detections of the image.
        candidate: Detections of the image.
        rule: When an exchange is a tie.
    """
    tied = [pair for pair in match.pairs if _is_tie(pair, rule)]
    if not tied:
        return match
    lost = _suppressed(
        match.unmatched_reference, reference, [pair.candidate for pair in tied], candidate, rule
    )
    gained = _suppressed(
        match.unmatched_candidate, candidate, [pair.reference for pair in tied], reference, rule
    )
    return dataclasses.replace(
        match,
        pairs=tuple(pair for pair in match.pairs if pair not in tied),
        unmatched_reference=tuple(i for i in match.unmatched_reference if i not in lost),
        unmatched_candidate=tuple(i for i in match.unmatched_candidate if i not in gained),
        tied=len(tied) + len(lost) + len(gained),
    )


def tied_share(matches: Collection[ImageMatch]) -> float:
    """Share of all compared detections that were set apart; 0 where there are none."""
    tied = sum(match.tied for match in matches)
    others = sum(
        len(match.pairs) + len(match.unmatched_reference) + len(match.unmatched_candidate)
        for match in matches
    )
    return tied / (tied + others) if tied else 0.0


def _is_tie(pair: Pair, rule: TieRule) -> bool:
    return rule.nms_iou <= pair.iou < rule.same_iou and abs(pair.score_shift) <= rule.score_epsilon


def _suppressed(
    unmatched: Sequence[int],
    own: Detections,
    survivors: Sequence[int],
    other: Detections,
    rule: TieRule,
) -> set[int]:
    """Which of the unmatched detections a tied survivor of the other side rules out."""
    if not unmatched:
        return set()
    boxes, rivals = inside_image(own)[list(unmatched)], inside_image(other)[list(survivors)]
    same_class = own.classes[list(unmatched)][:, None] == other.classes[list(survivors)]
    ruled_out = (same_class & (box_iou(boxes, rivals) >= rule.nms_iou)).any(axis=1)
    return {index for index, out in zip(unmatched, ruled_out.tolist(), strict=True) if out}
