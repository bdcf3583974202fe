"""What the routes to a model come to: parts that differ, and what two routes compute."""

from __future__ import annotations

import dataclasses

import pytest

from validation.comparison.route_check import check_routes, could_not_be_run
from validation.errors import GraphError
from validation.policy.limits import Limit, Status
from validation.policy.load import load_policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult, Measure, ModelKey

_KEY = ModelKey("m", "float")
_FILES = ("pipeline.config", "model.ckpt")
_PART = Diagnosis(
    "m",
    "float",
    FaultKind.EPSILON,
    Place.CONFIG,
    DiagnosedBy.ROUTES,
    where="batch norm",
    expected="0.001",
    got="0.1",
)


def _outputs(difference: float) -> CheckResult:
    limit = Limit("max", 0.1, "test")
    measures = (Measure("box_encodings_max_abs_diff", difference, limit),)
    return CheckResult.judged("route_parity", _KEY, measures, where="row 3", message="compared")


def _checked(parts: int, outputs: CheckResult | None) -> CheckResult:
    found = [dataclasses.replace(_PART, where=f"norm {number}") for number in range(parts)]
    return check_routes(found, _FILES, outputs, load_policy(), _KEY)


def _names(result: CheckResult) -> list[str]:
    return [each.name for each in result.measures]


def test_equal_parts_and_outputs_pass() -> None:
    """All measures are there, and what was compared is said without a cause."""
    result = _checked(0, _outputs(0.0))
    assert result.status is Status.PASS
    assert _names(result) == ["box_encodings_max_abs_diff", "differing_parts", "differing_flags"]
    assert result.message == "compared; compared: pipeline.config, model.ckpt"


def test_outputs_that_differ_where_all_parts_are_equal() -> None:
    """The message says where to look instead of naming a part."""
    result = _checked(0, _outputs(1.0))
    assert (result.status, result.where) == (Status.FAIL, "row 3")
    assert result.message.startswith("preprocessing, weights, operators")


def test_a_part_that_differs_is_the_cause() -> None:
    """It goes before what the outputs say, and nothing says that all parts are equal."""
    result = _checked(1, _outputs(1.0))
    assert result.status is Status.FAIL
    assert result.message.startswith("the archive's files describe different models: ")
    assert "0.1" in result.message
    assert "are equal" not in result.message
    assert "more" not in result.message


@pytest.mark.parametrize(("parts", "more"), [(3, False), (4, True)])
def test_three_parts_are_named(parts: int, more: bool) -> None:
    """And how many more there are."""
    assert ("; and 1 more; " in _checked(parts, None).message) is more


def test_outputs_that_cannot_be_compared_fail() -> None:
    """Also where the parts are equal: a result without a comparison is none that passes."""
    result = _checked(0, CheckResult.failed("route_parity", _KEY, "no tensors were compared"))
    assert result.status is Status.FAIL
    assert _names(result) == ["differing_parts", "differing_flags"]
    assert result.message == "no tensors were compared"


def test_a_route_that_cannot_be_run_fails_by_its_parts() -> None:
    """The parts come first, the error after them."""
    result = could_not_be_run([_PART], GraphError("no such node"), _KEY)
    assert (result.check, result.status) == ("route_parity", Status.FAIL)
    assert result.message.startswith("the archive's files describe different models: ")
    assert result.message.endswith("no such node")
