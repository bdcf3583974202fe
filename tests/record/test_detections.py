"""The detections of one image, as arrays that stay as they were made."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from validation.errors import RecordError
from validation.record.detections import Detections

_BOX = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("boxes", "scores", "classes"),
    [((), (0.5,), (1,)), ((_BOX,), (), (1,)), ((_BOX,), (0.5,), ()), ((_BOX,), (0.5,), (1, 2))],
)
def test_detections_of_unequal_length(
    boxes: tuple[tuple[float, float, float, float], ...],
    scores: tuple[float, ...],
    classes: tuple[int, ...],
) -> None:
    """Three lists that do not describe the same detections are none."""
    with pytest.raises(
        RecordError,
        match=rf"unequal length: got {len(boxes)} boxes, {len(scores)} scores, {len(classes)} cl",
    ):
        Detections(boxes, scores, classes)


def test_number_of_detections() -> None:
    """Their length is how many there are."""
    assert len(Detections((), (), ())) == 0
    assert len(Detections((_BOX, _BOX), (0.9, 0.1), (1, 1))) == 2


@pytest.mark.parametrize(
    ("boxes", "scores", "classes"),
    [(((0.0, 0.0, 1.0),), (0.5,), (1,)), ((_BOX,), ((0.5, 0.4),), (1,)), (0.1, 0.5, 1)],
)
def test_detections_of_another_shape(boxes: Any, scores: Any, classes: Any) -> None:
    """Boxes have four sides; scores and classes are one number each."""
    with pytest.raises(RecordError, match=r"another shape: expected boxes \[N, 4\]"):
        Detections(boxes, scores, classes)


def test_class_ids_are_integers() -> None:
    """A class that would have to be rounded is refused."""
    with pytest.raises(RecordError, match="expected int, got float64"):
        Detections((_BOX,), (0.5,), (1.5,))


@settings(deadline=None)
@given(arrays(np.float32, (3, 5)))
def test_float32_is_widened_exactly(values: Any) -> None:
    """The very numbers that Python makes of a model's output."""
    found = Detections(values[:, :4], values[:, 4], (1, 2, 3))
    assert found.boxes.dtype == found.scores.dtype == np.float64
    np.testing.assert_array_equal(found.boxes, values[:, :4].astype(object).astype(float))
    np.testing.assert_array_equal(found.scores, [float(score) for score in values[:, 4]])


def test_nobody_changes_them() -> None:
    """Neither through their arrays nor through those that they were made of."""
    scores = np.array([0.5])
    found = Detections((_BOX,), scores, (1,))
    scores[0] = 0.9
    assert found.scores.tolist() == [0.5]
    for array in (found.boxes, found.scores, found.classes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_equal_by_value() -> None:
    """All three arrays in the same order; another kind of thing is never equal."""
    found = Detections((_BOX, _BOX), (0.5, 0.4), (1, 2))
    assert found == Detections(np.float32([_BOX, _BOX]), [0.5, 0.4], np.int32([1, 2]))
    assert found != dataclasses.replace(found, boxes=found.boxes + 1)
    assert found != dataclasses.replace(found, scores=found.scores[::-1])
    assert found != dataclasses.replace(found, classes=(1, 3))
    assert found != found.take(slice(1))
    assert found != "detections"


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=6))
def test_some_of_them(indices: list[int]) -> None:
    """In the order asked for, by indices, mask or slice."""
    found = Detections([_BOX] * 5, np.arange(5) / 10, np.arange(5))
    assert found.take(np.array(indices, int)).classes.tolist() == indices
    assert found.take(found.scores >= 0.3).classes.tolist() == [3, 4]
    assert found.take(slice(2)) == found.take(np.array([0, 1]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_finite(bad: float) -> None:
    """One value is enough, in a box or in a score; nothing found is finite."""
    good = Detections((_BOX,), (0.5,), (1,))
    assert good.is_finite
    assert good.take(slice(0)).is_finite
    assert not dataclasses.replace(good, scores=(bad,)).is_finite
    assert not dataclasses.replace(good, boxes=((0, 0, bad, 1),)).is_finite
