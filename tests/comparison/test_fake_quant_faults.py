"""A range that its values show to be wrong is a diagnosis; one that fits them is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from validation.comparison.fake_quant_faults import range_faults, with_measured
from validation.export.fake_quant_facts import ActivationRange, FakeQuantFacts, MeasuredRange
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.diagnosis import FaultKind, Place
from validation.record.types import CheckResult, ModelKey

_POLICY = load_policy()
_KEY = ModelKey("m", "uint8")
_NODE = ActivationRange("conv/act_quant", "Relu6", 0.0, 6.0, 8, False, "conv/Relu6")
_MEASURED = MeasuredRange(_NODE.name, 0.0, 6.0, low=0.0, high=5.5, values=1000, outside=1)
_FACTS = FakeQuantFacts((), (_NODE,), (), (), ())


def _lint(*measured: MeasuredRange) -> CheckResult:
    return with_measured(CheckResult.judged("fake_quant_lint", _KEY, ()), measured, _POLICY)


def test_a_range_that_fits_is_no_fault() -> None:
    """Nor is one that nothing was run for."""
    assert range_faults(_FACTS, (_MEASURED,), _POLICY, _KEY, Place.SHIPPED_GRAPH) == ()
    assert _lint(_MEASURED).status is Status.PASS
    assert _lint() == CheckResult.judged("fake_quant_lint", _KEY, ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"maximum": 96.0}, "about 0 to 5.5"),
        ({"maximum": 0.75, "outside": 80}, "about 0 to 5.5"),
    ],
    ids=["sixteen times as wide", "cuts values off"],
)
def test_a_range_that_does_not_fit_is_named(changes: dict[str, float], expected: str) -> None:
    """With the node, the range, and what it is given."""
    wrong = dataclasses.replace(_MEASURED, **changes)
    (found,) = range_faults(_FACTS, (wrong,), _POLICY, _KEY, Place.SHIPPED_GRAPH)
    assert (found.fault, found.place) == (FaultKind.FAKE_QUANT_RANGE, Place.SHIPPED_GRAPH)
    assert (found.where, found.expected) == (_NODE.name, expected)
    assert found.got == [0.0, changes["maximum"]]
    result = _lint(_MEASURED, wrong)
    assert result.status is Status.WARN
    assert f"{_NODE.name} [0, {changes['maximum']:g}] is given 0 to 5.5" in result.message


@pytest.mark.parametrize(
    ("ends", "fault"),
    [
        ((0.0, 0.0), FaultKind.FAKE_QUANT_RANGE),
        ((2.0, -2.0), FaultKind.FAKE_QUANT_RANGE),
        ((0.0, np.nan), FaultKind.NOT_FINITE),
    ],
)
def test_no_values_are_needed_for_a_range_that_is_none(
    ends: tuple[float, float], fault: FaultKind
) -> None:
    """It is empty, or no number."""
    node = dataclasses.replace(_NODE, minimum=ends[0], maximum=ends[1])
    facts = dataclasses.replace(_FACTS, ranges=(node,))
    (found,) = range_faults(facts, (), _POLICY, _KEY, Place.CHECKPOINT)
    assert (found.fault, found.place, found.where) == (fault, Place.CHECKPOINT, _NODE.name)
