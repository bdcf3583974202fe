"""Suppression, fast and regular, on boxes small enough to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.postprocess.nms import fast_nms, regular_nms, suppress
from validation.specs.contracts import PostprocessAttributes

Attributes = Callable[..., PostprocessAttributes]

# 0 and 1 share half of their union, 2 stands alone, 3 is 2 again, 4 lies in 0 without area.
BOXES = np.array(
    [[0, 0, 3, 1], [1, 0, 4, 1], [9, 9, 10, 10], [9, 9, 10, 10], [0, 0, 3, 0]], np.float32
)


def kept(scores: list[float], **changes: Any) -> list[int]:
    """Rows of BOXES that survive."""
    options: dict[str, Any] = {"score_threshold": 0.1, "iou_threshold": 0.4, "limit": 10, **changes}
    rows: list[int] = suppress(BOXES, np.array(scores, np.float32), **options).tolist()
    return rows


def iou(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Overlap of two boxes, one number at a time."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    union = sum(float(np.prod(box[2:] - box[:2])) for box in (first, second)) - shared
    return shared / union


def test_the_lower_score_of_an_overlapping_pair_goes() -> None:
    """Box 1 beats 0, and of two equal boxes the better score stays; best first."""
    assert kept([0.5, 0.6, 0.7, 0.8, 0.2]) == [3, 1, 4]


def test_an_overlap_at_the_threshold_stays() -> None:
    """Boxes 0 and 1 have IoU 0.5 exactly: over 0.4999, not over 0.5."""
    assert kept([0.5, 0.6, 0, 0, 0], iou_threshold=0.4999) == [1]
    assert kept([0.5, 0.6, 0, 0, 0], iou_threshold=0.5) == [1, 0]


def test_a_score_at_the_threshold_is_in() -> None:
    """0.25 passes 0.25, the next smaller float does not."""
    below = float(np.nextafter(np.float32(0.25), np.float32(0)))
    assert kept([0.25, 0, below, 0, 0], score_threshold=0.25) == [0]


def test_thresholds_are_rounded_to_float32() -> None:
    """The op holds its thresholds as C floats: a score passes one that is larger by 1e-10."""
    score = float(np.float32(0.1))
    assert kept([score, 0, 0, 0, 0], score_threshold=score + 1e-10) == [0]


def test_of_equal_scores_the_lower_row_comes_first() -> None:
    """Rows 0, 2 and 4 do not overlap; 1 and 3 lose against their equals before them."""
    assert kept([0.5, 0.5, 0.5, 0.5, 0.5]) == [0, 2, 4]


def test_the_limit_counts_survivors_only() -> None:
    """Box 2 is suppressed by 3 and takes no place."""
    assert kept([0.5, 0.1, 0.7, 0.8, 0], limit=2) == [3, 0]


def test_nan_scores_are_no_candidates() -> None:
    """Neither kept nor suppressing."""
    assert kept([0.5, np.nan, np.nan, 0.4, 0]) == [0, 3]


def test_nothing_above_the_threshold_keeps_nothing() -> None:
    """An empty answer, not an error."""
    assert kept([0, 0, 0, 0, 0]) == []


@pytest.mark.parametrize("side", [0.0, np.inf, np.nan])
def test_boxes_whose_overlap_is_nan_all_stay(side: float) -> None:
    """Twice the same box without area, of infinite area, or of none that is known."""
    boxes = np.array([[0, 0, side, side]] * 2, np.float32)
    scores = np.array([0.5, 0.6], np.float32)
    found = suppress(boxes, scores, score_threshold=0.1, iou_threshold=0.01, limit=10)
    assert found.tolist() == [1, 0]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 30),
    threshold=st.sampled_from([0.05, 0.3, 0.5, 0.9]),
)
def test_survivors_do_not_overlap_and_the_dropped_ones_do(
    seed: int, number: int, threshold: float
) -> None:
    """The definition of greedy NMS, checked pair by pair."""
    rng = np.random.default_rng(seed)
    corner = rng.random((number, 2))
    boxes = np.concatenate([corner, corner + 0.1 + rng.random((number, 2))], 1).astype(np.float32)
    scores = rng.random(number).astype(np.float32)
    rows = suppress(boxes, scores, score_threshold=0.2, iou_threshold=threshold, limit=number)
    assert (np.diff(scores[rows]) <= 0).all()
    for row in range(number):
        better = [other for other in rows if other != row and scores[other] >= scores[row]]
        overlap = max((iou(boxes[row], boxes[other]) for other in better), default=0.0)
        if scores[row] < 0.2:
            assert row not in rows
        elif row in rows:
            assert overlap <= threshold + 1e-5
        else:
            assert overlap > threshold - 1e-5


def test_fast_nms_ignores_classes_and_regular_nms_does_not(make_attributes: Attributes) -> None:
    """Two overlapping boxes of different classes: one survives fast NMS, both the regular."""
    boxes = BOXES[:2]
    scores = np.array([[0.9, 0.1, 0.2], [0.1, 0.2, 0.8]], np.float32)
    attributes = make_attributes(nms_iou_threshold=0.4, nms_score_threshold=0.5)
    fast = fast_nms(boxes, scores, attributes)
    assert (fast.anchors.tolist(), fast.classes.tolist()) == ([0], [[0]])
    regular = regular_nms(boxes, scores, attributes)
    assert (regular.anchors.tolist(), regular.classes.tolist()) == ([0, 1], [[0], [2]])
    np.testing.assert_array_equal(regular.scores, np.array([[0.9], [0.8]], np.float32))


def test_fast_nms_gives_the_best_classes_of_each_box(make_attributes: Attributes) -> None:
    """Two classes for each box, the second below the score threshold; ties to the lower class."""
    scores = np.array([[0.1, 0.3, 0.9], [0.7, 0.7, 0.7]], np.float32)
    attributes = make_attributes(max_classes_per_detection=2, nms_score_threshold=0.5)
    found = fast_nms(BOXES[1:3], scores, attributes)
    assert found.anchors.tolist() == [0, 1]
    assert found.classes.tolist() == [[2, 1], [0, 1]]
    np.testing.assert_array_equal(found.scores, np.array([[0.9, 0.3], [0.7, 0.7]], np.float32))


def test_fast_nms_never_answers_nan(make_attributes: Attributes) -> None:
    """A NaN class loses against the others; a row of NaN is no detection."""
    scores = np.array([[np.nan, 0.3, 0.2], [np.nan, np.nan, np.nan]], np.float32)
    found = fast_nms(BOXES[1:3], scores, make_attributes())
    assert (found.anchors.tolist(), found.classes.tolist()) == ([0], [[1]])


def test_regular_nms_keeps_so_many_for_each_class(make_attributes: Attributes) -> None:
    """detections_per_class bounds each class, max_detections all of them."""
    boxes = np.array([[i, 0, i + 1, 1] for i in range(4)], np.float32)
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], np.float32)
    two = regular_nms(boxes, scores, make_attributes(detections_per_class=2))
    assert (two.anchors.tolist(), two.classes[:, 0].tolist()) == ([0, 1, 3, 2], [0, 0, 1, 1])
    three = regular_nms(boxes, scores, make_attributes(max_detections=3))
    assert three.anchors.tolist() == [0, 1, 2]


@pytest.mark.parametrize("slots", [2, 3, 5, 6])
def test_regular_nms_orders_equal_scores_by_class_then_anchor(
    make_attributes: Attributes, slots: int
) -> None:
    """Where the slots end, the later class is the one that is left out."""
    boxes = np.array([[i, 0, i + 1, 1] for i in range(2)], np.float32)
    scores = np.full((2, 3), 0.5, np.float32)
    found = regular_nms(boxes, scores, make_attributes(max_detections=slots))
    pairs = list(zip(found.classes[:, 0].tolist(), found.anchors.tolist(), strict=True))
    assert pairs == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)][:slots]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 40),
    classes=st.integers(1, 5),
    levels=st.sampled_from([3, 1000]),
    slots=st.integers(1, 30),
    per_class=st.integers(1, 12),
)
def test_regular_nms_is_the_best_of_what_each_class_keeps(
    make_attributes: Attributes,
    seed: int,
    number: int,
    classes: int,
    levels: int,
    slots: int,
    per_class: int,
) -> None:
    """Suppression in each class alone, then the best over all; with few levels scores are equal."""
    rng = np.random.default_rng(seed)
    corner = rng.random((number, 2))
    boxes = np.concatenate([corner, corner + 0.1 + rng.random((number, 2))], 1).astype(np.float32)
    scores = (rng.integers(0, levels, (number, classes)) / levels).astype(np.float32)
    scores[rng.random(scores.shape) < 0.05] = np.nan
    attributes = make_attributes(
        max_detections=slots, detections_per_class=per_class, nms_score_threshold=0.3
    )
    survivors = []
    for label in range(classes):
        rows = suppress(
            boxes,
            scores[:, label],
            score_threshold=0.3,
            iou_threshold=attributes.nms_iou_threshold,
            limit=per_class,
        )
        survivors += [(-scores[row, label], label, place, row) for place, row in enumerate(rows)]
    expected = [(label, row) for _, label, _, row in sorted(survivors)[:slots]]
    found = regular_nms(boxes, scores, attributes)
    pairs = list(zip(found.classes[:, 0].tolist(), found.anchors.tolist(), strict=True))
    assert pairs == expected
