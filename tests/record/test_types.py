"""The facts of a record: results are judged by their measures, never by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import RecordError
from validation.policy.limits import Limit, Status
from validation.record.pictures import Panel
from validation.record.types import CheckResult, Measure, ModelKey, Timing

_KEY = ModelKey("ssd-mobile", "float")
_GOOD = Measure("good", 1, Limit("max", 2, "test"))
_NEAR = Measure("near", 1.5, Limit("max", 2, "test", warn=1))
_BAD = Measure("bad", 3, Limit("max", 2, "test"))
_UNJUDGED = Measure("unjudged", float("nan"))


@pytest.mark.parametrize(
    ("measures", "status"),
    [
        ((_GOOD,), Status.PASS),
        ((_GOOD, _UNJUDGED), Status.PASS),
        ((_GOOD, _NEAR), Status.WARN),
        ((_NEAR, _BAD, _GOOD), Status.FAIL),
    ],
)
def test_worst_measure_decides(measures: tuple[Measure, ...], status: Status) -> None:
    """What no limit judges plays no part; of what is judged the worst counts."""
    result = CheckResult.judged("c", _KEY, measures, message="so it is")
    assert result.status is status
    assert result.message == "so it is"
    assert result.key == _KEY


@pytest.mark.parametrize("measures", [(), (_UNJUDGED,)])
def test_judging_nothing_is_a_failure(measures: tuple[Measure, ...]) -> None:
    """A check without a limit compared nothing, and says so unless it has said why."""
    result = CheckResult.judged("c", _KEY, measures)
    assert result.status is Status.FAIL
    assert result.message == "the check compared nothing: no measure had a limit"
    assert CheckResult.judged("c", _KEY, measures, message="why").message == "why"


def test_results_without_measures() -> None:
    """No evidence, and a failure that no number can express, each with its reason."""
    unknown = CheckResult.unknown("c", _KEY, "not looked at")
    assert (unknown.status, unknown.message) == (Status.UNKNOWN, "not looked at")
    failed = CheckResult.failed("c", _KEY, "it broke", where="a.pb")
    assert (failed.status, failed.message, failed.where) == (Status.FAIL, "it broke", "a.pb")


def test_test_id() -> None:
    """The name of a thing under test reads model-variant."""
    assert str(_KEY) == "ssd-mobile-float"


@given(st.lists(st.floats(0.001, 1e4), min_size=1, max_size=40), st.floats(0, 100))
@settings(max_examples=50, deadline=None)
def test_percentiles_are_numpys(samples: list[float], percent: float) -> None:
    """Interpolated between neighbours, as everybody else computes them."""
    timing = Timing("m", "float", "LiteRT", 1, 0, tuple(samples))
    assert timing.percentile(percent) == pytest.approx(np.percentile(samples, percent))
    assert timing.p50_ms == pytest.approx(np.median(samples))
    assert timing.p95_ms == timing.percentile(95)


def test_a_panel_of_unequal_lists() -> None:
    """A record's picture draws as many boxes as it has scores and classes."""
    with pytest.raises(RecordError, match="unequal length: got 0 boxes, 1 scores, 1 classes"):
        Panel("float", (), (0.5,), (1,))


@pytest.mark.parametrize(
    ("key", "called"),
    [
        (ModelKey("ssd", "float"), "ssd-float"),
        (ModelKey("ssd", "float", "detect.tflite"), "ssd-detect.tflite"),
        (ModelKey("detect", "float", "detect.tflite"), "detect.tflite"),
        (ModelKey("detect", "float", "one/detect.tflite"), "one/detect.tflite"),
        (ModelKey("ssd", "float", "int8"), "ssd-int8 (given)"),
        (ModelKey("int8", "float", "int8"), "int8 (given)"),
    ],
)
def test_what_a_subject_is_called(key: ModelKey, called: str) -> None:
    """A model that has its name from the file is not named twice."""
    assert str(key) == called
