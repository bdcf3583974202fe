"""Targets of anchors for one image."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from bundled.targets import (
    MatchRule,
    anchor_targets,
    assign,
    intersections,
    overlaps,
    stacked,
)
from hypothesis import given, settings

from validation.graphs.boxes import center_size
from validation.postprocess.decode import decode_boxes
from validation.specs.contracts import PostprocessAttributes

SCALES = (10.0, 10.0, 5.0, 5.0)
DECODING = PostprocessAttributes(10, 1, 0.0, 0.6, 8, *SCALES, 100, True)
RULE = MatchRule(0.5, 0.4)
# Nine anchors of a side of 0.4, three in a row, each over the next one by a quarter.
GRID = np.array(
    [[y, x, y + 0.4, x + 0.4] for y in (0, 0.3, 0.6) for x in (0, 0.3, 0.6)], np.float32
)

few = settings(max_examples=40, deadline=None)


@st.composite
def boxes(draw: st.DrawFn, fewest: int = 0, most: int = 6) -> np.ndarray:
    count = draw(st.integers(fewest, most))
    ends = draw(hnp.arrays(np.float32, (count, 2, 2), elements=st.floats(0, 1, width=16)))
    low = ends.min(axis=1)
    return np.concatenate([low, np.maximum(ends.max(axis=1), low + np.float32(0.05))], axis=1)


def targets_of(found: np.ndarray, crowd: list[bool] | None = None, anchors: np.ndarray = GRID):
    classes = np.arange(1, len(found) + 1, dtype=np.int32)
    mask = np.array(crowd or [False] * len(found), bool)
    return anchor_targets(found.astype(np.float32), classes, mask, anchors, SCALES, RULE)


@few
@given(boxes(), boxes())
def test_overlap_is_symmetric_and_one_with_itself(one: np.ndarray, other: np.ndarray) -> None:
    """Intersection over union lies in 0..1, whichever comes first; a box covers itself."""
    overlap = overlaps(one, other)
    assert overlap.shape == (len(one), len(other))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-6)).all()
    np.testing.assert_allclose(overlap, overlaps(other, one).T)
    np.testing.assert_allclose(np.diag(overlaps(one, one)), 1, rtol=1e-5)


def test_overlap_by_hand() -> None:
    """Two squares of side 2 that share a square of side 1 overlap by one seventh."""
    one = np.array([[0, 0, 2, 2]], np.float32)
    other = np.array([[1, 1, 3, 3], [2, 2, 4, 4]], np.float32)
    np.testing.assert_array_equal(intersections(one, other), [[1, 0]])
    np.testing.assert_allclose(overlaps(one, other), [[1 / 7, 0]])


def test_two_empty_boxes_do_not_overlap() -> None:
    """An area of nothing is no division by nothing."""
    point = np.zeros((1, 4), np.float32)
    np.testing.assert_array_equal(overlaps(point, point), [[0]])


@few
@given(boxes(most=9))
def test_every_box_gets_an_anchor_of_its_own(found: np.ndarray) -> None:
    """However little they overlap, no box goes without an anchor."""
    chosen = assign(overlaps(found, GRID), RULE)
    assert set(range(len(found))) <= set(chosen.tolist())


@few
@given(boxes())
def test_only_the_forced_anchors_are_below_the_bar(found: np.ndarray) -> None:
    """Past one forced anchor a box, matches overlap enough and negatives little."""
    overlap = overlaps(found, GRID)
    chosen = assign(overlap, RULE)
    best = overlap.max(axis=0, initial=0)
    assert (best[chosen == -1] < RULE.unmatched).all()
    gap = best[chosen == -2]
    assert ((gap >= RULE.unmatched) & (gap < RULE.matched)).all()
    matched = np.flatnonzero(chosen >= 0)
    weak = [anchor for anchor in matched if overlap[chosen[anchor], anchor] < RULE.matched]
    assert len(weak) <= len(found)


def test_an_anchor_between_the_bars_is_not_asked() -> None:
    """An overlap of 0.43 is neither an object nor background."""
    overlap = np.array([[0.9, 0.43, 0.1]], np.float32)
    assert assign(overlap, RULE).tolist() == [0, -2, -1]


def test_two_boxes_with_one_best_anchor_share_it_out() -> None:
    """The larger overlap keeps the anchor, the other box takes its second best."""
    overlap = np.array([[0.30, 0.10], [0.35, 0.05]], np.float32)
    assert assign(overlap, RULE).tolist() == [1, 0]


@few
@given(boxes(fewest=1))
def test_encodings_decode_to_the_matched_boxes(found: np.ndarray) -> None:
    """What an anchor is taught is what post-processing reads as its box."""
    targets = targets_of(found)
    matched = targets.classes > 0
    decoded = decode_boxes(targets.boxes[matched], center_size(GRID[matched]), DECODING)
    np.testing.assert_allclose(decoded, found[targets.classes[matched] - 1], atol=1e-5)


def test_unmatched_anchors_are_background_without_a_box() -> None:
    """An image without objects teaches background everywhere."""
    targets = targets_of(np.zeros((0, 4)))
    assert (targets.classes == 0).all()
    assert (targets.boxes == 0).all()
    assert (targets.asked == 1).all()


def test_anchors_inside_a_crowd_are_not_asked() -> None:
    """A crowd over the left silences the anchors inside, and matches none."""
    targets = targets_of(np.array([[0, 0, 1, 0.6]]), [True])
    assert (targets.classes == 0).all()
    assert targets.asked.tolist() == [0, 0, 1] * 3


def test_an_object_in_a_crowd_is_asked() -> None:
    """A match is a match, in a crowd too."""
    targets = targets_of(np.array([[0, 0, 1, 0.5], [0, 0, 0.4, 0.4]]), [True, False])
    assert targets.classes[0] == 2
    assert targets.asked[0] == 1


@pytest.mark.parametrize("size", [1, 3])
def test_a_batch_keeps_its_images_in_order(size: int) -> None:
    """The first axis counts the images."""
    images = [targets_of(GRID[number : number + 1]) for number in range(size)]
    batch = stacked(images)
    assert batch.boxes.shape == (size, 9, 4)
    for number in range(size):
        np.testing.assert_array_equal(batch.classes[number], images[number].classes)
        np.testing.assert_array_equal(batch.asked[number], images[number].asked)
