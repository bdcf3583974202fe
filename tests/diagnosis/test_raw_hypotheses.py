"""What is tried of raw outputs: what the reference states otherwise first, each by its name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from validation.diagnosis.hypotheses import Cause
from validation.diagnosis.raw_hypotheses import RawHypothesis, RawOutputs, raw_hypotheses, softmax
from validation.record.diagnosis import FaultKind, Place
from validation.specs.contracts import PostprocessAttributes

_ATTRIBUTES = PostprocessAttributes(100, 1, 1e-8, 0.6, 4, 10.0, 10.0, 5.0, 5.0, 100, True)
_ANCHORS = np.array([[0.2, 0.3, 0.1, 0.2], [0.6, 0.7, 0.3, 0.4]], np.float32)
_RAW = RawOutputs(
    np.zeros((2, 4), np.float32), np.full((2, 5), 0.5, np.float32), _ANCHORS, _ATTRIBUTES
)


def _tried(raw: RawOutputs = _RAW, **stated: Any) -> list[RawHypothesis]:
    given = {"attributes": _ATTRIBUTES, "anchors": _ANCHORS, **stated}
    return list(raw_hypotheses(raw, other_anchors="moved", place=Place.FILE, **given))


def _stated(**changed: Any) -> list[Cause]:
    """Causes beyond those that are tried of a file with the reference's attributes."""
    attributes = dataclasses.replace(_ATTRIBUTES, **changed)
    found = _tried(attributes=attributes)
    return [each.cause for each in found[: len(found) - len(_tried())]]


@pytest.mark.parametrize(
    ("changed", "causes"),
    [
        ({}, []),
        (
            {"nms_iou_threshold": 0.5},
            [Cause(FaultKind.NMS, Place.FILE, 0.6, 0.5, "nms_iou_threshold")],
        ),
        (
            {"max_detections": 10},
            [Cause(FaultKind.DETECTIONS, Place.FILE, 100, 10, "max_detections")],
        ),
        # Scales are said together, with the names of those that differ.
        (
            {"w_scale": 4.0},
            [
                Cause(
                    FaultKind.BOX_SCALES,
                    Place.FILE,
                    (10.0, 10.0, 5.0, 5.0),
                    (10.0, 10.0, 5.0, 4.0),
                    "w_scale",
                )
            ],
        ),
        (
            {"y_scale": 1.0, "w_scale": 4.0},
            [
                Cause(
                    FaultKind.BOX_SCALES,
                    Place.FILE,
                    (10.0, 10.0, 5.0, 5.0),
                    (1.0, 10.0, 5.0, 4.0),
                    "y_scale, w_scale",
                )
            ],
        ),
        (
            {"use_regular_nms": False, "detections_per_class": 7},
            [
                Cause(
                    FaultKind.NMS,
                    Place.FILE,
                    (True, 100),
                    (False, 7),
                    "use_regular_nms, detections_per_class",
                )
            ],
        ),
    ],
)
def test_what_the_reference_states_otherwise(changed: dict[str, Any], causes: list[Cause]) -> None:
    """What there is and what there should be, of the attributes that differ and of no other."""
    assert _stated(**changed) == causes


def test_undoing_gives_the_attributes_of_the_reference() -> None:
    """All of one fault at once."""
    attributes = dataclasses.replace(_ATTRIBUTES, y_scale=1.0, w_scale=4.0)
    first = _tried(attributes=attributes)[0]
    assert first.undo(_RAW).attributes == attributes


@pytest.mark.parametrize(
    ("anchors", "tried"),
    [(_ANCHORS, False), (_ANCHORS + 1e-8, False), (_ANCHORS + 0.1, True), (_ANCHORS[:1], False)],
    ids=["equal", "rounding", "moved", "another number"],
)
def test_other_anchors_are_tried_where_they_can_be(anchors: Any, tried: bool) -> None:
    """Of another number none can take their places."""
    causes = [each.cause for each in _tried(anchors=np.asarray(anchors, np.float32))]
    assert (Cause(FaultKind.ANCHORS, Place.FILE, "moved") in causes) is tried


@pytest.mark.parametrize("regular", [True, False])
def test_the_other_nms_keeps_as_many_detections(regular: bool) -> None:
    """Regular NMS has a limit of each class, which fast NMS does not read."""
    own = dataclasses.replace(
        _ATTRIBUTES, use_regular_nms=regular, detections_per_class=7, max_detections=40
    )
    raw = dataclasses.replace(_RAW, attributes=own)
    (other,) = [
        each for each in _tried(raw, attributes=own) if each.cause.where == "use_regular_nms"
    ]
    changed = other.undo(raw).attributes
    assert changed.use_regular_nms is not regular
    assert changed.detections_per_class == (7 if regular else 40)


def test_softmax_of_large_logits_is_finite() -> None:
    """Whichever of them is the largest."""
    found = softmax(np.array([[1000.0, 0.0], [0.0, 1000.0], [-1000.0, -1000.0]], np.float32))
    assert found.tolist() == [[1, 0], [0, 1], [0.5, 0.5]]
