"""Quantised outputs are judged an output a row, or the check turns red and says why."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.comparison.output_errors import check_quantisation, describe_loss
from validation.errors import CatalogueError
from validation.policy.limits import Limit, Rule, Status
from validation.policy.load import Policy, load_policy
from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    LayerError,
    OutputError,
)
from validation.record.types import CheckResult, ModelKey
from validation.specs.tensors import TensorSpec

_KEY = ModelKey("person", "int8")
_BOXES, _SCORES = "raw_outputs/box_encodings", "raw_outputs/class_predictions"
_LIMITS = {
    "sqnr_db": Limit("min", 25, "test", warn=30),
    "sqnr_upper_db": Limit("max", 150, "test", warn=80),
    "cosine": Limit("min", 0.99, "test"),
    "constant": Limit("equal", False, "test"),
    "rmse_in_steps": Limit("max", 1.0, "test"),
    "saturated_share": Limit("max", 0.01, "test"),
}
_POLICY = Policy(
    tuple(
        Rule("quantisation", f"{short}_{name}", ("*",), ("*",), limit)
        for short in ("box_encodings", "class_predictions")
        for name, limit in _LIMITS.items()
    ),
    {},
    {},
    "",
)
_SPECS = {
    _BOXES: TensorSpec(_BOXES, "int8", (1, 50, 4), 0.1, 0),
    _SCORES: TensorSpec(_SCORES, "int8", (1, 50, 3), 1 / 256, -128),
}

Arrays = dict[str, NDArray[Any]]


def _reference(seed: int = 4, images: int = 3) -> Arrays:
    generator = np.random.default_rng(seed)
    return {
        _BOXES: generator.uniform(-12, 12, (images, 1, 50, 4)).astype(np.float32),
        _SCORES: generator.uniform(0, 0.99, (images, 1, 50, 3)).astype(np.float32),
    }


def _quantised(reference: Arrays, coarser: float = 1) -> Arrays:
    return {
        name: np.float32(coarser * _scale(name)) * np.rint(array / (coarser * _scale(name)))
        for name, array in reference.items()
    }


def _scale(name: str) -> float:
    scale = _SPECS[name].scale
    assert scale is not None
    return scale


def _check(
    reference: Arrays, candidate: Arrays, **more: Any
) -> tuple[CheckResult, tuple[OutputError, ...]]:
    settings_: dict[str, Any] = {"images": ["a", "b", "c"], "policy": _POLICY, "key": _KEY, **more}
    return check_quantisation(reference, candidate, settings_.pop("specs", _SPECS), **settings_)


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_rounding_alone_passes(seed: int) -> None:
    """A row an output, with 0.289 of a step."""
    reference = _reference(seed)
    result, rows = _check(reference, _quantised(reference))
    assert result.status is Status.PASS
    assert [row.tensor.name for row in rows] == [_BOXES, _SCORES]
    assert not any(row.constant for row in rows)
    for name in ("box_encodings", "class_predictions"):
        assert _values(result)[f"{name}_rmse_in_steps"] == pytest.approx(0.289, abs=0.04)
    assert "signal over error on 3 images: raw_outputs/box_encodings 4" in result.message


def test_too_few_bits_fail() -> None:
    """With both figures that show it, and the worst output as the place."""
    reference = _reference()
    candidate = _quantised(reference)
    candidate[_SCORES] = _quantised(reference, coarser=64)[_SCORES]
    result, _ = _check(reference, candidate)
    assert result.status is Status.FAIL
    assert result.where == _SCORES
    failed = [each.name for each in result.measures if each.status is Status.FAIL]
    assert failed == ["class_predictions_sqnr_db", "class_predictions_rmse_in_steps"]


def test_unexplained_gain_is_a_warning() -> None:
    """A file nearer than its bits allow is not what its name says."""
    reference = _reference()
    result, rows = _check(reference, {name: array.copy() for name, array in reference.items()})
    assert result.status is Status.WARN
    assert rows[0].error.sqnr_db == SQNR_CEILING_DB
    warned = [each.name for each in result.measures if each.status is Status.WARN]
    assert warned == ["box_encodings_sqnr_upper_db", "class_predictions_sqnr_upper_db"]


def test_constant_output_is_named() -> None:
    """Fault of unsuitable ranges: the same answer to every image."""
    reference = _reference()
    candidate = _quantised(reference)
    candidate[_SCORES] = np.full_like(candidate[_SCORES], 0.5)
    result, rows = _check(reference, candidate)
    assert result.status is Status.FAIL
    assert [row.constant for row in rows] == [False, True]
    assert "class_predictions is constant over images, though the reference is not" in (
        result.message
    )


def test_saturated_values_are_counted() -> None:
    """A range that is too narrow."""
    reference = _reference()
    reference[_BOXES] *= 2
    candidate = _quantised(reference)
    candidate[_BOXES] = np.clip(candidate[_BOXES], -12.8, 12.7)
    result, rows = _check(reference, candidate)
    assert rows[0].error.saturated == pytest.approx(0.47, abs=0.05)
    assert result.status is Status.FAIL


def test_float_outputs_are_judged_without_steps() -> None:
    """Weight-only files have no scale; what has none is not asked for."""
    specs = {name: TensorSpec(name, "float32", spec.shape) for name, spec in _SPECS.items()}
    reference = _reference()
    result, _ = _check(reference, _quantised(reference), specs=specs)
    assert result.status is Status.PASS
    assert "box_encodings_rmse_in_steps" not in _values(result)
    assert "box_encodings_sqnr_db" in _values(result)


def _with_nan(arrays: Arrays) -> None:
    arrays[_BOXES][1, 0, 2, 3] = np.nan


def _without(arrays: Arrays) -> None:
    del arrays[_SCORES]


def _shorter(arrays: Arrays) -> None:
    arrays[_SCORES] = arrays[_SCORES][:, :, :-1]


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_with_nan, "not finite, the first nan at image b"),
        (_without, "missing in the candidate"),
        (_shorter, r"shape \(3, 1, 49, 3\) instead of"),
        (lambda arrays: arrays.update(other=np.zeros(3)), "not in the reference"),
    ],
)
def test_what_cannot_be_compared_fails(spoil: Callable[[Arrays], None], complaint: str) -> None:
    """Before anything is judged, and without rows."""
    candidate = _quantised(_reference())
    spoil(candidate)
    result, rows = _check(_reference(), candidate)
    assert (result.status, rows, result.measures) == (Status.FAIL, (), ())
    assert re.search(complaint, result.message)


def test_nothing_to_compare_fails() -> None:
    """Two empty runs compare nothing."""
    result, _ = _check({}, {}, specs={})
    assert (result.status, result.message) == (Status.FAIL, "no tensors were compared")


def test_limit_must_be_in_the_policy() -> None:
    """No tolerance is made up."""
    reference = _reference()
    with pytest.raises(CatalogueError, match="box_encodings_sqnr_db"):
        _check(reference, _quantised(reference), policy=Policy((), {}, {}, ""))


def _lossy(local: float, accumulated: float, arriving: float | None) -> LayerError:
    def figures(decibels: float) -> ErrorStatistics:
        return ErrorStatistics(9, 0, 1, 0.1, decibels, 1.0)

    spec = TensorSpec("net/x/Relu6;net/x/Conv2D", "int8", (1, 3), 0.1, 0)
    return LayerError(
        7, "CONV_2D", spec, "net/x/Relu6", arriving, figures(accumulated), figures(local)
    )


def test_layer_that_loses_most_is_named() -> None:
    """By itself, and before and after it in the run."""
    reference = _reference()
    result, _ = _check(
        reference, _quantised(reference), lossy=_lossy(12, 14, 31), note="no more is known"
    )
    assert result.message.endswith(
        "; most is lost at CONV_2D net/x/Relu6: local 12.0 dB, accumulated 31.0 dB -> 14.0 dB"
        "; no more is known"
    )
    assert describe_loss(_lossy(12, 14, None)).endswith("local 12.0 dB, accumulated 14.0 dB")


@pytest.mark.parametrize("variant", ["float16", "dynamic", "int8", "uint8"])
def test_policy_has_every_limit(variant: str) -> None:
    """Of every variant that the check speaks about, each with a bound that says something."""
    policy = load_policy()
    for short in ("box_encodings", "class_predictions"):
        for name in _LIMITS:
            limit = policy.limit("quantisation", f"{short}_{name}", "any", variant)
            assert limit.status(None) is Status.FAIL
        upper = policy.limit("quantisation", f"{short}_sqnr_upper_db", "any", variant)
        # Of uint8 the reference has the same ranges: it may be equal.
        expected = Status.PASS if variant == "uint8" else Status.WARN
        assert upper.status(SQNR_CEILING_DB) is expected
        lower = policy.limit("quantisation", f"{short}_sqnr_db", "any", variant)
        assert lower.status(0.0) is Status.FAIL
