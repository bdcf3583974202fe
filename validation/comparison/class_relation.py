"""Which of a reference's classes a file's class is: by raw scores, else by detections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.matching import box_iou, inside_image
from validation.record.detections import Detections
from validation.record.difference_facts import ClassFacts

# Of each class, so many of its strongest anchors tell it from the others.
_STRONGEST = 20
# One class that is taken for another is a confusion; a step and an order take two.
_LEAST_MOVED = 2

_Floats = NDArray[np.float64]
# How often a reference's class, the first, was met as a file's, the second.
_Votes = Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class ClassRelation:
    """What was found of two sides' class numbers.

    Args:
        facts: How they differ; None where they agree, or where that is not known.
        why_unknown: Why it cannot; empty where it can.
    """

    facts: ClassFacts | None = None
    why_unknown: str = ""


def classes_by_scores(
    reference: _Floats, candidate: _Floats, num_classes: tuple[int, int], rules: DifferenceRules
) -> ClassRelation:
    """Compare class numbers by the raw scores of the same anchors on the same images.

    A shift shows in every class that moves at all, so that a few classes are enough. Robust to
    quantisation: columns correspond where they rise and fall together.

    Args:
        reference: [I, 1, N, C] with or without the background's column, in [0, 1].
        candidate: As the reference, of a file that may have another number of columns.
        num_classes: Of the reference and of the file, without the background.
        rules: Say when columns correspond, and how much evidence a claim takes.
    """
    ours, theirs = (each.reshape(-1, each.shape[-1]) for each in (reference, candidate))
    if len(ours) != len(theirs):
        return ClassRelation(why_unknown="raw scores of another number of anchors")
    # The first column is class 0, the background, or class 1 where the background is left out.
    first, other = (
        1 - (side.shape[1] - count) for side, count in zip((ours, theirs), num_classes, strict=True)
    )
    rows = _strongest(ours, theirs)
    found = _corresponding(ours[rows], theirs[rows], rules)
    votes = {(row + first, column + other): 1 for row, column in found.items()}
    if not votes:
        return ClassRelation(why_unknown="no class scores enough on these images to be recognised")
    return _relation(votes, rules, of_scores=True, moved=1)


def _strongest(ours: _Floats, theirs: _Floats) -> NDArray[np.intp]:
    """Rows in which some class of either side scores most."""
    count = min(_STRONGEST, len(ours))
    tops = [np.argpartition(-side, count - 1, axis=0)[:count].ravel() for side in (ours, theirs)]
    return np.unique(np.concatenate(tops))


def _corresponding(ours: _Floats, theirs: _Floats, rules: DifferenceRules) -> dict[int, int]:
    """For each of our columns the one of theirs that moves with it, where it is the only one."""
    left, right = (_standardised(side, rules) for side in (ours, theirs))
    alike = left.T @ right / len(ours)
    found = {}
    for row in np.flatnonzero(_moves(ours, rules)).tolist():
        column = int(alike[row].argmax())
        best = alike[row, column]
        second = np.delete(alike[row], column).max(initial=-1)
        rival = np.delete(alike[:, column], row).max(initial=-1)
        if best >= rules.min_correlation and best - max(second, rival) >= rules.min_lead:
            found[row] = column
    return found


def _moves(side: _Floats, rules: DifferenceRules) -> NDArray[np.bool_]:
    spread: NDArray[np.bool_] = side.max(axis=0) - side.min(axis=0) >= rules.min_spread
    return spread


def _standardised(side: _Floats, rules: DifferenceRules) -> _Floats:
    """Columns of mean 0 and power 1; those that do not move are 0."""
    centred = side - side.mean(axis=0)
    power = np.sqrt((centred**2).mean(axis=0))
    usable = _moves(side, rules) & (power > 0)
    out: _Floats = np.where(usable, centred / np.where(usable, power, 1.0), 0.0)
    return out


def classes_by_detections(
    reference: Mapping[str, Detections],
    candidate: Mapping[str, Detections],
    rules: DifferenceRules,
) -> ClassRelation:
    """Compare class numbers by detections of the same box and nearly the same score.

    Args:
        reference: Detections of each image, scores in [0, 1].
        candidate: As the reference; images that only one side has are left out.
        rules: Say when two detections are one, and how many a claim takes.
    """
    votes: Counter[tuple[int, int]] = Counter()
    for image in sorted(reference.keys() & candidate.keys()):
        votes.update(_pairs(reference[image], candidate[image], rules))
    if votes.total() < rules.min_pairs:
        return ClassRelation(
            why_unknown=f"{votes.total()} pairs of detections with the same box and nearly the "
            f"same score, {rules.min_pairs} are needed"
        )
    return _relation(votes, rules, of_scores=False, moved=rules.min_class_pairs)


def _pairs(ours: Detections, theirs: Detections, rules: DifferenceRules) -> list[tuple[int, int]]:
    """Classes of detections that are each other's best partner, whatever the class."""
    if not len(ours) or not len(theirs):
        return []
    overlap = box_iou(inside_image(ours), inside_image(theirs))
    shift = np.abs(ours.scores[:, None] - theirs.scores[None, :])
    same = (overlap >= rules.same_iou) & (shift <= rules.same_score)
    likeness = np.where(same, overlap - shift, -np.inf)
    partner, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
    return [
        (int(ours.classes[row]), int(theirs.classes[column]))
        for row, column in enumerate(partner.tolist())
        if same[row, column] and back[column] == row
    ]


def _relation(
    votes: _Votes, rules: DifferenceRules, *, of_scores: bool, moved: int
) -> ClassRelation:
    """A step that nearly all agree on, else classes that changed places, else nothing.

    Args:
        votes: Evidence.
        rules: Say how much of it has to agree.
        of_scores: Where it comes from.
        moved: Votes that a class needs before it is said to be another.
    """
    total = sum(votes.values())
    # A step that leads out of the classes comes back at the other end, by way of the background.
    shown = {pair: count for pair, count in votes.items() if all(pair)} or dict(votes)
    steps: Counter[int] = Counter()
    for (ours, theirs), count in shown.items():
        steps[theirs - ours] += count
    (step, agreeing), of = steps.most_common(1)[0], sum(shown.values())
    if step and of_scores and total < _LEAST_MOVED:
        return ClassRelation(why_unknown="one class alone scores enough to be recognised")
    if step and agreeing >= rules.min_share * of:
        pairs = sorted((theirs, ours) for ours, theirs in shown if theirs - ours == step)
        return ClassRelation(ClassFacts(tuple(pairs), step, agreeing, of, of_scores))
    return ClassRelation(_changed_places(votes, total, rules, of_scores=of_scores, moved=moved))


def _changed_places(
    votes: _Votes, total: int, rules: DifferenceRules, *, of_scores: bool, moved: int
) -> ClassFacts | None:
    """Classes that are nearly always another, which is nearly never anything else."""
    of_ours: Counter[int] = Counter()
    of_theirs: Counter[int] = Counter()
    for (ours, theirs), count in votes.items():
        of_ours[ours] += count
        of_theirs[theirs] += count
    clear = [
        (theirs, ours, count)
        for (ours, theirs), count in votes.items()
        if theirs != ours
        and count >= moved
        and count >= rules.min_share * max(of_ours[ours], of_theirs[theirs])
    ]
    if len(clear) < _LEAST_MOVED:
        return None
    pairs = tuple(sorted((theirs, ours) for theirs, ours, _ in clear))
    return ClassFacts(pairs, 0, sum(count for *_, count in clear), total, of_scores)
