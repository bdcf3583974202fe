"""Where two detectors disagree: image by image, the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from validation.comparison.matching import ImageMatch, Pair, match_detections
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.pictures import BoxState


def score_epsilon(policy: Policy, *, in_8_bits: bool) -> float:
    """Distance from the cut within which it cannot be said whether a detection is lost."""
    if in_8_bits:
        return policy.setting("quantised_score_epsilon")
    return policy.setting("parity_score_epsilon")


@dataclass(frozen=True)
class DisagreementRule:
    """What is compared.

    Args:
        min_score: A detection is shown from here on.
        score_epsilon: How far below it the other side may still find a detection.
        min_iou: Lowest overlap at which two boxes are the same object.
        moved_iou: Overlap below which a box has moved.
    """

    min_score: float
    score_epsilon: float
    min_iou: float
    moved_iou: float

    @classmethod
    def of(cls, policy: Policy, min_score: float, *, in_8_bits: bool) -> DisagreementRule:
        """As a policy has it.

        Args:
            policy: Has the settings.
            min_score: A detection is shown from here on.
            in_8_bits: A side keeps its numbers in few bits, which moves scores by more.
        """
        return cls(
            min_score=min_score,
            score_epsilon=score_epsilon(policy, in_8_bits=in_8_bits),
            min_iou=policy.setting("parity_min_iou"),
            moved_iou=policy.setting("operating_moved_iou"),
        )


@dataclass(frozen=True)
class ClassChange:
    """One box that the two sides call by different classes.

    Args:
        first: Class id of the first side.
        second: Class id of the second side.
        score: The higher of both.
    """

    first: int
    second: int
    score: float


@dataclass(frozen=True)
class Disagreement:
    """What two sides find on one image.

    Args:
        image: Its key.
        pairs: Detections that both show, of one class and in one place.
        lost: Shown by the first side, and by the second not even a little below the threshold.
        gained: The reverse.
        moved: Of the pairs, those that overlap too little.
        changed: Boxes of another class; they count as neither lost nor gained.
        worst_iou: Over the pairs; None without any.
        worst_score_shift: Second less first, the largest by its size; None without pairs.
        weight: How much there is to see: the scores of what is lost, gained or of another
            class, and of each pair the part of its score that its overlap lacks.
    """

    image: str
    pairs: int
    lost: int
    gained: int
    moved: int
    changed: tuple[ClassChange, ...]
    worst_iou: float | None
    worst_score_shift: float | None
    weight: float

    @property
    def agrees(self) -> bool:
        """Nothing is lost, gained, moved or called otherwise."""
        return not (self.lost or self.gained or self.moved or self.changed)


def disagreements(
    first: Mapping[str, Detections], second: Mapping[str, Detections], rule: DisagreementRule
) -> tuple[Disagreement, ...]:
    """Every image, the one with most to see first; of equal weight in the order of the keys.

    Args:
        first: Detections of each image.
        second: Of the same images.
        rule: What is compared.
    """
    found = (_on_image(image, first[image], second[image], rule) for image in first)
    return tuple(sorted(found, key=lambda each: (-each.weight, each.image)))


def worst_images(found: Sequence[Disagreement], most: int) -> tuple[Disagreement, ...]:
    """The images with most to see, none of which agree."""
    return tuple(each for each in found if not each.agrees)[:most]


def _on_image(
    image: str, first: Detections, second: Detections, rule: DisagreementRule
) -> Disagreement:
    there, back = _matched(first, second, rule), _matched(second, first, rule)
    lost, gained = _missing(there), _missing(back)
    renamed = _same_places(first.take(lost), second.take(gained), rule)
    changed = tuple(
        ClassChange(
            int(first.classes[lost[pair.reference]]),
            int(second.classes[gained[pair.candidate]]),
            float(max(first.scores[lost[pair.reference]], second.scores[gained[pair.candidate]])),
        )
        for pair in renamed
    )
    alone = np.delete(lost, [pair.reference for pair in renamed])
    other = np.delete(gained, [pair.candidate for pair in renamed])
    scores = first.scores
    weight = (
        float(scores[alone].sum())
        + float(second.scores[other].sum())
        + sum(each.score for each in changed)
        + sum(float(scores[pair.reference]) * (1 - pair.iou) for pair in there.pairs)
    )
    shifts = [pair.score_shift for pair in there.pairs]
    return Disagreement(
        image=image,
        pairs=len(there.pairs),
        lost=len(alone),
        gained=len(other),
        moved=sum(pair.iou < rule.moved_iou for pair in there.pairs),
        changed=changed,
        worst_iou=min((pair.iou for pair in there.pairs), default=None),
        worst_score_shift=max(shifts, key=abs, default=None),
        weight=weight,
    )


def _matched(one: Detections, other: Detections, rule: DisagreementRule) -> ImageMatch:
    return match_detections(
        one,
        other,
        min_score=rule.min_score,
        score_epsilon=rule.score_epsilon,
        min_iou=rule.min_iou,
    )


def _missing(match: ImageMatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    # The other side was asked a little below the threshold, so that the borderline is settled.
    return np.array(sorted((*match.unmatched_reference, *match.borderline)), np.int64)


def _same_places(lost: Detections, gained: Detections, rule: DisagreementRule) -> tuple[Pair, ...]:
    """What one side alone shows, and the other alone in the same place under another class."""
    match = match_detections(
        _of_one_class(lost),
        _of_one_class(gained),
        min_score=rule.min_score,
        score_epsilon=0,
        min_iou=rule.min_iou,
    )
    return match.pairs


def _of_one_class(found: Detections) -> Detections:
    return Detections(found.boxes, found.scores, np.zeros_like(found.classes))


def box_states(
    first: Detections, second: Detections, rule: DisagreementRule
) -> tuple[tuple[BoxState, ...], tuple[BoxState, ...]]:
    """What the other side makes of each detection of one image, for a drawing.

    Args:
        first: Of the reference.
        second: Of the file, on the same image.
        rule: What is compared.

    Returns:
        One state for each detection of `first` and of `second`; those below the threshold, which
        are not compared, count as found.
    """
    there, back = _matched(first, second, rule), _matched(second, first, rule)
    of_first, of_second = [BoxState.FOUND] * len(first), [BoxState.FOUND] * len(second)
    for pair in there.pairs:
        if pair.iou < rule.moved_iou:
            of_first[pair.reference] = of_second[pair.candidate] = BoxState.MOVED
    lost, gained = _missing(there), _missing(back)
    for index in lost.tolist():
        of_first[index] = BoxState.LOST
    for index in gained.tolist():
        of_second[index] = BoxState.GAINED
    for pair in _same_places(first.take(lost), second.take(gained), rule):
        of_first[lost[pair.reference]] = BoxState.RENAMED
        of_second[gained[pair.candidate]] = BoxState.RENAMED
    return tuple(of_first), tuple(of_second)
