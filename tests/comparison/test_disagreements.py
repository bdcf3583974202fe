"""What two detectors show otherwise is counted once, and the image with most of it comes first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.comparison.disagreements import (
    ClassChange,
    Disagreement,
    DisagreementRule,
    box_states,
    disagreements,
    score_epsilon,
    worst_images,
)
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.pictures import BoxState

_RULE = DisagreementRule(min_score=0.3, score_epsilon=0.01, min_iou=0.5, moved_iou=0.75)
_BOX = (0.1, 0.2, 0.5, 0.4)
_NEAR = (0.1, 0.2, 0.4, 0.4)
_FAR = (0.6, 0.6, 0.9, 0.7)

_Entry = tuple[tuple[float, float, float, float], float, int]


def _found(*entries: _Entry) -> Detections:
    boxes, scores, classes = zip(*entries, strict=True) if entries else ((), (), ())
    return Detections(boxes, scores, classes)


def _one(first: Detections, second: Detections) -> Disagreement:
    (found,) = disagreements({"a": first}, {"a": second}, _RULE)
    return found


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ([(_BOX, 0.9, 1)], [(_BOX, 0.9, 1)], (1, 0, 0, 0, ())),
        ([(_BOX, 0.9, 1)], [], (0, 1, 0, 0, ())),
        ([], [(_BOX, 0.9, 1)], (0, 0, 1, 0, ())),
        ([(_BOX, 0.9, 1)], [(_NEAR, 0.9, 1)], (1, 0, 0, 0, ())),
        ([(_BOX, 0.9, 1)], [((0.1, 0.2, 0.35, 0.4), 0.9, 1)], (1, 0, 0, 1, ())),
        ([(_BOX, 0.9, 1)], [(_FAR, 0.8, 1)], (0, 1, 1, 0, ())),
        ([(_BOX, 0.9, 1)], [(_BOX, 0.5, 2)], (0, 0, 0, 0, (ClassChange(1, 2, 0.9),))),
        # Found a little below the threshold is found.
        ([(_BOX, 0.305, 1)], [(_BOX, 0.295, 1)], (1, 0, 0, 0, ())),
        ([(_BOX, 0.305, 1)], [(_BOX, 0.2, 1)], (0, 1, 0, 0, ())),
    ],
)
def test_what_differs(first: list[_Entry], second: list[_Entry], said: tuple[object, ...]) -> None:
    """Pairs, lost, gained, moved, and boxes of another class, which are neither lost nor gained."""
    found = _one(_found(*first), _found(*second))
    assert (found.pairs, found.lost, found.gained, found.moved, found.changed) == said


def test_the_image_with_most_to_see_comes_first() -> None:
    """By score: a lost detection of 0.9 before one of 0.4, and agreement last and not shown."""
    first = {
        "faint": _found((_BOX, 0.4, 1)),
        "alike": _found((_BOX, 0.9, 1)),
        "clear": _found((_BOX, 0.9, 1)),
    }
    second = {"faint": _found(), "alike": first["alike"], "clear": _found()}
    found = disagreements(first, second, _RULE)
    assert [each.image for each in found] == ["clear", "faint", "alike"]
    assert [each.image for each in worst_images(found, 9)] == ["clear", "faint"]
    assert [each.image for each in worst_images(found, 1)] == ["clear"]


_SIDES = st.tuples(st.integers(0, 12), st.integers(1, 4), st.integers(0, 12), st.integers(1, 4))
# A coarse grid, so that equal boxes and equal scores are common.
_DETECTIONS = st.lists(
    st.tuples(
        _SIDES.map(lambda s: (s[0] / 16, s[2] / 16, (s[0] + s[1]) / 16, (s[2] + s[3]) / 16)),
        st.sampled_from([0.1, 0.29, 0.3, 0.305, 0.5, 0.9]),
        st.integers(1, 2),
    ),
    max_size=8,
).map(lambda entries: _found(*entries))


@given(_DETECTIONS)
def test_a_side_agrees_with_itself(side: Detections) -> None:
    """Nothing differs, and there is nothing to see."""
    found = _one(side, side)
    assert found.agrees
    assert found.weight == 0


@given(_DETECTIONS, _DETECTIONS)
def test_each_shown_detection_counts_once(first: Detections, second: Detections) -> None:
    """As found by both, lost, or of another class."""
    found = _one(first, second)
    assert found.pairs + found.lost + len(found.changed) == (first.scores >= 0.3).sum()


@given(_DETECTIONS, _DETECTIONS)
def test_sides_change_places(first: Detections, second: Detections) -> None:
    """What one way is lost, is gained the other way."""
    one, other = _one(first, second), _one(second, first)
    assert (one.lost, one.gained) == (other.gained, other.lost)
    assert len(one.changed) == len(other.changed)


@given(_DETECTIONS, _DETECTIONS, st.randoms())
def test_order_plays_no_part(
    first: Detections, second: Detections, random: Callable[..., object]
) -> None:
    """The same detections in another order disagree alike."""
    order = list(range(len(second)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = _one(first, second), _one(first, second.take(np.array(order, int)))
    assert (one.lost, one.gained, one.pairs) == (other.lost, other.gained, other.pairs)
    assert one.weight == pytest.approx(other.weight)


@pytest.mark.parametrize(
    ("first", "second", "states"),
    [
        ([(_BOX, 0.9, 1)], [(_BOX, 0.9, 1)], ("found", "found")),
        ([(_BOX, 0.9, 1), (_FAR, 0.8, 1)], [(_BOX, 0.9, 1)], ("found lost", "found")),
        ([(_BOX, 0.9, 1)], [(_FAR, 0.8, 1), (_BOX, 0.7, 1)], ("found", "gained found")),
        ([(_BOX, 0.9, 1)], [((0.1, 0.2, 0.35, 0.4), 0.9, 1)], ("moved", "moved")),
        ([(_BOX, 0.9, 1)], [(_BOX, 0.5, 2)], ("renamed", "renamed")),
        # What no side shows is not compared.
        ([(_BOX, 0.2, 1)], [], ("found", "")),
    ],
)
def test_each_box_has_its_state(
    first: list[_Entry], second: list[_Entry], states: tuple[str, str]
) -> None:
    """One for each detection of each side, in their order."""
    found = box_states(_found(*first), _found(*second), _RULE)
    assert tuple(" ".join(side) for side in found) == states


@given(_DETECTIONS, _DETECTIONS)
def test_states_count_what_differs(first: Detections, second: Detections) -> None:
    """A drawing marks as many boxes as the disagreement counts."""
    found, (there, back) = _one(first, second), box_states(first, second, _RULE)
    assert (len(there), len(back)) == (len(first), len(second))
    assert there.count(BoxState.LOST) == found.lost
    assert back.count(BoxState.GAINED) == found.gained
    assert there.count(BoxState.RENAMED) == back.count(BoxState.RENAMED) == len(found.changed)
    assert there.count(BoxState.MOVED) == found.moved


def test_scores_of_8_bits_are_uncertain_by_more() -> None:
    """Each by the setting of its own numbers."""
    policy = load_policy()
    assert score_epsilon(policy, in_8_bits=True) == policy.setting("quantised_score_epsilon")
    assert score_epsilon(policy, in_8_bits=False) == policy.setting("parity_score_epsilon")
    assert score_epsilon(policy, in_8_bits=True) > score_epsilon(policy, in_8_bits=False)


def test_every_box_of_another_class_is_one_change() -> None:
    """And what nothing is paired with has no overlap to speak of."""
    found = _one(_found((_BOX, 0.9, 1), (_FAR, 0.8, 1)), _found((_BOX, 0.9, 2), (_FAR, 0.8, 3)))
    assert found.changed == (ClassChange(1, 2, 0.9), ClassChange(1, 3, 0.8))
    assert (found.worst_iou, found.worst_score_shift) == (None, None)
    assert found.weight == pytest.approx(1.7)
