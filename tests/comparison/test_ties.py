"""What rounding exchanged is set apart, and what is wrong stays wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.detections import compare_detections
from validation.comparison.matching import ImageMatch, match_detections
from validation.comparison.ties import TieRule, tied_share, without_ties
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, ModelKey

_RULE = TieRule(nms_iou=0.6, score_epsilon=1e-5, same_iou=0.99, most_share=0.01)
Box = tuple[float, float, float, float]

# Of one height, along a line: what the first two share, and the second and third.
_FIRST: Box = (0.0, 0.00, 0.2, 0.20)
_SECOND: Box = (0.0, 0.04, 0.2, 0.24)
_THIRD: Box = (0.0, 0.08, 0.2, 0.28)


def _found(*entries: tuple[Box, float, int]) -> Detections:
    boxes, scores, classes = zip(*entries, strict=True) if entries else ((), (), ())
    return Detections(boxes, scores, classes)


def _match(reference: Detections, candidate: Detections) -> ImageMatch:
    return match_detections(reference, candidate, min_score=0.3, score_epsilon=0.001, min_iou=0.5)


def _settled(reference: Detections, candidate: Detections) -> ImageMatch:
    return without_ties(_match(reference, candidate), reference, candidate, _RULE)


def test_exchanged_survivors_are_a_tie_with_what_they_suppress() -> None:
    """Of three boxes in a row one side keeps the outer two, the other the middle one."""
    reference = _found((_FIRST, 0.5, 1), (_THIRD, 0.5, 1))
    candidate = _found((_SECOND, 0.500001, 1))
    match = _settled(reference, candidate)
    assert (match.pairs, match.unmatched_reference, match.unmatched_candidate) == ((), (), ())
    assert match.tied == 2


def test_the_candidates_extra_is_a_consequence_too() -> None:
    """The same with the sides exchanged."""
    reference = _found((_SECOND, 0.500001, 1))
    candidate = _found((_FIRST, 0.5, 1), (_THIRD, 0.5, 1))
    match = _settled(reference, candidate)
    assert (match.pairs, match.unmatched_candidate, match.tied) == ((), (), 2)


@pytest.mark.parametrize(
    "change",
    [
        {"scores": (0.5002,)},
        {"boxes": ((0.0, 0.0001, 0.2, 0.2001),)},
        {"boxes": ((0.0, 0.06, 0.2, 0.26),)},
    ],
    ids=["another score", "the same box", "no rival"],
)
def test_what_is_no_tie_stays(change: dict[str, Any]) -> None:
    """Rounding explains neither a shift of the score nor boxes that do not compete."""
    reference = _found((_FIRST, 0.5, 1))
    candidate = dataclasses.replace(_found((_SECOND, 0.5, 1)), **change)
    match = _match(reference, candidate)
    assert len(match.pairs) == 1
    assert without_ties(match, reference, candidate, _RULE) == match


@pytest.mark.parametrize(
    ("box", "label"), [((0.5, 0.5, 0.7, 0.7), 1), (_THIRD, 2)], ids=["elsewhere", "other class"]
)
def test_a_loss_that_no_survivor_suppresses_is_lost(box: Box, label: int) -> None:
    """A tie beside it excuses nothing."""
    reference = _found((_FIRST, 0.5, 1), (box, 0.5, label))
    candidate = _found((_SECOND, 0.5, 1))
    match = _settled(reference, candidate)
    assert (match.unmatched_reference, match.tied) == ((1,), 1)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 0.7), st.floats(0.3, 1)), max_size=6))
def test_equal_detections_have_no_ties(entries: list[tuple[float, float]]) -> None:
    """Whatever lies where."""
    found = _found(*(((0.0, at, 0.2, at + 0.2), score, 1) for at, score in entries))
    match = _match(found, found)
    assert without_ties(match, found, found, _RULE) == match
    assert tied_share([match]) == 0


def _compared(reference: Detections, candidate: Detections) -> CheckResult:
    return compare_detections(
        {"a": reference},
        {"a": candidate},
        policy=load_policy(),
        key=ModelKey("m", "float"),
        min_score=0.3,
        score_epsilon=0.001,
        min_iou=0.5,
        ties=_RULE,
    )


def _crowded(*last: tuple[Box, float, int]) -> Detections:
    """Two hundred certain detections, and the last ones."""
    certain = [((0.5, 0.5, 0.9, 0.9), 0.9, label) for label in range(2, 202)]
    return _found(*certain, *last)


def test_a_tie_among_many_is_told_and_passes() -> None:
    """One pair in two hundred."""
    result = _compared(_crowded((_FIRST, 0.5, 1)), _crowded((_SECOND, 0.5, 1)))
    values = {measure.name: measure.value for measure in result.measures}
    assert result.status is Status.PASS
    assert (values["tied_detections"], values["compared_detections"]) == (1, 200)
    assert values["worst_iou"] == 1


def test_boxes_that_are_all_wrong_are_no_ties() -> None:
    """Equal scores and moved boxes throughout: nothing is excused."""
    result = _compared(_found((_FIRST, 0.5, 1)), _found((_SECOND, 0.5, 1)))
    values = {measure.name: measure.value for measure in result.measures}
    assert result.status is Status.FAIL
    assert (values["tied_detections"], values["compared_detections"]) == (0, 1)
    assert values["worst_iou"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("score", [0.4, 0.6])
def test_another_score_is_no_tie(score: float) -> None:
    """A lower one as little as a higher one."""
    match = _settled(_found((_FIRST, 0.5, 1)), _found((_SECOND, score, 1)))
    assert (len(match.pairs), match.tied) == (1, 0)


def test_ties_of_every_image_are_counted() -> None:
    """As a share of all that is compared on all images."""
    tie = _settled(_found((_FIRST, 0.5, 1)), _found((_SECOND, 0.500001, 1)))
    clean = _settled(_found((_FIRST, 0.5, 1)), _found((_FIRST, 0.5, 1)))
    assert tied_share([clean, tie]) == tied_share([tie, clean]) > 0
    assert tied_share([clean, clean]) == 0
