"""Average precision is compared with the reference's, on the same images and classes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from validation.comparison.ap_difference import check_accuracy, with_images_needed
from validation.labels.alignment import NameCount
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.class_join import ClassJoin, JoinedBy, LeftCategory, LeftClass
from validation.record.coco_figures import CocoFigures
from validation.record.dataset_notices import DatasetNotice, DatasetNoticeKind
from validation.record.formatting import describe_measure
from validation.record.types import Accuracy, CheckResult, ModelKey

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
        "classes_without_category": 0,
        "objects_without_class": 0,
        "classes_joined_by_number": 0,
        "names_without_class": 0,
        "labels_assumed": 0,
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


_BY_NAME = ClassJoin(JoinedBy.NAME, class_names_known=True, joined=2, classes=2)


def test_categories_of_other_models_are_no_doubt() -> None:
    """A person detector is not asked for chairs: each class has its category."""
    others = (LeftCategory(7, "chair", 3), LeftCategory(8, "table", 9))
    join = dataclasses.replace(_BY_NAME, left_categories=others)
    result = check_accuracy(_REFERENCE, _candidate(0.4, join=join), _POLICY)
    assert result.status is Status.PASS
    assert join.objects_left == 12
    assert any("no class for 2 categories with 12 objects" in line for line in join.describe())
    lacking = dataclasses.replace(join, left_classes=(LeftClass(2, "cahir", ""),))
    assert lacking.objects_doubted == 12


@pytest.mark.parametrize(
    ("changes", "measure", "said"),
    [
        (
            {"left_classes": (LeftClass(2, "arrow up", "arrow_up"),)},
            "classes_without_category",
            "2 arrow up (closest category: arrow_up)",
        ),
        (
            {"left_categories": (LeftCategory(7, "ring", 3, "rings"), LeftCategory(0, "x", 0))},
            "objects_without_class",
            "no class for 1 category with 3 objects",
        ),
        (
            {"by": JoinedBy.NUMBER, "class_names_known": False},
            "classes_joined_by_number",
            "by number, because the model's class names are unknown",
        ),
        (
            {"names": NameCount("x", 2, 2, surplus=("ring", "star"))},
            "names_without_class",
            "the label list has 2 names beyond the model's classes: ring, star",
        ),
    ],
)
def test_what_is_left_out_or_joined_by_number_warns(
    changes: dict[str, Any], measure: str, said: str
) -> None:
    """Both sides agree on it, so the difference of their figures cannot show it."""
    join = dataclasses.replace(_BY_NAME, **changes)
    result = check_accuracy(_REFERENCE, _candidate(0.4, join=join), _POLICY)
    assert result.status is Status.WARN
    assert [one.name for one in result.measures if one.status is Status.WARN] == [measure]
    assert said in result.message


def test_categories_without_objects_do_not_warn() -> None:
    """Nothing of them was there to be found."""
    join = dataclasses.replace(_BY_NAME, left_categories=(LeftCategory(0, "shapes", 0),))
    result = check_accuracy(_REFERENCE, _candidate(0.4, join=join), _POLICY)
    assert result.status is Status.PASS


@pytest.mark.parametrize("moves", [True, False])
def test_what_was_assumed_of_the_data_warns_where_it_moves_figures(moves: bool) -> None:
    """Ids that were text are ids; a photograph that may be turned is another photograph."""
    notice = DatasetNotice(DatasetNoticeKind.TURN_UNDECIDED, 2, ("a.jpg", "b.jpg"), moves)
    result = check_accuracy(_REFERENCE, _candidate(0.4), _POLICY, (notice,))
    assert result.status is (Status.WARN if moves else Status.PASS)
    assert (notice.describe() in result.message) is moves


def _differing(low: float, high: float, value: float) -> ApDifference:
    error = (high - low) / (2 * 1.96)
    ap = Difference(Figure.AP, 0.4, 0.4 + value, 500, low, high, error, 1000)
    return ApDifference("m", "float", "", 80, 1000, 0, ranked_alike=False, differences=(ap,))


@pytest.mark.parametrize(
    ("low", "value", "high", "status"),
    [
        (-0.4, -0.1, 0.3, Status.PASS),
        (-1.5, -0.1, 0.4, Status.PASS),
        (-3.0, -2.0, -0.5, Status.WARN),
        (-3.0, -2.0, -1.1, Status.FAIL),
        (1.1, 2.0, 3.0, Status.FAIL),
        (-0.4, 0.2, 1.2, Status.PASS),
    ],
)
def test_limits_are_held_against_the_whole_interval(
    low: float, value: float, high: float, status: Status
) -> None:
    """In units of the limit: broken outside; where it is undecided, the value is judged."""
    difference = _differing(low * _DROP, high * _DROP, value * _DROP)
    candidate = _candidate(0.4 + value * _DROP)
    result = check_accuracy(_REFERENCE, candidate, _POLICY, difference=difference)
    assert result.status is status
    undecided = [one for one in result.measures if one.is_undecided]
    assert bool(undecided) is (-high < 1 < -low or low < 1 < high)
    for one in undecided:
        # So many that the nearer end of the interval is at the limit.
        ends = (high - value, value - low)
        assert one.images_needed == pytest.approx(
            80 * (sum(ends) / 2 / (1 - abs(value))) ** 2, rel=0.05
        )
        said = describe_measure(one)
        assert f"too few images to tell, about {one.images_needed:,} needed" in said
        assert with_images_needed(difference, result).images_needed == one.images_needed


def test_an_interval_that_is_not_known_fails() -> None:
    """NaN decides nothing and says that something is wrong."""
    difference = _differing(math.nan, math.nan, 0.0)
    result = check_accuracy(_REFERENCE, _candidate(0.4), _POLICY, difference=difference)
    assert result.status is Status.FAIL


def test_the_same_ranking_needs_no_interval() -> None:
    """It says why."""
    difference = ApDifference("m", "float", "", 80, 1000, 0, ranked_alike=True)
    result = check_accuracy(_REFERENCE, _candidate(0.4), _POLICY, difference=difference)
    assert result.status is Status.PASS
    assert "needs no interval" in result.message
    assert all(one.interval is None for one in result.measures)
