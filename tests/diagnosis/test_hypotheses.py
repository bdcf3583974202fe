"""A cause is listed where undoing it brings agreement back, with those that do so as well."""

from __future__ import annotations

import dataclasses

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
from validation.diagnosis.anchor_hypotheses import of_anchors, of_levels
from validation.diagnosis.hypotheses import (
    AGREEMENT,
    Cause,
    Tried,
    diagnosis_of,
    explanation,
    explanation_by_labels,
    is_exact,
)
from validation.diagnosis.raw_outputs import RawOutputs
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind, Place
from validation.record.types import ModelKey
from validation.specs.contracts import PostprocessAttributes

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


def _gained(fault: FaultKind, gain: float, noise: float = 0.0) -> Tried:
    before = np.full(24, 0.4)
    wave = noise * np.where(np.arange(24) % 2, 1, -1)
    return Tried(Cause(fault, Place.GRAPH), before, before + gain + wave)


def test_of_causes_that_gain_alike_on_labels_the_likelier_comes_first() -> None:
    """The one that was tried first, with the other as a tie; what gains clearly less is none."""
    likely, better = _gained(FaultKind.CHANNELS, 0.29, 0.05), _gained(FaultKind.CLASS_ORDER, 0.3)
    little = _gained(FaultKind.NORMALISATION, 0.15)
    found = explanation_by_labels([likely, better, little], RULES)
    assert [each.cause.fault for each in found] == [FaultKind.CHANNELS, FaultKind.CLASS_ORDER]


def test_what_gains_more_on_every_image_is_no_tie() -> None:
    """However near the gains are."""
    near, best = _gained(FaultKind.CHANNELS, 0.29), _gained(FaultKind.CLASS_ORDER, 0.3)
    assert explanation_by_labels([near, best], RULES) == (best,)


def test_a_small_gain_on_labels_explains_nothing() -> None:
    """Nor one by chance."""
    assert explanation_by_labels([_gained(FaultKind.NMS, RULES.gain / 2)], RULES) == ()
    assert explanation_by_labels([_gained(FaultKind.NMS, 0.1, 0.2)], RULES) == ()


def _levels() -> RawOutputs:
    """Two feature maps of 2x2 and 1x1, two anchors a cell, each with one object."""
    centres = [(y, x) for y in (0.25, 0.75) for x in (0.25, 0.75) for _ in range(2)]
    rows = [(*each, 0.3, 0.3) for each in centres] + [(0.5, 0.5, 0.8, 0.8), (0.5, 0.5, 0.6, 0.9)]
    scores = np.zeros((10, 3), np.float32)
    scores[[2, 8], [1, 2]] = 0.9
    encodings = np.zeros((10, 4), np.float32)
    encodings[:, 0] = np.arange(10) / 10
    attributes = PostprocessAttributes(10, 1, 0.1, 0.6, 2, 10.0, 10.0, 5.0, 5.0, 10, True)
    return RawOutputs(encodings, scores, np.array(rows, np.float32), attributes)


@pytest.mark.parametrize("part", ["encodings", "scores"])
def test_outputs_joined_from_coarse_to_fine_are_put_back(part: str) -> None:
    """Exactly one hypothesis restores what was there."""
    right = _levels()
    values = getattr(right, part)
    wrong = dataclasses.replace(right, **{part: np.concatenate([values[8:], values[:8]])})
    restoring = [
        each.cause
        for each in of_levels(wrong.anchors, Place.GRAPH)
        if np.array_equal(getattr(each.undo(wrong), part), values)
        and all(
            np.array_equal(getattr(each.undo(wrong), other), getattr(wrong, other))
            for other in {"encodings", "scores"} - {part}
        )
    ]
    assert [(each.fault, each.got) for each in restoring] == [
        (FaultKind.CONCATENATION, "coarse to fine")
    ]


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


def test_anchors_of_a_cell_in_another_order_are_put_back() -> None:
    """Two exchanged, or all in reverse order: each by one hypothesis, exactly."""
    sides = [(0.1, 0.1), (0.1, 0.2), (0.2, 0.1)]
    right = np.array(
        [(y, x, *side) for y in (0.25, 0.75) for x in (0.25, 0.75) for side in sides], np.float32
    )
    own = dataclasses.replace(_levels(), anchors=right)
    for order, said in (
        ([1, 0, 2], "1 and 2 of each cell exchanged"),
        ([2, 1, 0], "of each cell in reverse order"),
    ):
        rows = np.concatenate([np.array(order) + 3 * cell for cell in range(4)])
        wrong = dataclasses.replace(own, anchors=right[rows])
        found = [
            each.cause.got
            for each in of_anchors(Place.GRAPH)
            if np.array_equal(each.undo(wrong).anchors, right)
        ]
        assert said in found
