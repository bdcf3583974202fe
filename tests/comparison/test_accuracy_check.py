"""Average precision is compared with the reference's, on the same images and classes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from validation.comparison.ap_difference import check_accuracy
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import Accuracy, CheckResult, CocoFigures, ModelKey

_POLICY = load_policy()
_DROP = _POLICY.limit("accuracy", "ap_drop", "m", "float").bound
_FIGURES = CocoFigures(0.4, 0.6, 0.3, -1, 0.2, 0.5, 0.1, 0.2, 0.3, -1, 0.3, 0.5)
_REFERENCE = Accuracy("m", "reference", "graph", _FIGURES, 80, (1, 17), 500, 0.0)


def _candidate(ap: float, **more: Any) -> Accuracy:
    figures = dataclasses.replace(_FIGURES, ap=ap)
    return dataclasses.replace(_REFERENCE, variant="float", figures=figures, **more)


def _broken(result: CheckResult) -> list[str]:
    return [one.name for one in result.measures if one.status is Status.FAIL]


def test_same_figures_pass() -> None:
    """No drop and no gain; the figures themselves are reported beside."""
    result = check_accuracy(_REFERENCE, _candidate(0.4), _POLICY)
    assert result.status is Status.PASS
    assert (result.check, result.key) == ("accuracy", ModelKey("m", "float"))
    assert result.message == "AP 0.4000, reference 0.4000"
    assert result.where == "80 images, categories [1, 17]"
    assert {one.name: one.value for one in result.measures} == {
        "images": 80,
        "reference_ap": 0.4,
        "ap_drop": 0,
        "ap_gain": 0,
        "ap": 0.4,
        "ap50": 0.6,
        "ap50_drop": 0,
    }


@pytest.mark.parametrize(
    ("ap", "broken"),
    [
        (0.4 - 2 * _DROP, ["ap_drop"]),
        (0.0, ["ap_drop"]),
        (-1.0, ["ap_drop"]),
        (0.4 + 2 * _DROP, ["ap_gain"]),
        (math.nan, ["ap_drop", "ap_gain"]),
    ],
)
def test_other_figures_fail(ap: float, broken: list[str]) -> None:
    """A loss beyond the limit fails, and so does a gain without a cause."""
    result = check_accuracy(_REFERENCE, _candidate(ap), _POLICY)
    assert result.status is Status.FAIL
    assert _broken(result) == broken


def test_loss_inside_the_limit_warns() -> None:
    """Worse, but inside: somebody should look."""
    result = check_accuracy(_REFERENCE, _candidate(0.4 - 0.9 * _DROP), _POLICY)
    assert result.status is Status.WARN


@pytest.mark.parametrize("ap", [0.0, -1.0])
def test_reference_that_finds_nothing(ap: float) -> None:
    """Nothing lost of nothing is no evidence."""
    figures = dataclasses.replace(_FIGURES, ap=ap)
    reference = dataclasses.replace(_REFERENCE, figures=figures)
    result = check_accuracy(reference, _candidate(ap), _POLICY)
    assert _broken(result) == ["reference_ap"]


def test_no_images() -> None:
    """Figures over no image are none."""
    reference = dataclasses.replace(_REFERENCE, images=0)
    assert _broken(check_accuracy(reference, _candidate(0.4, images=0), _POLICY)) == ["images"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": 79}, "80 images, categories (1, 17); 79 images"),
        ({"category_ids": (1,)}, "categories (1, 17); 80 images, categories (1,)"),
    ],
)
def test_other_data(changes: dict[str, Any], said: str) -> None:
    """Figures of different images or classes cannot be compared, however alike they are."""
    result = check_accuracy(_REFERENCE, _candidate(0.4, **changes), _POLICY)
    assert result.status is Status.FAIL
    assert "scored on different data" in result.message
    assert said in result.message
