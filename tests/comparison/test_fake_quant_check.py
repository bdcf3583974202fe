"""A fake-quant graph is ready to be converted, or the lint says what it lacks."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.fake_quant_ranges import CHECK, check_fake_quant
from validation.export.fake_quant_facts import (
    Activation,
    ActivationRange,
    Concatenation,
    ConcatInput,
    FakeQuantFacts,
    WeightRange,
)
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey

_POLICY = load_policy()
_WEIGHTS = WeightRange(
    name="conv/weights_quant",
    layer="conv/Conv2D",
    op="Conv2D",
    minimum=-1.0,
    maximum=1.0,
    num_bits=8,
    narrow_range=True,
    clipped_share=0.0,
    channel_spans=(2.0, 1.0, 1.5),
)
_RANGE = ActivationRange("conv/act_quant", "Relu6", 0.0, 5.9, 8, False, "conv/Relu6")
_HEAD = ActivationRange("head/act_quant", "BiasAdd", -4.0, 5.0, 8, False, "head/BiasAdd")
_CLEAN = FakeQuantFacts(
    weights=(_WEIGHTS,),
    ranges=(_RANGE, _HEAD),
    activations=(
        Activation("conv/Relu6", ("Conv2D", "BiasAdd", "Relu6"), _RANGE.name),
        Activation("head/BiasAdd", ("Conv2D", "BiasAdd"), _HEAD.name),
    ),
    bare_weights=(),
    concatenations=(
        Concatenation("concat", (ConcatInput("a", -4.0, 5.0), ConcatInput("b", -3.0, 5.0))),
    ),
)


def _check(**changes: Any) -> CheckResult:
    facts = dataclasses.replace(_CLEAN, **changes)
    return check_fake_quant(facts, _POLICY, ModelKey("m", "uint8"))


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


def _weights(**changes: Any) -> dict[str, Any]:
    return {"weights": (dataclasses.replace(_WEIGHTS, **changes),)}


def _act(**changes: Any) -> dict[str, Any]:
    return {"ranges": (dataclasses.replace(_RANGE, **changes), _HEAD)}


def _concat(*ends: tuple[float | None, float | None]) -> dict[str, Any]:
    inputs = tuple(ConcatInput(f"input {n}", low, high) for n, (low, high) in enumerate(ends))
    return {"concatenations": (Concatenation("concat", inputs),)}


def test_clean_graph_is_ready() -> None:
    """Nothing is said where nothing is wrong."""
    result = _check()
    assert (result.check, result.status, result.message) == (CHECK, Status.PASS, "")
    values = _values(result)
    assert values["ready"] == "ready"
    assert (values["activations"], values["activation_ranges"], values["weight_ranges"]) == (
        2,
        2,
        1,
    )


def test_float_graph_is_sent_elsewhere() -> None:
    """Fault V04: a graph without ranges names the three ways out."""
    bare = tuple(dataclasses.replace(each, ranged_by=None) for each in _CLEAN.activations)
    result = _check(weights=(), ranges=(), activations=bare, bare_weights=("conv/Conv2D",))
    assert result.status is Status.FAIL
    assert _values(result)["ready"] == "not ready"
    assert result.message.startswith(
        "0 of 2 activations have FakeQuant ranges: use float, or a QAT checkpoint, or "
        "`validation fakequant`"
    )


def test_graph_without_layers_is_no_evidence() -> None:
    """Zero of zero is not all."""
    result = _check(activations=())
    assert result.status is Status.FAIL
    assert "0 of 0 activations" in result.message


def test_one_activation_without_range_is_named() -> None:
    """With what makes it, so that it is found in the graph."""
    bare = Activation("mix/add", ("AddV2", "Relu"), None)
    result = _check(activations=(*_CLEAN.activations, bare))
    assert result.status is Status.FAIL
    assert result.message == (
        "only 2 of 3 activations have FakeQuant ranges, not: mix/add (AddV2 Relu)"
    )
    assert result.where == "mix/add (AddV2 Relu)"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        (_act(minimum=5.9), Status.FAIL, r"1 ranges are empty.*conv/act_quant \[5\.9, 5\.9\]"),
        (_act(maximum=-1.0), Status.FAIL, "ranges are empty"),
        (_act(maximum=math.nan), Status.FAIL, "ranges are empty or not finite"),
        (_act(minimum=-math.inf), Status.FAIL, "ranges are empty or not finite"),
        (_weights(maximum=math.inf), Status.FAIL, "ranges are empty or not finite"),
        (_act(num_bits=4), Status.FAIL, r"not of 8 bits: conv/act_quant \(4 bits\)"),
        (_weights(num_bits=16), Status.FAIL, "not of 8 bits"),
        (_act(minimum=0.5), Status.WARN, "1 ranges leave out 0"),
        (_act(minimum=-6.0, maximum=6.0), Status.WARN, "2 times as wide as what follows Relu6"),
        (_act(maximum=12.0), Status.WARN, "2 times as wide as what follows Relu6"),
        (_act(maximum=600.0), Status.FAIL, "100 times as wide as what follows Relu6"),
        (_act(op="Relu", minimum=-5.0, maximum=5.0), Status.WARN, "2 times .* follows Relu"),
        (_concat((-1.0, 1.0), (-8.0, 8.0)), Status.WARN, "3 bits lost to unequal ranges"),
        (_concat((0.0, 1.0), (-300.0, 0.0)), Status.FAIL, r"8\.23 bits lost to unequal"),
        (_weights(channel_spans=(2.0, 0.03, 0.03)), Status.WARN, "6.06 bits lost in the median"),
        (_weights(channel_spans=(2.0, 1e-9, 1e-9)), Status.FAIL, "bits lost in the median channel"),
        (_weights(minimum=-6.0, maximum=6.0), Status.WARN, "1 of 3 ranges are as init"),
        (_weights(clipped_share=0.02), Status.WARN, "share 0.02 of the weights lies outside"),
        (_weights(clipped_share=0.7), Status.FAIL, "share 0.7 of the weights lies outside"),
        ({"bare_weights": ("a", "b", "c", "d")}, Status.WARN, "4 of 5 layers.*: a, b, c and 1"),
    ],
)  # fmt: skip
def test_each_finding_is_judged_and_named(
    changes: dict[str, Any], status: Status, said: str
) -> None:
    """What breaks the conversion fails, what costs accuracy warns."""
    result = _check(**changes)
    assert result.status is status
    assert _values(result)["ready"] == ("not ready" if status is Status.FAIL else "ready")
    assert re.search(said, result.message)


@pytest.mark.parametrize(
    "changes",
    [
        _act(maximum=6.0),
        _act(op="Relu", maximum=37.0),
        _act(op="AddV2", minimum=-20.0, maximum=20.0),
        _concat((-1.0, 1.0), (None, None)),
        _concat((None, None), (None, None)),
        _weights(channel_spans=(0.0, 0.0)),
        {"concatenations": ()},
    ],
)
def test_what_a_trained_graph_may_have(changes: dict[str, Any]) -> None:
    """No false alarm: 0 to 6 behind Relu6, wide sums, dead channels, inputs without ranges."""
    assert _check(**changes).status is Status.PASS


def test_untouched_ranges_are_not_ready() -> None:
    """Every range as the rewriter initialises it: the checkpoint never saw training."""
    head = dataclasses.replace(_HEAD, minimum=0.0, maximum=6.0)
    result = _check(**_weights(minimum=-6.0, maximum=6.0), ranges=(_RANGE, head))
    assert result.status is Status.FAIL
    assert result.message.startswith("2 of 3 ranges are as initialised")


def test_worst_finding_comes_first() -> None:
    """A warning does not stand before what breaks the conversion."""
    result = _check(
        **_weights(clipped_share=0.02), ranges=(dataclasses.replace(_RANGE, maximum=-1.0), _HEAD)
    )
    assert result.message.startswith("1 ranges are empty")
    assert "0.02 of the weights" in result.message
    assert result.where.startswith("conv/act_quant")


_ENDS = st.floats(allow_nan=True, allow_infinity=True, width=32)


@settings(max_examples=60, deadline=None)
@given(low=_ENDS, high=_ENDS, op=st.sampled_from(["Relu", "Relu6", "BiasAdd"]))
def test_any_range_is_judged(low: float, high: float, op: str) -> None:
    """Whatever stands in a file, the lint gives a verdict, and an unusable range never passes."""
    result = _check(**_act(minimum=low, maximum=high, op=op))
    assert _values(result)["ready"] in ("ready", "not ready")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        assert result.status is Status.FAIL
    if result.status is not Status.PASS:
        assert result.message


def test_every_limit_of_the_policy_is_a_measure() -> None:
    """The first as the last one: what no measure is of, no limit judges."""
    limited = {rule.measure for rule in _POLICY.rules if rule.check == CHECK}
    on_images = {"activation_outside_share", "activation_range_factor"}
    assert limited - on_images <= set(_values(_check()))
