"""Tensors agree value by value, or the check turns red and says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from validation.comparison.tensors import compare_tensors
from validation.errors import CatalogueError
from validation.policy.limits import Limit, Rule, Status
from validation.policy.load import Policy
from validation.record.formatting import describe_result
from validation.record.types import CheckResult, ModelKey

_KEY = ModelKey("person", "raw")
_BOXES, _SCORES = "raw_outputs/box_encodings", "raw_outputs/class_predictions"
_BOX_LIMIT = Limit("max", 0.01, "test")
_SCORE_LIMIT = Limit("max", 0.001, "test")
_POLICY = Policy(
    (
        Rule("raw_parity", "box_encodings_max_abs_diff", ("*",), ("*",), _BOX_LIMIT),
        Rule("raw_parity", "class_predictions_max_abs_diff", ("*",), ("*",), _SCORE_LIMIT),
        Rule("raw_parity", "raw_outputs_x_max_abs_diff", ("*",), ("*",), _BOX_LIMIT),
        Rule("raw_parity", "other_x_max_abs_diff", ("*",), ("*",), _BOX_LIMIT),
        Rule("raw_parity", "exact_max_abs_diff", ("*",), ("*",), Limit("max", 0, "test")),
    ),
    {},
    {},
    "",
)

Arrays = dict[str, NDArray[Any]]


def _outputs(images: int = 2) -> Arrays:
    generator = np.random.default_rng(5)
    return {
        _BOXES: generator.normal(0, 3, (images, 6, 4)).astype(np.float32),
        _SCORES: generator.uniform(0, 1, (images, 6, 3)).astype(np.float32),
    }


def _compare(reference: Arrays, candidate: Arrays, **more: Any) -> CheckResult:
    return compare_tensors(reference, candidate, policy=_POLICY, key=_KEY, **more)


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


def _changed(name: str, index: tuple[int, ...], value: float) -> Arrays:
    arrays = _outputs()
    arrays[name][index] = value
    return arrays


def test_equal_tensors_pass() -> None:
    """Differences are zero, and the reference's spread is reported."""
    result = _compare(_outputs(), _outputs())
    assert result.status is Status.PASS
    values = _values(result)
    assert values["box_encodings_max_abs_diff"] == 0
    assert values["class_predictions_p99_abs_diff"] == 0
    assert values["box_encodings_reference_std"] == pytest.approx(
        float(_outputs()[_BOXES].std()), rel=1e-5
    )
    assert result.message == "84 values of 2 tensors compared"
    assert (result.check, result.key) == ("raw_parity", _KEY)


def test_limits_come_from_the_policy() -> None:
    """Only the largest difference is judged."""
    judged = {one.name: one.limit for one in _compare(_outputs(), _outputs()).measures if one.limit}
    assert judged == {
        "box_encodings_max_abs_diff": _BOX_LIMIT,
        "class_predictions_max_abs_diff": _SCORE_LIMIT,
    }


def test_a_tensor_without_a_limit_is_an_error() -> None:
    """No tolerance is made up."""
    with pytest.raises(CatalogueError, match=r"no limit for a measured value.*anchors_max_abs"):
        _compare({"anchors": np.ones(3)}, {"anchors": np.ones(3)})


@given(
    noise=npst.arrays(np.float64, (2, 6, 4), elements=st.floats(-1, 1)),
    scale=st.sampled_from([1e-6, 1e-3, 1]),
)
@settings(max_examples=40, deadline=None)
def test_measures_are_those_of_the_difference(noise: NDArray[np.float64], scale: float) -> None:
    """Largest, mean and 99th percentile, and a pass exactly where the limit holds."""
    reference = {_BOXES: np.zeros((2, 6, 4))}
    result = _compare(reference, {_BOXES: noise * scale})
    distance = np.abs(noise * scale)
    values = _values(result)
    assert values["box_encodings_max_abs_diff"] == distance.max()
    assert values["box_encodings_mean_abs_diff"] == pytest.approx(distance.mean())
    assert values["box_encodings_p99_abs_diff"] == pytest.approx(np.percentile(distance, 99))
    assert (result.status is Status.PASS) == (distance.max() <= 0.01)


@given(
    index=st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 3)),
    step=st.sampled_from([-0.5, 0.02, 7]),
)
@settings(max_examples=20, deadline=None)
def test_one_wrong_value_is_found_and_placed(index: tuple[int, int, int], step: float) -> None:
    """Wherever it is, the check fails and names its place and both values."""
    old = float(_outputs()[_BOXES][index])
    result = _compare(_outputs(), _changed(_BOXES, index, old + step))
    assert result.status is Status.FAIL
    assert result.where.startswith(f"{_BOXES} at {list(index)}: reference {old:.6g}, candidate ")
    broken = [measure.name for measure in result.measures if measure.status is Status.FAIL]
    assert broken == ["box_encodings_max_abs_diff"]


def test_every_tensor_beyond_its_limit_is_named() -> None:
    """Where is the one that is furthest beyond, measured by its own limit."""
    candidate = _outputs()
    candidate[_BOXES][0, 1, 2] += 0.02
    candidate[_SCORES][1, 4, 0] += 0.01
    result = _compare(_outputs(), candidate)
    said = describe_result(result)
    assert re.search("box_encodings_max_abs_diff is 0.0[0-9]+, should be at most 0.01;", said)
    assert re.search("class_predictions_max_abs_diff is 0.0[0-9]+, should be at most 0.001 ", said)
    assert result.where.startswith(f"{_SCORES} at [1, 4, 0]")


def test_a_limit_of_zero_asks_for_equality() -> None:
    """Any difference outweighs what stays inside another limit."""
    reference = {"exact": np.array([1.0, 2.0]), _BOXES: np.zeros(3)}
    candidate = {"exact": np.array([1.0, 2.5]), _BOXES: np.full(3, 0.009)}
    assert _compare(reference, reference).status is Status.PASS
    result = _compare(reference, candidate)
    assert result.status is Status.FAIL
    assert result.where == "exact at [1]: reference 2, candidate 2.5"


def _drop(arrays: Arrays) -> None:
    del arrays[_BOXES]


def _rename(arrays: Arrays) -> None:
    arrays["boxes"] = arrays.pop(_BOXES)


def _put(value: float, name: str = _BOXES) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        arrays[name][1, 2, 0] = value

    return change


def _replace(array: NDArray[Any]) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({_BOXES: array})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_drop, f"{_BOXES}: missing in the candidate"),
        (_rename, "boxes: not in the reference"),
        (_replace(np.zeros((2, 6))), f"{_BOXES}: shape (2, 6) instead of (2, 6, 4)"),
        (_replace(np.zeros((2, 1, 4))), "shape (2, 1, 4) instead of (2, 6, 4)"),
        (_replace(np.full((2, 6, 4), "1")), "candidate of type <U1"),
        (
            _put(float("nan")),
            "1 of 48 values of the candidate are not finite, the first nan at [1, 2, 0]",
        ),
        (_put(float("inf")), "the first inf at [1, 2, 0]"),
        (_put(float("-inf"), _SCORES), f"{_SCORES}: 1 of 36 values of the candidate"),
    ],
)
def test_what_cannot_be_compared_fails(change: Callable[[Arrays], None], text: str) -> None:
    """Names, shapes, types and values that are not finite, each named."""
    candidate = _outputs()
    change(candidate)
    result = _compare(_outputs(), candidate)
    assert result.status is Status.FAIL
    assert text in result.message
    assert result.where in (_BOXES, _SCORES)


def test_nan_on_both_sides_fails() -> None:
    """Equal NaN are no agreement, and the reference is named as well."""
    arrays = _changed(_BOXES, (0, 0, 0), float("nan"))
    result = _compare(arrays, arrays)
    assert result.status is Status.FAIL
    assert "values of the reference are not finite" in result.message
    assert "values of the candidate are not finite" in result.message


def test_all_faults_are_collected() -> None:
    """One message has every tensor that is wrong."""
    candidate = {_SCORES: np.zeros(3), "extra": np.zeros(3)}
    message = _compare(_outputs(), candidate).message
    assert f"{_BOXES}: missing" in message
    assert f"{_SCORES}: shape (3,)" in message
    assert "extra: not in the reference" in message


@pytest.mark.parametrize(
    ("arrays", "text"),
    [({}, "no tensors were compared"), ({_BOXES: np.zeros((0, 4))}, "no elements in shape (0, 4)")],
)
def test_nothing_to_compare_fails(arrays: Arrays, text: str) -> None:
    """Equal but empty is no agreement."""
    result = _compare(arrays, arrays)
    assert result.status is Status.FAIL
    assert text in result.message


def test_stacked_arrays_name_the_image() -> None:
    """The leading axis stands for the images, the rest is the index in the tensor."""
    candidate = _changed(_BOXES, (1, 3, 2), 99)
    result = _compare(_outputs(), candidate, images=("a.jpg", "b.jpg"))
    assert result.where.startswith(f"{_BOXES} at image b.jpg, [3, 2]: reference ")
    broken = _changed(_BOXES, (1, 3, 2), float("nan"))
    message = _compare(_outputs(), broken, images=("a.jpg", "b.jpg")).message
    assert "the first nan at image b.jpg, [3, 2]" in message


def test_a_stack_of_another_height_fails() -> None:
    """A lost image cannot shift the names of the others."""
    result = _compare(_outputs(), _outputs(), images=("a.jpg",))
    assert result.status is Status.FAIL
    assert "shape (2, 6, 4) is not stacked over 1 images" in result.message


def test_an_output_that_never_changes_is_named() -> None:
    """Only where the reference does change, and only over several inputs."""
    candidate = _outputs()
    candidate[_BOXES][:] = candidate[_BOXES][:1]
    images = ("a.jpg", "b.jpg")
    text = f"{_BOXES} is the same for every input, though the reference is not"
    assert text in _compare(_outputs(), candidate, images=images).message
    assert text not in _compare(_outputs(), candidate).message
    assert text not in _compare(candidate, candidate, images=images).message
    assert text not in _compare(_outputs(), _outputs(), images=images).message


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float16, np.bool_])
def test_other_number_types_are_compared_as_numbers(kind: type) -> None:
    """Unsigned values do not wrap around."""
    left, right = np.array([0, 1]).astype(kind), np.array([1, 1]).astype(kind)
    result = _compare({_BOXES: left}, {_BOXES: right})
    assert _values(result)["box_encodings_max_abs_diff"] == 1
    assert result.status is Status.FAIL


def test_tensors_of_one_short_name_keep_the_whole_name() -> None:
    """Two measures never share a name; a port number is no part of it."""
    arrays = {"raw_outputs/x": np.zeros(2), "other/x": np.zeros(2), f"{_BOXES}:0": np.zeros(2)}
    names = [one.name for one in _compare(arrays, arrays).measures if one.limit]
    assert names == [
        "raw_outputs_x_max_abs_diff",
        "other_x_max_abs_diff",
        "box_encodings_max_abs_diff",
    ]
