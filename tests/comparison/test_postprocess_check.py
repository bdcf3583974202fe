"""The op and its port are compared slot by slot, and a slot off turns the check red."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.postprocess_slots import check_postprocess
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, ModelKey

_KEY = ModelKey("m", "float")
_POLICY = load_policy()
_FIRST = Detections(((0.1, 0.2, 0.5, 0.6), (0.3, 0.3, 0.9, 0.9)), (0.9, 0.4), (1, 2))
_SECOND = Detections(((0.0, 0.0, 0.4, 0.4),), (0.7,), (2,))
_NOTHING = Detections((), (), ())
_IMAGES = ["one", "two"]


def _check(
    op: list[Detections],
    port: list[Detections],
    images: list[str] | None = None,
    *,
    anchors_steps_off: float = 0.0,
    key: ModelKey = _KEY,
) -> CheckResult:
    images = images or _IMAGES
    return check_postprocess(
        op, port, images, anchors_steps_off=anchors_steps_off, policy=_POLICY, key=key
    )


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


def test_equal_slots_pass() -> None:
    """Three slots on two images, all alike."""
    result = _check([_FIRST, _SECOND], [_FIRST, _SECOND])
    assert result.status is Status.PASS
    assert result.check == "postprocess_parity"
    assert _values(result) == {
        "anchors_steps_off": 0,
        "compared_detections": 3,
        "count_mismatches": 0,
        "class_mismatches": 0,
        "boxes_max_abs_diff": 0,
        "scores_max_abs_diff": 0,
    }
    assert result.message == "3 slots on 2 images compared in the op's own order"


@pytest.mark.parametrize(
    ("variant", "far", "status"),
    [
        ("float", 1e-6, Status.FAIL),
        ("int8", 1e-6, Status.FAIL),
        ("float16", 0.5, Status.PASS),
        ("float16", 1, Status.FAIL),
        ("uint8", 0.5, Status.PASS),
        ("uint8", 1, Status.FAIL),
        ("float", math.inf, Status.FAIL),
        ("float", math.nan, Status.FAIL),
    ],
)
def test_other_anchors_are_seen(variant: str, far: float, status: Status) -> None:
    """Slots agree where op and port share a wrong table: the table itself is compared."""
    key = ModelKey("m", variant)
    result = _check([_FIRST, _SECOND], [_FIRST, _SECOND], anchors_steps_off=far, key=key)
    assert result.status is status


@pytest.mark.parametrize(
    ("change", "measure"),
    [
        ({"classes": (2,)}, "class_mismatches"),
        ({"scores": (0.7001,)}, "scores_max_abs_diff"),
        ({"scores": (math.nan,)}, "scores_max_abs_diff"),
        ({"boxes": ((0.0, 0.0, 0.4, 0.4001),)}, "boxes_max_abs_diff"),
        ({"boxes": ((0.0, math.nan, 0.4, 0.4),)}, "boxes_max_abs_diff"),
        ({"boxes": ((0.0, 0.0, math.inf, 0.4),)}, "boxes_max_abs_diff"),
    ],
)
def test_one_slot_off(change: dict[str, Any], measure: str) -> None:
    """The check fails by that measure alone and names the image."""
    port = dataclasses.replace(_SECOND, classes=(1,))
    op = dataclasses.replace(port, **change)
    result = _check([_FIRST, op], [_FIRST, port])
    assert result.status is Status.FAIL
    assert [one.name for one in result.measures if one.status is Status.FAIL] == [measure]
    assert result.where == "image two"


def test_lost_slot() -> None:
    """Another number of detections on one image fails, whatever the rest says."""
    shorter = _FIRST.take(slice(1))
    result = _check([shorter, _SECOND], [_FIRST, _SECOND])
    assert result.status is Status.FAIL
    assert _values(result)["count_mismatches"] == 1
    assert _values(result)["compared_detections"] == 2
    assert result.where == "image one"


def test_order_counts() -> None:
    """The same detections in other slots are not what the op promises."""
    turned = _FIRST.take(slice(None, None, -1))
    assert _values(_check([turned, _SECOND], [_FIRST, _SECOND]))["class_mismatches"] == 2


@pytest.mark.parametrize("images", [1, 2])
def test_empty_on_both_sides_proves_nothing(images: int) -> None:
    """Two empty results compare nothing: that is no pass."""
    result = _check([_NOTHING] * images, [_NOTHING] * images, _IMAGES[:images])
    assert result.status is Status.FAIL
    assert _values(result)["compared_detections"] == 0


def test_no_images_prove_nothing() -> None:
    """Without an image nothing was compared, and every difference is undefined."""
    result = check_postprocess([], [], [], anchors_steps_off=0, policy=_POLICY, key=_KEY)
    assert result.status is Status.FAIL
    assert math.isnan(_values(result)["boxes_max_abs_diff"])


def test_a_side_with_images_less() -> None:
    """Both sides speak of the same images, or the caller is wrong."""
    with pytest.raises(ValueError, match="argument 3 is shorter"):
        _check([_FIRST, _SECOND], [_FIRST])


@given(st.floats(0, 1e-3), st.sampled_from([0, 1]))
@settings(max_examples=40, deadline=None)
def test_value_is_the_tolerance_that_would_pass(shift: float, image: int) -> None:
    """The measured difference is the largest one, of whichever image."""
    op = [_FIRST, _SECOND]
    scores = op[image].scores
    op[image] = dataclasses.replace(op[image], scores=(scores[0] + shift, *scores[1:]))
    result = _check(op, [_FIRST, _SECOND])
    assert _values(result)["scores_max_abs_diff"] == scores[0] + shift - scores[0]
    if result.status is Status.FAIL:
        assert result.where == f"image {_IMAGES[image]}"
