"""The port against the op itself, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.errors import FeedError, GraphError
from validation.postprocess.op import PostprocessOutput, detection_postprocess
from validation.specs.contracts import PostprocessAttributes

Attributes = Callable[..., PostprocessAttributes]
RunOp = Callable[..., Any]
Floats = NDArray[np.float32]


def raw_outputs(
    seed: int, number: int, columns: int, levels: int, on_grid: bool
) -> tuple[Floats, Floats, Floats]:
    """Encodings, scores and anchors; ``levels`` scores only (0: any), boxes on a grid or not.

    On the grid many boxes coincide, and many overlaps are round figures such as 1/3 and 1/2.
    """
    rng = np.random.default_rng(seed)
    scores = rng.random((1, number, columns))
    if levels:
        scores = np.round(scores * levels) / levels
    if on_grid:
        encodings = np.zeros((1, number, 4))
        anchors = rng.integers(1, 5, (number, 4)) / 4
    else:
        encodings = rng.normal(0, 3, (1, number, 4))
        anchors = np.concatenate([rng.random((number, 2)), 0.05 + rng.random((number, 2))], 1)
    return encodings.astype(np.float32), scores.astype(np.float32), anchors.astype(np.float32)


def assert_same_classes(
    ours: tuple[NDArray[Any], NDArray[Any]], theirs: tuple[NDArray[Any], NDArray[Any]]
) -> None:
    """One box's classes and scores agree; equal scores in any order, the last group by score only.

    std::partial_sort leaves open which of equal classes comes first and which is left out.
    """
    for score in set(ours[1].tolist()):
        mine = ours[0][ours[1] == score].tolist()
        other = theirs[0][theirs[1] == score].tolist()
        if score > ours[1][-1]:
            assert sorted(mine) == sorted(other)
        assert len(set(mine)) == len(set(other)) == len(mine)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(1, 200),
    classes=st.integers(1, 8),
    background=st.booleans(),
    levels=st.sampled_from([0, 1, 2, 4, 16, 255]),
    on_grid=st.booleans(),
    score_threshold=st.sampled_from([-1.0, 0.0, 1e-8, 0.25, 0.3, 0.5, 1.0]),
    iou_threshold=st.sampled_from([0.05, 1 / 3, 0.5, 0.6, 1.0]),
    max_detections=st.integers(1, 40),
    per_class=st.integers(1, 30),
    per_detection=st.integers(1, 3),
    regular=st.booleans(),
)
def test_the_port_agrees_with_the_op(
    make_attributes: Attributes,
    run_op: RunOp,
    seed: int,
    number: int,
    classes: int,
    background: bool,
    levels: int,
    on_grid: bool,
    score_threshold: float,
    iou_threshold: float,
    max_detections: int,
    per_class: int,
    per_detection: int,
    regular: bool,
) -> None:
    """Same count, classes, order; boxes and scores to 1e-5; in every slot that means something."""
    arrays = raw_outputs(seed, number, classes + background, levels, on_grid)
    attributes = make_attributes(
        num_classes=classes,
        nms_score_threshold=score_threshold,
        nms_iou_threshold=iou_threshold,
        max_detections=max_detections,
        detections_per_class=per_class,
        max_classes_per_detection=per_detection,
        use_regular_nms=regular,
    )
    boxes, labels, scores, count = run_op(*arrays, attributes)
    port = detection_postprocess(*arrays, attributes)

    assert port.count == count
    assert port.boxes.shape == boxes.shape
    assert port.classes.shape == port.scores.shape == labels.shape == scores.shape
    used = 1 if regular else min(per_detection, classes)
    assert np.count_nonzero(port.valid) == count * used
    # Both write zeros into the first max_detections slots of regular NMS.
    values = port.valid | (np.arange(port.valid.size) < (max_detections if regular else 0))
    np.testing.assert_allclose(port.boxes[0, values], boxes[0, values], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(port.scores[0, values], scores[0, values], rtol=0, atol=1e-5)
    if used == 1:
        np.testing.assert_array_equal(port.classes[0, values], labels[0, values])
        return
    mine, mine_scores, other, other_scores = (
        array[0, port.valid].reshape(count, used)
        for array in (port.classes, port.scores, labels, scores)
    )
    for row in range(count):
        assert_same_classes((mine[row], mine_scores[row]), (other[row], other_scores[row]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_nan_is_treated_as_the_op_treats_it(
    make_attributes: Attributes, run_op: RunOp, seed: int, share: float
) -> None:
    """Regular NMS with NaN among scores and encodings: same detections, NaN boxes included."""
    arrays = raw_outputs(seed, 40, 4, 0, False)
    rng = np.random.default_rng(seed)
    for array in arrays[:2]:
        array[rng.random(array.shape) < share / 4] = np.nan
    attributes = make_attributes(use_regular_nms=True)
    boxes, labels, scores, count = run_op(*arrays, attributes)
    port = detection_postprocess(*arrays, attributes)
    assert port.count == count
    np.testing.assert_array_equal(port.classes, labels)
    np.testing.assert_array_equal(port.scores, scores)
    np.testing.assert_allclose(port.boxes, boxes, rtol=1e-5, atol=1e-5)


def two_boxes(make_attributes: Attributes, **changes: Any) -> PostprocessOutput:
    """Two anchors apart, the second with the better score, of class 2; background in front."""
    anchors = np.array([[0.25, 0.5, 0.5, 1], [0.75, 0.5, 0.5, 0.5]], np.float32)
    scores = np.array([[0.99, 0.5, 0.1, 0.2], [0.99, 0.1, 0.2, 0.75]], np.float32)
    encodings = np.zeros((2, 4), np.float32)
    return detection_postprocess(encodings, scores, anchors, make_attributes(**changes))


def test_known_anchors_give_known_detections(make_attributes: Attributes) -> None:
    """Best first, background never, unused slots zero, not valid."""
    found = two_boxes(make_attributes, max_detections=3)
    assert found.count == 2
    assert found.boxes.tolist() == [
        [[0.5, 0.25, 1, 0.75], [0, 0, 0.5, 1], [0, 0, 0, 0]],
    ]
    assert found.classes.tolist() == [[2, 0, 0]]
    assert found.scores.tolist() == [[0.75, 0.5, 0]]
    assert found.valid.tolist() == [True, True, False]
    assert {array.dtype for array in (found.boxes, found.classes, found.scores)} == {
        np.dtype(np.float32)
    }


def test_fast_slots_stand_beside_each_other_and_count_once(make_attributes: Attributes) -> None:
    """Four slots a box with three classes: three filled, the fourth empty, a count of two."""
    found = two_boxes(make_attributes, max_detections=2, max_classes_per_detection=4)
    assert found.count == 2
    assert found.classes.tolist() == [[2, 1, 0, 0, 0, 2, 1, 0]]
    assert found.valid.tolist() == [True, True, True, False] * 2


def test_regular_slots_are_one_for_each_detection(make_attributes: Attributes) -> None:
    """max_classes_per_detection only adds slots that stay empty."""
    found = two_boxes(
        make_attributes,
        max_detections=3,
        max_classes_per_detection=2,
        use_regular_nms=True,
        nms_score_threshold=0.2,
    )
    assert found.count == 3
    assert found.classes.tolist() == [[2, 0, 1, 0, 0, 0]]
    assert found.valid.tolist() == [True] * 3 + [False] * 3


def test_the_batch_axis_may_be_left_out(make_attributes: Attributes) -> None:
    """[N, 4] and [1, N, 4] are the same."""
    encodings, scores, anchors = raw_outputs(1, 20, 3, 0, False)
    batched = detection_postprocess(encodings, scores, anchors, make_attributes())
    plain = detection_postprocess(encodings[0], scores[0], anchors, make_attributes())
    assert batched.count > 0
    np.testing.assert_array_equal(batched.boxes, plain.boxes)
    np.testing.assert_array_equal(batched.scores, plain.scores)


@pytest.mark.parametrize(
    ("encodings", "predictions", "anchors"),
    [
        pytest.param((1, 5, 4), (1, 5, 4), (6, 4), id="anchors of another model"),
        pytest.param((1, 6, 4), (1, 5, 4), (5, 4), id="more encodings"),
        pytest.param((1, 5, 4), (1, 6, 4), (5, 4), id="more predictions"),
        pytest.param((2, 5, 4), (2, 5, 4), (5, 4), id="a batch of two"),
        pytest.param((1, 5, 4), (1, 5, 5), (5, 4), id="two columns too many"),
        pytest.param((1, 5, 4), (1, 5, 2), (5, 4), id="too few columns"),
        pytest.param((1, 5, 5), (1, 5, 3), (5, 4), id="five numbers a box"),
        pytest.param((1, 5, 4), (1, 5, 3), (5, 5), id="five numbers an anchor"),
        pytest.param((1, 5, 4), (1, 5, 3), (1, 5, 4), id="anchors with a batch axis"),
        pytest.param((1, 5, 4), (), (5, 4), id="a single number"),
    ],
)
def test_shapes_that_do_not_fit_are_all_named(
    make_attributes: Attributes,
    encodings: tuple[int, ...],
    predictions: tuple[int, ...],
    anchors: tuple[int, ...],
) -> None:
    """The message holds all three shapes and the number of classes."""
    arrays: list[Any] = [np.ones(shape, np.float32) for shape in (encodings, predictions, anchors)]
    with pytest.raises(FeedError, match="arrays that do not fit the post-processing") as caught:
        detection_postprocess(arrays[0], arrays[1], arrays[2], make_attributes(num_classes=3))
    for name, array in zip(("box_encodings", "class_predictions", "anchors"), arrays, strict=True):
        assert f"{name} float32 {list(array.shape)}" in str(caught.value)
    assert "[1, N, 3 or 4]" in str(caught.value)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_quantised_arrays_are_refused(make_attributes: Attributes, position: int) -> None:
    """A uint8 head taken for scores would be all wrong and no error."""
    arrays: list[Any] = list(raw_outputs(1, 5, 3, 0, False))
    arrays[position] = arrays[position].astype(np.uint8)
    with pytest.raises(FeedError, match=r"uint8.*dequantise"):
        detection_postprocess(arrays[0], arrays[1], arrays[2], make_attributes())


def test_boxes_inside_out_are_refused_as_by_the_op(
    make_attributes: Attributes, run_op: RunOp
) -> None:
    """An anchor of negative width stops both, and ours names the anchor."""
    arrays = raw_outputs(1, 5, 3, 0, False)
    arrays[2][3, 3] = -0.5
    with pytest.raises(RuntimeError, match="ValidateBoxes"):
        run_op(*arrays, make_attributes())
    with pytest.raises(FeedError, match=r"inside out \(anchor 3\).*1 such boxes"):
        detection_postprocess(*arrays, make_attributes())
    arrays[2][1, 2] = -0.5
    with pytest.raises(FeedError, match=r"inside out \(anchor 1\).*2 such boxes"):
        detection_postprocess(*arrays, make_attributes())


def test_boxes_without_area_are_accepted_as_by_the_op(
    make_attributes: Attributes, run_op: RunOp
) -> None:
    """Anchors of no height or width give boxes that suppress nothing, not even their like."""
    arrays = raw_outputs(1, 6, 3, 0, True)
    arrays[2][:] = [0.5, 0.5, 1, 1]
    arrays[2][:4] = [[0.5, 0.5, 0, 1], [0.5, 0.5, 0, 1], [0.5, 0.5, 1, 0], [0.5, 0.5, 1, 0]]
    boxes, _, scores, count = run_op(*arrays, make_attributes())
    port = detection_postprocess(*arrays, make_attributes())
    assert port.count == count == 5
    np.testing.assert_array_equal(port.boxes[0, :5], boxes[0, :5])
    np.testing.assert_array_equal(port.scores[0, :5], scores[0, :5])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_detections", 0),
        ("max_classes_per_detection", 0),
        ("num_classes", 0),
        ("detections_per_class", -1),
    ],
)
def test_numbers_below_one_are_refused(make_attributes: Attributes, name: str, value: int) -> None:
    """The message names the attribute and its value."""
    arrays = raw_outputs(1, 5, 3, 0, False)
    with pytest.raises(GraphError, match=f"expected {name} of 1 or more, got {value}"):
        detection_postprocess(*arrays, make_attributes(**{name: value}))


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, float("nan")])
def test_an_impossible_overlap_threshold_is_refused_as_by_the_op(
    make_attributes: Attributes, run_op: RunOp, threshold: float
) -> None:
    """Only (0, 1] is an overlap."""
    arrays = raw_outputs(1, 5, 3, 0, False)
    attributes = make_attributes(nms_iou_threshold=threshold)
    with pytest.raises(RuntimeError, match="intersection_over_union_threshold"):
        run_op(*arrays, attributes)
    with pytest.raises(GraphError, match=r"nms_iou_threshold in \(0, 1\]"):
        detection_postprocess(*arrays, attributes)
