"""Detections of one image find their partners, whatever their order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.matching import ImageMatch, box_iou, match_detections
from validation.record.detections import Detections

_BOX = (0.1, 0.2, 0.5, 0.4)
_FAR = (0.6, 0.6, 0.9, 0.7)


def _found(*entries: tuple[tuple[float, float, float, float], float, int]) -> Detections:
    boxes, scores, classes = zip(*entries, strict=True) if entries else ((), (), ())
    return Detections(boxes, scores, classes)


def _match(
    reference: Detections, candidate: Detections, *, epsilon: float = 0.01, min_iou: float = 0.5
) -> ImageMatch:
    return match_detections(
        reference, candidate, min_score=0.3, score_epsilon=epsilon, min_iou=min_iou
    )


_SIDES = st.tuples(st.integers(0, 15), st.integers(1, 8), st.integers(0, 15), st.integers(1, 8))
# A coarse grid, so that equal boxes, equal scores and ties are common.
_ENTRIES = st.tuples(
    _SIDES.map(lambda s: (s[0] / 16, s[2] / 16, (s[0] + s[1]) / 16, (s[2] + s[3]) / 16)),
    st.sampled_from([0.1, 0.3, 0.305, 0.5, 0.9]),
    st.integers(1, 2),
)
_DETECTIONS = st.lists(_ENTRIES, max_size=8).map(lambda entries: _found(*entries))


def _pair_values(
    match: ImageMatch, reference: Detections, candidate: Detections
) -> list[tuple[object, ...]]:
    return sorted(
        (
            *reference.boxes[pair.reference],
            reference.scores[pair.reference],
            reference.classes[pair.reference],
            *candidate.boxes[pair.candidate],
            candidate.scores[pair.candidate],
            pair.iou,
            pair.score_shift,
        )
        for pair in match.pairs
    )


def _reordered(found: Detections, order: list[int]) -> Detections:
    return found.take(np.array(order, int))


@given(reference=_DETECTIONS, candidate=_DETECTIONS, data=st.data())
@settings(max_examples=120, deadline=None)
def test_order_plays_no_part(
    reference: Detections, candidate: Detections, data: st.DataObject
) -> None:
    """The same detections in another order give the same pairs, ties included."""
    first = data.draw(st.permutations(range(len(reference))))
    second = data.draw(st.permutations(range(len(candidate))))
    moved = _reordered(reference, first), _reordered(candidate, second)
    plain, other = _match(reference, candidate), _match(*moved)
    assert _pair_values(plain, reference, candidate) == _pair_values(other, *moved)
    assert len(plain.unmatched_reference) == len(other.unmatched_reference)
    assert len(plain.unmatched_candidate) == len(other.unmatched_candidate)
    assert len(plain.borderline) == len(other.borderline)


def test_boxes_that_differ_outside_of_the_image_alone() -> None:
    """Cut to the image they are one box; which of them is paired is no matter of order."""
    reference = _found(((0.875, 0.0, 0.9375, 0.125), 0.3, 1))
    candidate = _found(
        ((0.875, 0.0, 1.0, 0.125), 0.305, 1), ((0.875, 0.0, 1.0625, 0.125), 0.305, 1)
    )
    moved = _reordered(candidate, [1, 0])
    plain, other = _match(reference, candidate), _match(reference, moved)
    assert _pair_values(plain, reference, candidate) == _pair_values(other, reference, moved)


@given(found=_DETECTIONS)
@settings(max_examples=80, deadline=None)
def test_identical_detections_match_entirely(found: Detections) -> None:
    """Every detection from the threshold on has a partner of IoU 1 and the same score."""
    match = _match(found, found, epsilon=0)
    assert len(match.pairs) == sum(score >= 0.3 for score in found.scores)
    assert all((pair.iou, pair.score_shift) == (1, 0) for pair in match.pairs)
    assert not (match.unmatched_reference or match.unmatched_candidate or match.borderline)


@given(reference=_DETECTIONS, candidate=_DETECTIONS)
@settings(max_examples=80, deadline=None)
def test_every_detection_is_accounted_for_once(
    reference: Detections, candidate: Detections
) -> None:
    """Pairs, lost and borderline add up, and no detection has two partners."""
    match = _match(reference, candidate)
    seen = [pair.reference for pair in match.pairs]
    seen += [*match.unmatched_reference, *match.borderline]
    assert sorted(seen) == [i for i, score in enumerate(reference.scores) if score >= 0.3]
    partners = [pair.candidate for pair in match.pairs]
    certain = {i for i, score in enumerate(candidate.scores) if score >= 0.3 + 0.01}
    assert len(set(partners)) == len(partners)
    assert set(match.unmatched_candidate) == certain - set(partners)
    for pair in match.pairs:
        assert reference.classes[pair.reference] == candidate.classes[pair.candidate]
        assert pair.iou >= 0.5


@given(found=_DETECTIONS, seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_rounding_loses_nothing(found: Detections, seed: int) -> None:
    """Noise far below the epsilon, on scores at the threshold as well, costs no partner."""
    generator = np.random.default_rng(seed)
    noisy = dataclasses.replace(
        found, scores=found.scores + generator.uniform(-1e-6, 1e-6, len(found))
    )
    match = _match(found, noisy)
    assert len(match.pairs) == sum(score >= 0.3 for score in found.scores)
    assert match.unmatched_candidate == ()
    assert max((abs(pair.score_shift) for pair in match.pairs), default=0) <= 2e-6


def test_boxes_in_one_place_pair_by_score() -> None:
    """Where rounding makes the wrong box overlap a little more, the score decides."""
    near = (0.1, 0.2, 0.5, 0.400001)
    reference = _found((_BOX, 0.9, 1), (near, 0.5, 1))
    candidate = _found((near, 0.9, 1), (_BOX, 0.5, 1))
    match = _match(reference, candidate)
    assert [(pair.reference, pair.candidate) for pair in match.pairs] == [(0, 0), (1, 1)]
    assert [pair.score_shift for pair in match.pairs] == [0, 0]


def test_the_better_overlap_goes_before_a_trifle_in_score() -> None:
    """Of two neighbours each finds itself again, though rounding brings other scores nearer."""
    beside = (0.1, 0.2, 0.5, 0.35)
    reference = _found((_BOX, 0.5, 1), (beside, 0.500001, 1))
    candidate = _found((beside, 0.5, 1), (_BOX, 0.500001, 1))
    pairs = _match(reference, candidate).pairs
    assert [(pair.reference, pair.candidate) for pair in pairs] == [(0, 1), (1, 0)]


def test_a_tie_does_not_go_to_the_first() -> None:
    """Of two boxes that fit equally well the same one is taken in either order."""
    middle, left, right = ((0, x / 16, 0.5, (x + 8) / 16) for x in (4, 3, 5))
    match = _match(_found((middle, 0.9, 1)), _found((left, 0.9, 1), (right, 0.9, 1)))
    turned = _match(_found((middle, 0.9, 1)), _found((right, 0.9, 1), (left, 0.9, 1)))
    assert match.pairs[0].candidate == 1 - turned.pairs[0].candidate
    assert match.pairs[0].iou == turned.pairs[0].iou


def test_another_class_is_no_partner() -> None:
    """The same box of class 2 is lost on one side and extra on the other."""
    match = _match(_found((_BOX, 0.9, 1)), _found((_BOX, 0.9, 2)))
    assert (match.pairs, match.unmatched_reference, match.unmatched_candidate) == ((), (0,), (0,))


def test_too_little_overlap_is_no_partner() -> None:
    """The minimum belongs to what is allowed."""
    half = (0.1, 0.2, 0.3, 0.4)
    reference, candidate = _found((_BOX, 0.9, 1)), _found((half, 0.9, 1))
    iou = box_iou(np.array([_BOX]), np.array([half]))[0, 0]
    assert len(_match(reference, candidate, min_iou=iou).pairs) == 1
    assert _match(reference, candidate, min_iou=iou + 1e-9).unmatched_reference == (0,)


@pytest.mark.parametrize(
    ("score", "lost", "borderline"), [(0.305, (), (0,)), (0.32, (0,), ()), (0.29, (), ())]
)
def test_only_near_the_threshold_a_loss_is_borderline(
    score: float, lost: tuple[int, ...], borderline: tuple[int, ...]
) -> None:
    """Within the epsilon rounding explains it, above it does not, below nothing is asked."""
    match = _match(_found((_BOX, score, 1)), _found())
    assert (match.unmatched_reference, match.borderline) == (lost, borderline)


@pytest.mark.parametrize(("score", "extra"), [(0.305, ()), (0.3 + 0.01, (0,)), (0.32, (0,))])
def test_only_near_the_threshold_an_extra_is_passed_over(
    score: float, extra: tuple[int, ...]
) -> None:
    """The candidate's side of the same rule."""
    assert _match(_found(), _found((_BOX, score, 1))).unmatched_candidate == extra


def test_without_an_epsilon_nothing_is_borderline() -> None:
    """A detection exactly at the threshold is lost when it has no partner."""
    match = _match(_found((_BOX, 0.3, 1)), _found(), epsilon=0)
    assert (match.unmatched_reference, match.borderline) == ((0,), ())


@pytest.mark.parametrize(
    ("capacity", "lost", "borderline"),
    [(None, (1,), ()), (3, (1,), ()), (2, (), (1,))],
)
def test_what_found_no_slot_is_not_lost(
    capacity: int | None, lost: tuple[int, ...], borderline: tuple[int, ...]
) -> None:
    """A full candidate whose last detection scores better had no slot for the other."""
    reference = _found((_BOX, 0.9, 1), (_FAR, 0.5, 1))
    candidate = _found((_BOX, 0.9, 1), (_FAR, 0.6, 2))
    match = match_detections(
        reference, candidate, min_score=0.3, score_epsilon=0.01, min_iou=0.5, capacity=capacity
    )
    assert (match.unmatched_reference, match.borderline) == (lost, borderline)
    # The reference's last slot went to less: this one it would have shown.
    assert match.unmatched_candidate == (1,)


def test_a_better_score_than_the_last_slots_is_lost() -> None:
    """There was a slot for it: something worse has it."""
    reference = _found((_BOX, 0.9, 1), (_FAR, 0.5, 1))
    candidate = _found((_BOX, 0.9, 1), (_FAR, 0.4, 2))
    match = match_detections(
        reference, candidate, min_score=0.3, score_epsilon=0.01, min_iou=0.5, capacity=2
    )
    assert (match.unmatched_reference, match.unmatched_candidate) == ((1,), ())


def test_a_candidate_full_of_inventions_is_seen() -> None:
    """The reference had slots left, so nothing excuses them."""
    reference = _found((_BOX, 0.9, 1))
    candidate = _found((_FAR, 0.95, 1), (_FAR, 0.94, 2))
    match = match_detections(
        reference, candidate, min_score=0.3, score_epsilon=0.01, min_iou=0.5, capacity=2
    )
    assert match.unmatched_candidate == (0, 1)


def test_only_the_part_inside_the_image_is_compared() -> None:
    """A clipped and an unclipped box of the same object overlap fully."""
    match = _match(_found(((0, 0, 0.5, 1), 0.9, 1)), _found(((-0.2, -0.1, 0.5, 1.3), 0.9, 1)))
    assert [pair.iou for pair in match.pairs] == [1]


@pytest.mark.parametrize("box", [(1.1, 0.1, 1.2, 0.2), (0.5, 0.1, 0.5, 0.9), (0.9, 0.1, 0.2, 0.3)])
def test_boxes_that_cannot_be_seen_are_counted_apart(
    box: tuple[float, float, float, float],
) -> None:
    """Outside, empty and upside-down boxes of high score are neither partners nor extras."""
    match = _match(_found((_BOX, 0.9, 1)), _found((_BOX, 0.9, 1), (box, 0.9, 1), (box, 0.1, 1)))
    assert (len(match.pairs), match.unmatched_candidate, match.outside) == (1, (), 1)


def test_no_boxes_at_all_match_nothing() -> None:
    """Empty images are no error here."""
    assert _match(_found(), _found()) == ImageMatch((), (), (), (), 0)


def test_iou_of_known_boxes() -> None:
    """Same, half, apart, touching and without area."""
    boxes = np.array([(0, 0, 1, 1), (0, 0, 1, 0.5), (2, 2, 3, 3), (1, 0, 2, 1), (0, 0, 0, 0)])
    assert box_iou(boxes[:1], boxes)[0].tolist() == [1, 0.5, 0, 0, 0]
    assert box_iou(boxes[4:], boxes[4:]).tolist() == [[0]]
