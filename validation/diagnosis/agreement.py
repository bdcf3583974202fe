"""How far two runs agree on each image, and whether undoing a fault has brought agreement back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.matching import box_iou, inside_image, match_detections
from validation.record.detections import Detections

Found = Mapping[str, Detections]
_Floats = NDArray[np.float64]

# Smaller differences of one image's agreement are rounding, and no vote.
_NO_VOTE = 1e-6


@dataclass(frozen=True)
class RestoreRules:
    """When a fault that was undone is taken for the fault that there is.

    Args:
        min_score: Detections below it are not compared.
        score_epsilon: Distance from `min_score` within which rounding decides.
        min_iou: Overlap from which two boxes may be one object.
        removed: Share of the disagreement that has to go.
        level: Agreement that has to come back.
        chance: So probable may it be that images improved by chance.
        tie: Of two faults whose undoing leaves disagreements that differ by less than this share
            of what there was, the evidence does not tell which it is.
        exact: Share of the disagreement that may be left where nothing is left to be explained.
        gain: Against labels, which no model meets in full: by so much the figure has to rise.
        gain_chance: Alike: so probable may it be that images improved by chance.
        gain_tie: Alike: of two faults whose undoing gains amounts that differ by less than this
            share, and by chance, the labels do not tell which it is.
    """

    min_score: float
    score_epsilon: float
    min_iou: float
    removed: float
    level: float
    chance: float
    tie: float
    exact: float
    gain: float
    gain_chance: float
    gain_tie: float


def agreement(reference: Detections, candidate: Detections, rules: RestoreRules) -> float:
    """Of one image, in [0, 1]: 1 where both sides have the same detections, or neither has any.

    Each pair counts by its overlap times how near its scores are; what is on one side only, as
    nothing.
    """
    if not (reference.is_finite and candidate.is_finite):
        return 0.0
    matched = match_detections(
        reference,
        candidate,
        min_score=rules.min_score,
        score_epsilon=rules.score_epsilon,
        min_iou=rules.min_iou,
    )
    alone = len(matched.unmatched_reference) + len(matched.unmatched_candidate)
    if not matched.pairs and not alone:
        return 1.0
    alike = sum(pair.iou * max(0.0, 1 - abs(pair.score_shift)) for pair in matched.pairs)
    return float(alike / (len(matched.pairs) + alone))


def agreements(reference: Found, candidate: Found, rules: RestoreRules) -> _Floats:
    """`agreement` of each image of the reference, in its order; 0 for one without a result."""
    return np.array(
        [
            agreement(found, candidate[image], rules) if image in candidate else 0.0
            for image, found in reference.items()
        ]
    )


def found_objects(labelled: Detections, found: Detections) -> float:
    """Average precision of one image, mean over three overlaps, in [0, 1]; 1 where both are empty.

    Args:
        labelled: The objects; scores play no part.
        found: Detections, which meet objects of their own class.
    """
    if not len(labelled):
        return 1.0 if not len(found) else 0.0
    if not len(found) or not found.is_finite:
        return 0.0
    ranked = found.take(np.argsort(-found.scores, kind="stable"))
    overlap = box_iou(inside_image(ranked), inside_image(labelled))
    overlap = np.where(ranked.classes[:, None] == labelled.classes[None, :], overlap, 0.0)
    # The others are false at any overlap.
    rows = np.flatnonzero(overlap.max(axis=1) >= _OVERLAPS[0])
    return float(np.mean([_precision(overlap, rows, least) for least in _OVERLAPS]))


# The ends and the middle of what COCO's AP is the mean of: what moves boxes a little shows at the
# higher ones.
_OVERLAPS = (0.5, 0.65, 0.8)


def _precision(overlap: _Floats, rows: NDArray[np.intp], least: float) -> float:
    """Average precision at one overlap, of [detections by score, objects]."""
    taken = np.zeros(overlap.shape[1], bool)
    hits = np.zeros(len(overlap))
    for row in rows.tolist():
        free = np.where(taken, 0.0, overlap[row])
        best = int(free.argmax())
        if free[best] >= least:
            taken[best] = True
            hits[row] = 1
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    # The envelope: what a lower score reaches, a higher one is not worse for.
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float((precision * hits).sum() / len(taken))


def objects_found(labelled: Found, found: Found) -> _Floats:
    """`found_objects` of each labelled image, in its order; 0 for one without a result."""
    return np.array(
        [
            found_objects(objects, found[image]) if image in found else 0.0
            for image, objects in labelled.items()
        ]
    )


def is_restored(before: _Floats, after: _Floats, rules: RestoreRules) -> bool:
    """True where most of the disagreement has gone, on most images, and not by chance.

    Where next to nothing is left, a few images are enough: chance does not restore every digit.

    Args:
        before: Agreement of each image.
        after: Alike, with a fault undone.
        rules: Say what is enough.
    """
    missing, left = float((1 - before).sum()), float((1 - after).sum())
    if not missing > 0 or float(after.mean()) < rules.level:
        return False
    if 1 - left / missing < rules.removed:
        return False
    return left <= rules.exact * missing or by_chance(before, after) <= rules.chance


def is_gain(before: _Floats, after: _Floats, rules: RestoreRules) -> bool:
    """As `is_restored` for figures that labels give: they rise by far, and not by chance."""
    gain = float((after - before).mean())
    return gain >= rules.gain and by_chance(before, after) <= rules.gain_chance


def by_chance(before: _Floats, after: _Floats) -> float:
    """Probability that so many of the images which changed would improve if each were a coin."""
    change = after - before
    better, worse = int((change > _NO_VOTE).sum()), int((change < -_NO_VOTE).sum())
    votes = better + worse
    if not votes:
        return 1.0
    ways: int = sum(math.comb(votes, wins) for wins in range(better, votes + 1))
    return ways / 2.0**votes
