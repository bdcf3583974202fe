"""A cause is listed where undoing it brings agreement back, with those that do so as well."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_detections import RULES, drawn_detections
from hypothesis import given
from numpy.typing import NDArray

from validation.diagnosis.agreement import (
    agreement,
    agreements,
    by_chance,
    found_objects,
    is_gain,
    is_restored,
    objects_found,
)
from validation.diagnosis.hypotheses import (
    AGREEMENT,
    Cause,
    Tried,
    diagnosis_of,
    explanation,
    is_exact,
)
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind, Place
from validation.record.types import ModelKey

_KEY = ModelKey("ssd", "float")


@given(drawn_detections(), drawn_detections())
def test_agreement_is_a_share_whatever_the_order(ours: Detections, theirs: Detections) -> None:
    """1 for the same detections, and the same for the sides exchanged."""
    found = agreement(ours, theirs, RULES)
    assert 0 <= found <= 1
    assert agreement(ours, ours, RULES) == 1
    assert agreement(theirs, ours, RULES) == pytest.approx(found, abs=1e-9)
    order = np.random.default_rng(0).permutation(len(theirs))
    assert agreement(ours, theirs.take(order), RULES) == pytest.approx(found, abs=1e-9)


def test_agreement_falls_with_what_is_lost_moved_or_called_otherwise() -> None:
    """Each detection on one side only counts as nothing, a pair by overlap and score."""
    whole = Detections([(0, 0, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9)], [0.9, 0.8], [1, 2])
    assert agreement(whole, whole.take(slice(1)), RULES) == pytest.approx(1 / 2)
    other = Detections(whole.boxes, whole.scores, [1, 1])
    assert agreement(whole, other, RULES) == pytest.approx(1 / 3)
    less = Detections(whole.boxes, whole.scores - 0.1, whole.classes)
    assert agreement(whole, less, RULES) == pytest.approx(0.9)
    broken = Detections(whole.boxes, [np.nan, 0.8], whole.classes)
    assert agreement(whole, broken, RULES) == 0
    assert agreement(broken, whole, RULES) == 0
    assert agreement(broken, broken, RULES) == 0
    assert agreements({"a": whole}, {}, RULES).tolist() == [0]


def test_objects_found_are_an_average_precision() -> None:
    """A false detection above the true one halves it; below, it costs nothing."""
    labelled = Detections([(0, 0, 0.4, 0.4)], [1.0], [1])
    boxes = [(0, 0, 0.4, 0.4), (0.5, 0.5, 0.9, 0.9)]
    assert found_objects(labelled, Detections(boxes, [0.9, 0.5], [1, 1])) == 1
    assert found_objects(labelled, Detections(boxes, [0.5, 0.9], [1, 1])) == 0.5
    assert found_objects(labelled, Detections(boxes, [0.9, 0.5], [2, 1])) == 0
    nothing = Detections((), (), ())
    assert (found_objects(nothing, nothing), found_objects(labelled, nothing)) == (1, 0)


@pytest.mark.parametrize(
    ("before", "after", "restored"),
    [
        ([0.2] * 8, [1.0] * 8, True),
        ([0.2] * 8, [0.95] * 8, True),
        # Too little has gone, or too low a level came back.
        ([0.2] * 8, [0.7] * 8, False),
        ([0.96] * 8, [0.97] * 8, False),
        # Most of it, on three images: three coins fall alike once in eight times.
        ([0.2] * 3 + [0.99] * 5, [0.97] * 3 + [0.99] * 5, False),
        # All of it, on three images.
        ([0.2] * 3 + [1.0] * 5, [1.0] * 8, True),
        ([1.0] * 8, [1.0] * 8, False),
    ],
)
def test_restored(before: list[float], after: list[float], restored: bool) -> None:
    """Most of the disagreement, to a level, and not by chance."""
    assert is_restored(np.array(before), np.array(after), RULES) is restored


def test_chance() -> None:
    """A coin for each image that changed; rounding is no vote."""
    assert by_chance(np.zeros(3), np.ones(3)) == pytest.approx(1 / 8)
    assert by_chance(np.zeros(3), np.array([1, 1e-9, 0])) == pytest.approx(1 / 2)
    assert by_chance(np.zeros(3), np.zeros(3)) == 1
    # Three or all of four.
    assert by_chance(np.zeros(4), np.array([1, 1, 1, -1])) == pytest.approx(5 / 16)


def _tried(fault: FaultKind, after: float, got: str = "") -> Tried:
    figures: NDArray[np.float64] = np.full(8, after)
    return Tried(Cause(fault, Place.FEED, got), np.full(8, 0.2), figures)


def test_the_best_comes_first_and_equals_are_its_ties() -> None:
    """One diagnosis with its figures; of a kind the best alone; what restores less is left out."""
    found = explanation(
        [
            _tried(FaultKind.RESIZE, 0.93),
            _tried(FaultKind.CHANNELS, 1.0, "BGR"),
            _tried(FaultKind.MIRRORED, 0.99),
            _tried(FaultKind.CHANNELS, 0.995, "GRB"),
        ],
        RULES,
    )
    (diagnosis,) = diagnosis_of(found, _KEY, AGREEMENT)
    assert (diagnosis.fault, diagnosis.got) == (FaultKind.CHANNELS, "BGR")
    assert diagnosis.ties == (FaultKind.MIRRORED,)
    assert (diagnosis.before, diagnosis.after) == (pytest.approx(0.2), 1.0)


def test_of_equals_the_simplest() -> None:
    """Whatever was tried first."""
    tried = [_tried(FaultKind.CLASS_SHIFT, 1.0), _tried(FaultKind.CLASS_ORDER, 1.0)]
    for order in (tried, tried[::-1]):
        (diagnosis,) = diagnosis_of(explanation(order, RULES), _KEY, AGREEMENT)
        assert diagnosis.fault is order[0].cause.fault
        assert diagnosis.ties == (order[1].cause.fault,)


def test_where_nothing_restores_nothing_is_said() -> None:
    """However much better the best of them is."""
    tried = [_tried(FaultKind.CHANNELS, 0.6), _tried(FaultKind.MIRRORED, 0.1)]
    assert explanation(tried, RULES) == ()
    assert diagnosis_of((), _KEY, AGREEMENT) == ()


def test_detections_that_are_not_finite_find_nothing() -> None:
    """Even where one of them lies on the object."""
    labelled = Detections([(0, 0, 0.4, 0.4)], [1.0], [1])
    boxes = [(0, 0, 0.4, 0.4), (np.nan, 0.5, 0.9, 0.9)]
    assert found_objects(labelled, Detections(boxes, [0.9, 0.5], [1, 1])) == 0


def test_a_detection_takes_the_object_that_it_covers_best() -> None:
    """The other one is left to the next detection."""
    labelled = Detections([(0, 0, 0.4, 0.4), (0.0, 0.1, 0.4, 0.5)], [1.0, 1.0], [1, 1])
    found = Detections([(0.0, 0.1, 0.4, 0.5), (0, 0, 0.4, 0.4)], [0.9, 0.8], [1, 1])
    assert found_objects(labelled, found) == 1
    assert found_objects(labelled, found.take(slice(1))) == 0.5


def test_every_labelled_image_counts() -> None:
    """In the order of the labels; one without a result found nothing."""
    objects = Detections([(0, 0, 0.4, 0.4)], [1.0], [1])
    nothing = Detections((), (), ())
    labelled = {"a": objects, "b": objects, "c": objects}
    assert objects_found(labelled, {"c": objects, "a": nothing}).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("before", "after", "gain"),
    [
        ([0.2] * 12, [0.9] * 12, True),
        # By far, on three images; on all images, by too little.
        ([0.2] * 3, [0.9] * 3, False),
        ([0.2] * 12, [0.22] * 12, False),
        ([0.9] * 12, [0.2] * 12, False),
    ],
)
def test_gain(before: list[float], after: list[float], gain: bool) -> None:
    """Figures of labels rise by far, and not by chance."""
    assert is_gain(np.array(before), np.array(after), RULES) is gain


@pytest.mark.parametrize(("after", "exact"), [(1.0, True), (0.999, True), (0.95, False)])
def test_nothing_is_left_to_explain(after: float, exact: bool) -> None:
    """But for rounding; and where nothing was found everything is left."""
    assert is_exact([_tried(FaultKind.CHANNELS, after)], RULES) is exact
    assert not is_exact([], RULES)


def test_every_fault_that_does_as_much_is_a_tie() -> None:
    """Of the cause itself and of the others, each once and never the cause."""
    first = _tried(FaultKind.CHANNELS, 1.0)
    cause = Cause(FaultKind.CHANNELS, Place.FEED, also=(FaultKind.CHANNELS, FaultKind.MIRRORED))
    found = [
        Tried(cause, first.before, first.after),
        _tried(FaultKind.RESIZE, 1.0),
        _tried(FaultKind.MIRRORED, 1.0),
        _tried(FaultKind.ANCHORS, 1.0),
    ]
    (diagnosis,) = diagnosis_of(found, _KEY, AGREEMENT)
    assert diagnosis.ties == (FaultKind.MIRRORED, FaultKind.RESIZE, FaultKind.ANCHORS)
