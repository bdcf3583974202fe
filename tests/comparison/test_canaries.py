"""Objects of known class and place are found, or the check turns red."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from validation.comparison.canary_matching import check_canaries
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, ModelKey
from validation.zoo.canaries import Canary, load_canaries

_BOX = (0.2, 0.1, 0.8, 0.4)
_CANARIES = (
    Canary(Path("a.jpg"), "person", _BOX, "", ""),
    Canary(Path("b.jpg"), "person", (0.0, 0.0, 1.0, 0.5), "", ""),
)
_LABELS = {1: "person", 2: "dog"}
_FOUND = {
    canary.path.name: Detections((canary.box, (0.0, 0.0, 0.1, 0.1)), (0.9, 0.8), (1, 2))
    for canary in _CANARIES
}


def _one(box: tuple[float, float, float, float], score: float = 0.9, number: int = 1) -> Detections:
    return Detections((box,), (score,), (number,))


def _check(found: Mapping[str, Detections], labels: Mapping[int, str] | None = None) -> CheckResult:
    return check_canaries(
        _CANARIES,
        found,
        _LABELS if labels is None else labels,
        policy=load_policy(),
        key=ModelKey("m", "float"),
        min_score=0.3,
    )


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


def test_found_canaries_pass() -> None:
    """Both objects in their places."""
    result = _check(_FOUND)
    assert result.status is Status.PASS
    assert _values(result) == {"canaries": 2, "missed": 0, "worst_iou": pytest.approx(1)}
    assert result.message == ""


@pytest.mark.parametrize(
    "seen",
    [
        Detections((), (), ()),
        _one(_BOX, number=2),
        _one(_BOX, score=0.2),
        _one(_BOX, score=math.nan),
        _one((_BOX[1], _BOX[0], _BOX[3], _BOX[2])),
        _one((0.9, 0.9, 1.0, 1.0)),
        _one((math.nan,) * 4),
    ],
    ids=["nothing", "class", "score", "nan score", "swapped axes", "place", "nan box"],
)
def test_canary_that_is_not_found_fails(seen: Detections) -> None:
    """Wrong class, low score or wrong place: each is a miss of that image."""
    result = _check({**_FOUND, "a.jpg": seen})
    assert result.status is Status.FAIL
    assert result.where == "image a.jpg"


def test_missed_images_are_named() -> None:
    """Whoever reads the message knows which pictures to look at."""
    nothing = Detections((), (), ())
    result = _check({"a.jpg": nothing, "b.jpg": nothing})
    assert _values(result) == {"canaries": 2, "missed": 2, "worst_iou": 0}
    assert result.message == "not found on a.jpg, b.jpg"


def test_lost_image_is_a_miss() -> None:
    """An image without a result is not an image less to find things on."""
    result = _check({"b.jpg": _FOUND["b.jpg"]})
    assert result.status is Status.FAIL
    assert result.message == "not found on a.jpg"


def test_best_overlap_counts() -> None:
    """Of several detections of the class the one that fits best is taken."""
    boxes = ((0.0, 0.0, 0.3, 0.3), _BOX, (0.5, 0.5, 1.0, 1.0))
    seen = Detections(boxes, (0.99, 0.5, 0.9), (1, 1, 1))
    assert _check({**_FOUND, "a.jpg": seen}).status is Status.PASS


def test_overlap_inside_the_limit_warns() -> None:
    """Found, but off: somebody should look at the boxes."""
    height = 0.65 * (_BOX[2] - _BOX[0])
    seen = _one((_BOX[0], _BOX[1], _BOX[0] + height, _BOX[3]))
    result = _check({**_FOUND, "a.jpg": seen})
    assert result.status is Status.WARN
    assert _values(result)["worst_iou"] == pytest.approx(0.65)


@pytest.mark.parametrize("labels", [{}, {1: "square"}, {1: "Person"}])
def test_model_that_knows_no_canary(labels: Mapping[int, str]) -> None:
    """No evidence either way: UNKNOWN, with the classes that would have helped."""
    result = _check(_FOUND, labels)
    assert result.status is Status.UNKNOWN
    assert result.message == "the model knows no class of the canaries: person"


def test_class_id_follows_the_label_map() -> None:
    """A label map that says otherwise is the one that counts."""
    assert _check(_FOUND, {7: "person"}).status is Status.FAIL
    moved = {name: _one(found.boxes[0], number=7) for name, found in _FOUND.items()}
    assert _check(moved, {7: "person"}).status is Status.PASS


def test_shipped_canaries_see_swapped_axes() -> None:
    """Not one of them overlaps its own mirror image enough to pass, all together."""
    swapped = {
        canary.path.name: _one((canary.box[1], canary.box[0], canary.box[3], canary.box[2]))
        for canary in load_canaries()
    }
    result = check_canaries(
        load_canaries(),
        swapped,
        _LABELS,
        policy=load_policy(),
        key=ModelKey("m", "float"),
        min_score=0.3,
    )
    assert result.status is Status.FAIL
