"""From four arrays to the detections of one image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import FeedError
from validation.postprocess.detections import detections_from_op, to_detections
from validation.postprocess.op import PostprocessOutput
from validation.record.detections import Detections

BOXES = np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.75, 1.25], [0, 0, 0, 0]]], np.float32)
CLASSES = np.array([[0, 89, 0]], np.float32)
SCORES = np.array([[0.75, 0.5, 0]], np.float32)


def test_only_counted_slots_become_detections() -> None:
    """Two of three slots, zero-based classes raised to label-map ids."""
    found = detections_from_op(BOXES, CLASSES, SCORES, np.array([2], np.float32))
    assert found == Detections(BOXES[0, :2], (0.75, 0.5), (1, 90))
    assert found.boxes.dtype == found.scores.dtype == np.float64


def test_the_label_offset_is_the_callers() -> None:
    """0 leaves the classes as the op counts them."""
    assert detections_from_op(BOXES, CLASSES, SCORES, 2, label_offset=0).classes.tolist() == [0, 89]


def test_the_batch_axis_may_be_left_out() -> None:
    """[S, 4] and [S] are read alike, and so is a count that is a plain number."""
    batched = detections_from_op(BOXES, CLASSES, SCORES, np.array([2.0]))
    assert detections_from_op(BOXES[0], CLASSES[0], SCORES[0], 2) == batched


def test_the_ports_output_is_read_like_the_ops() -> None:
    """Same arrays, same detections, and the offset goes through."""
    output = PostprocessOutput(BOXES, CLASSES, SCORES, 2, np.array([True, True, False]))
    assert to_detections(output) == detections_from_op(BOXES, CLASSES, SCORES, 2)
    assert to_detections(output, label_offset=5).classes.tolist() == [5, 94]


def test_garbage_past_the_count_is_never_read() -> None:
    """The op leaves those slots as the memory was."""
    classes = np.array([[0, 89, np.nan]], np.float32)
    scores = np.array([[0.75, 0.5, -1e30]], np.float32)
    assert detections_from_op(BOXES, classes, scores, 2).classes.tolist() == [1, 90]


@settings(max_examples=50, deadline=None)
@given(slots=st.integers(0, 20), data=st.data())
def test_the_count_decides_the_length(slots: int, data: st.DataObject) -> None:
    """Every count from 0 to the number of slots is right, none beyond."""
    count = data.draw(st.integers(0, slots))
    arrays = np.zeros((1, slots, 4)), np.zeros((1, slots)), np.zeros((1, slots))
    assert len(detections_from_op(*arrays, count)) == count
    with pytest.raises(FeedError, match=f"from 0 to {slots}, got {slots + 1}"):
        detections_from_op(*arrays, slots + 1)


@pytest.mark.parametrize("count", [-1, 1.5, 4, float("nan"), [1, 2], []])
def test_a_count_that_cannot_be_is_refused(count: Any) -> None:
    """Negative, fractional, beyond the slots, NaN, or not one number."""
    with pytest.raises(FeedError, match="one whole number from 0 to 3"):
        detections_from_op(BOXES, CLASSES, SCORES, count)


@pytest.mark.parametrize("label", [0.5, -1.0, np.nan, np.inf])
def test_a_class_that_is_no_class_number_is_refused(label: float) -> None:
    """Scores taken for classes are found out; the slot is named."""
    classes = np.array([[0, label, 0]], np.float32)
    with pytest.raises(FeedError, match=r"whole number of 0 or more.*") as caught:
        detections_from_op(BOXES, classes, SCORES, 2)
    assert caught.value.where == "detection_classes, slot 1 of 2"


@pytest.mark.parametrize(
    "arrays",
    [
        pytest.param((BOXES[:, :2], CLASSES, SCORES), id="fewer boxes"),
        pytest.param((BOXES, CLASSES[:, :2], SCORES), id="fewer classes"),
        pytest.param((BOXES, CLASSES, SCORES[:, :2]), id="fewer scores"),
        pytest.param((CLASSES, BOXES, SCORES), id="outputs swapped"),
        pytest.param((BOXES, CLASSES, np.float32(1)), id="a single score"),
        pytest.param((BOXES[..., :3], CLASSES, SCORES), id="three numbers a box"),
    ],
)
def test_outputs_that_do_not_fit_are_all_named(arrays: tuple[Any, Any, Any]) -> None:
    """The message holds all three shapes."""
    boxes, classes, scores = (list(np.shape(array)) for array in arrays)
    with pytest.raises(FeedError, match="do not fit each other") as caught:
        detections_from_op(*arrays, 1)
    assert f"boxes {boxes}, classes {classes}, scores {scores}" in str(caught.value)
