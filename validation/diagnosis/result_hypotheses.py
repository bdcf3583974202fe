"""Faults in how detections are read, each with what undoes it; nothing is run for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.class_relation import classes_by_detections
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.matching import inside_image, match_detections
from validation.comparison.reference_differences import renumbered
from validation.diagnosis.agreement import Found, RestoreRules
from validation.diagnosis.hypotheses import Cause
from validation.postprocess.nms import suppress
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind, Place

_Floats = NDArray[np.float64]
_Change = Callable[[Detections], Detections]

# A class, or slots, that a side never gives is no accident from so many on.
_LEAST_OF_CLASS = 5
_LEAST_FULL = 3
# Boxes or scores that follow a line are moved, or multiplied, from this difference on.
_LEAST_MOVE = 1e-4
_LEAST_PAIRS = 10


@dataclass(frozen=True)
class ResultHypothesis:
    """A fault of what was detected.

    Args:
        cause: What is wrong.
        undo: Changes the candidate's detections.
        expect: What the reference would have detected with the fault, where it cannot be undone:
            what was cut off is lost.
    """

    cause: Cause
    undo: Callable[[Found], Found] = dict
    expect: Callable[[Found], Found] = dict


def result_hypotheses(
    reference: Found, candidate: Found, rules: RestoreRules, classes: DifferenceRules
) -> Iterator[ResultHypothesis]:
    """What may be wrong in reading these detections, the simplest first.

    Args:
        reference: Of each image.
        candidate: Alike, of the same images in the same order.
        rules: Say which detections are compared.
        classes: Say how much evidence a claim about classes takes.
    """
    yield from _swapped_outputs(candidate)
    yield from _of_classes(reference, candidate, classes)
    yield from _of_boxes()
    yield _of_each(FaultKind.SCORES, _sigmoid, "logits", "one sigmoid")
    yield _of_each(FaultKind.SCORES, _logit, "two sigmoids", "one")
    yield from _of_images(candidate)
    yield from _cut_off(reference, candidate, rules)
    cause = Cause(
        FaultKind.NMS, Place.RESULTS, "boxes of one object", "one of each", where="there are"
    )
    yield ResultHypothesis(cause, _each(_one_of_each))


def class_step(step: int) -> _Change:
    """Every class number raised by a step."""
    return lambda found: dataclasses.replace(found, classes=found.classes + step)


def columns(order: tuple[int, int, int, int]) -> _Change:
    """The coordinates of every box in another order."""
    return lambda found: dataclasses.replace(found, boxes=found.boxes[:, order])


def mirrored(found: Detections) -> Detections:
    """Boxes [ymin, xmin, ymax, xmax] of the image mirrored; its own inverse."""
    boxes = found.boxes[:, [0, 3, 2, 1]].copy()
    boxes[:, [1, 3]] = 1 - boxes[:, [1, 3]]
    return dataclasses.replace(found, boxes=boxes)


def _each(change: _Change) -> Callable[[Found], Found]:
    return lambda found: {image: change(each) for image, each in found.items()}


def _of_each(fault: FaultKind, change: _Change, got: str, expected: str) -> ResultHypothesis:
    return ResultHypothesis(Cause(fault, Place.RESULTS, got, expected), _each(change))


def _swapped_outputs(candidate: Found) -> Iterator[ResultHypothesis]:
    """Scores that are whole numbers are classes; what the scores were is lost to rounding."""
    scores = np.concatenate([each.scores for each in candidate.values()])
    if not len(scores) or (scores != np.rint(scores)).any():
        return

    def read(first: int) -> _Change:
        return lambda found: Detections(
            found.boxes, np.ones(len(found)), np.rint(found.scores).astype(np.int64) + first
        )

    cause = Cause(
        FaultKind.OUTPUT_ORDER, Place.RESULTS, "scores before classes", "classes before scores"
    )
    alike = _each(lambda found: dataclasses.replace(found, scores=np.ones(len(found))))
    for first in (0, 1):
        yield ResultHypothesis(cause, _each(read(first)), alike)


def _of_classes(
    reference: Found, candidate: Found, rules: DifferenceRules
) -> Iterator[ResultHypothesis]:
    for step in (-1, 1):
        # The fault is the opposite of what undoes it.
        yield _of_each(FaultKind.CLASS_SHIFT, class_step(step), f"{-step:+d}", "no shift")
    facts = classes_by_detections(reference, candidate, rules).facts
    if facts is not None and abs(facts.step) != 1:
        kind = FaultKind.CLASS_SHIFT if facts.step else FaultKind.CLASS_ORDER
        pairs = ", ".join(f"{theirs} for {ours}" for theirs, ours in facts.pairs)
        got = f"{facts.step:+d}" if facts.step else pairs
        cause = Cause(kind, Place.RESULTS, got, "no shift" if facts.step else None)
        yield ResultHypothesis(cause, lambda found: dict(renumbered(found, facts)))
    ours = np.concatenate([each.classes for each in reference.values()])
    theirs = np.concatenate([each.classes for each in candidate.values()])
    for lost in sorted(set(ours.tolist()) - set(theirs.tolist())):
        if len(theirs) and np.count_nonzero(ours == lost) >= _LEAST_OF_CLASS:
            yield ResultHypothesis(
                Cause(FaultKind.CLASS_LOST, Place.RESULTS, where=f"class {lost}"),
                expect=_each(_without_class(lost)),
            )


def _without_class(lost: int) -> _Change:
    return lambda found: found.take(found.classes != lost)


def _of_boxes() -> Iterator[ResultHypothesis]:
    wanted = "ymin, xmin, ymax, xmax"
    for order, got in (
        ((1, 0, 3, 2), "xmin, ymin, xmax, ymax"),
        ((0, 2, 1, 3), "ymin, ymax, xmin, xmax"),
        ((2, 0, 3, 1), "xmin, xmax, ymin, ymax"),
        ((2, 3, 0, 1), "ymax, xmax, ymin, xmin"),
        ((3, 2, 1, 0), "xmax, ymax, xmin, ymin"),
    ):
        yield _of_each(FaultKind.BOX_AXES, columns(order), got, wanted)
    yield _of_each(FaultKind.BOX_AXES, _from_centre, "y, x, height, width of the centre", wanted)
    yield _of_each(FaultKind.BOX_AXES, _from_corner, "ymin, xmin, height, width", wanted)
    yield _of_each(FaultKind.MIRRORED, mirrored, "left and right of boxes", "")


def _from_centre(found: Detections) -> Detections:
    middle, half = found.boxes[:, :2], found.boxes[:, 2:] / 2
    return dataclasses.replace(found, boxes=np.hstack([middle - half, middle + half]))


def _from_corner(found: Detections) -> Detections:
    low, sides = found.boxes[:, :2], found.boxes[:, 2:]
    return dataclasses.replace(found, boxes=np.hstack([low, low + sides]))


def _sigmoid(found: Detections) -> Detections:
    return dataclasses.replace(found, scores=1 / (1 + np.exp(-found.scores)))


def _logit(found: Detections) -> Detections:
    inside = np.clip(found.scores, 1e-9, 1 - 1e-9)
    return dataclasses.replace(found, scores=np.log(inside / (1 - inside)))


def _of_images(candidate: Found) -> Iterator[ResultHypothesis]:
    """An app that shows the results of the image before, or of the next."""
    cause = Cause(FaultKind.OTHER_IMAGE, Place.RESULTS)
    for step, words in ((-1, "of the image before"), (1, "of the next image")):
        images = list(candidate)
        places = np.roll(np.arange(len(images)), step).tolist()

        def moved(found: Found, images: list[str] = images, places: list[int] = places) -> Found:
            each = list(found.values())
            return dict(zip(images, (each[place] for place in places), strict=True))

        yield ResultHypothesis(dataclasses.replace(cause, got=words), moved)


def _cut_off(reference: Found, candidate: Found, rules: RestoreRules) -> Iterator[ResultHypothesis]:
    """Fewer slots, or a higher threshold: what was cut off cannot come back."""
    most = max(map(len, candidate.values()), default=0)
    full = [image for image, found in candidate.items() if len(found) == most]
    more = [image for image in full if image in reference and len(reference[image]) > most]
    if most and len(more) >= _LEAST_FULL:
        wanted = max(map(len, reference.values()))
        cause = Cause(FaultKind.DETECTIONS, Place.FILE, most, wanted)
        yield ResultHypothesis(cause, expect=_each(lambda found: _best(found, most)))
    scores = np.concatenate([each.scores for each in candidate.values()])
    if len(scores) >= _LEAST_PAIRS and float(scores.min()) > rules.min_score:
        least = float(scores.min())
        cause = Cause(FaultKind.SCORE_THRESHOLD, Place.FILE, round(least, 3))
        yield ResultHypothesis(cause, expect=_each(lambda found: found.take(found.scores >= least)))


def _best(found: Detections, count: int) -> Detections:
    return found.take(np.sort(np.argsort(-found.scores, kind="stable")[:count]))


def _one_of_each(found: Detections) -> Detections:
    """NMS in each class, as most models do it."""
    keep: list[int] = []
    for label in np.unique(found.classes).tolist():
        own = np.flatnonzero(found.classes == label)
        kept = suppress(
            found.boxes[own].astype(np.float32),
            found.scores[own].astype(np.float32),
            score_threshold=0.0,
            iou_threshold=_USUAL_IOU,
            limit=len(own),
        )
        keep += own[kept].tolist()
    return found.take(np.array(sorted(keep), np.intp))


_USUAL_IOU = 0.6


def fitted_hypotheses(
    reference: Found, candidate: Found, rules: RestoreRules
) -> Iterator[ResultHypothesis]:
    """Boxes on a line through the reference's, and scores that are a multiple of them.

    Arguments as of `result_hypotheses`. What is wrong before the results may look like it.
    """
    pairs = _Pairs.of(reference, candidate, rules)
    if len(pairs.ratios) < _LEAST_PAIRS:
        return
    factor = float(np.median(pairs.ratios))
    if abs(factor - 1) > _LEAST_MOVE:
        yield _of_each(
            FaultKind.SCORES,
            lambda found: dataclasses.replace(found, scores=found.scores * factor),
            f"times {1 / factor:.4g}",
            "times 1",
        )
    if (moved := _moved(pairs)) is not None:
        yield moved


def moved_boxes(labelled: Found, candidate: Found, rules: RestoreRules) -> ResultHypothesis | None:
    """Boxes on a line through those of the labels; None where too few lie on an object.

    Arguments as of `result_hypotheses`, with labels for a reference.
    """
    pairs = _Pairs.of(labelled, candidate, rules)
    return _moved(pairs) if len(pairs.ratios) >= _LEAST_PAIRS else None


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Detections of both sides that belong together.

    Args:
        ours: float64 [N, 4], boxes of the reference.
        theirs: float64 [N, 4], of the candidate.
        ratios: float64 [N], the reference's score over the candidate's.
    """

    ours: _Floats
    theirs: _Floats
    ratios: _Floats

    @classmethod
    def of(cls, reference: Found, candidate: Found, rules: RestoreRules) -> _Pairs:
        """At half of the usual overlap and score: the fault has moved them."""
        ours, theirs, ratios = [], [], []
        for image, expected in reference.items():
            found = candidate[image]
            if not (expected.is_finite and found.is_finite):
                continue
            matched = match_detections(
                expected,
                found,
                min_score=rules.min_score / 2,
                score_epsilon=rules.score_epsilon,
                min_iou=rules.min_iou / 2,
            )
            for pair in matched.pairs:
                if found.scores[pair.candidate] > 0:
                    ratios.append(expected.scores[pair.reference] / found.scores[pair.candidate])
                    ours.append(inside_image(expected)[pair.reference])
                    theirs.append(found.boxes[pair.candidate])
        return cls(
            np.array(ours, np.float64).reshape(-1, 4),
            np.array(theirs, np.float64).reshape(-1, 4),
            np.array(ratios, np.float64),
        )


def _moved(pairs: _Pairs) -> ResultHypothesis | None:
    slopes, moves = _lines(pairs.theirs, pairs.ours)
    if np.abs(slopes - 1).max() <= _LEAST_MOVE and np.abs(moves).max() <= _LEAST_MOVE:
        return None
    got = ", ".join(
        f"{axis} times {1 / slope:.4g} and moved by {-move / slope:+.4g}"
        for axis, slope, move in zip("yx", slopes, moves, strict=True)
    )
    return _of_each(
        FaultKind.BOXES_MOVED,
        lambda found: dataclasses.replace(
            found, boxes=found.boxes * np.tile(slopes, 2) + np.tile(moves, 2)
        ),
        got,
        "",
    )


def _lines(theirs: _Floats, ours: _Floats) -> tuple[_Floats, _Floats]:
    """Slope and intercept of each axis by medians, which a few wrong pairs do not move."""
    inside = ((theirs > 0) & (theirs < 1) & (ours > 0) & (ours < 1)).all(axis=1)
    theirs, ours = (
        (theirs[inside], ours[inside]) if inside.sum() >= _LEAST_PAIRS else (theirs, ours)
    )
    slopes, moves = np.ones(2), np.zeros(2)
    for axis in (0, 1):
        sides = theirs[:, axis + 2] - theirs[:, axis]
        wide = sides > 0
        slopes[axis] = np.median((ours[:, axis + 2] - ours[:, axis])[wide] / sides[wide])
        left = ours[:, [axis, axis + 2]] - slopes[axis] * theirs[:, [axis, axis + 2]]
        moves[axis] = np.median(left)
    return slopes, moves
