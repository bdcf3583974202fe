"""Why a layer differs: what differs in it is undone, and it is run again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import Constants
from validation.diagnosis.layer_distance import Distance
from validation.diagnosis.operators import Operator, operators_of
from validation.diagnosis.tensor_values import TensorValues
from validation.diagnosis.undone import (
    FUSED_ACTIVATION,
    OperatorPair,
    SingleLayer,
    activation_of,
    with_other_activations,
)
from validation.errors import ConversionError
from validation.record.diagnosis import FaultKind
from validation.tflite.model import read_model

_Floats = NDArray[np.float32]
_ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU")
_CONSTANTS, _ATTRIBUTES, _BOTH = "constants", "attributes", "both"
_ALONE = "layer"
_UNDONE: Mapping[str, tuple[bool, bool]] = {
    _CONSTANTS: (False, True),
    _ATTRIBUTES: (True, False),
    _BOTH: (True, True),
}


@dataclass(frozen=True)
class Cause:
    """One thing that differs in a layer.

    Args:
        fault: What is wrong.
        attribute: Of the operator, where it is one.
        expected: The counterpart's value, where it can be said in one.
        got: The layer's.
        undone: Local error that remains when it is undone; None where it was not.
        ties: What else it may be: the values do not tell.
    """

    fault: FaultKind
    attribute: str = ""
    expected: Any = None
    got: Any = None
    undone: float | None = None
    ties: tuple[FaultKind, ...] = ()


class LocalError:
    """The error of one layer alone; its interpreters live for one image, for memory's sake.

    Args:
        single: The layer, and its counterpart where the reference has one of its type.
        step: Of what it writes, where that is quantised.
        by_its_bits: It is quantised: what it should write is what it writes with the
            counterpart's constants and attributes, not the float value.
    """

    def __init__(self, single: SingleLayer, step: float | None, *, by_its_bits: bool) -> None:
        self._single, self._by_its_bits = single, by_its_bits
        self._is_known = True
        self.has_other_codes = False
        self.distance = Distance(step)

    @property
    def value(self) -> float | None:
        """None where what its bits allow is not known."""
        return self.distance.largest_error if self._is_known else None

    def add(self, fed: Sequence[_Floats], wanted: _Floats) -> None:
        """Run on one image.

        Args:
            fed: The reference's values of what the layer reads.
            wanted: Its value of what the layer writes.
        """
        if self._by_its_bits and self._is_known:
            pair = self._single.pair()
            file = None if pair is None else pair.undone(attributes=True, constants=True)
            result = None if file is None else _result(file, fed)
            if pair is None or result is None:
                self._is_known = False
                return
            wanted, self.has_other_codes = result, pair.has_other_codes
        if self._is_known:
            own = self._single.content()
            found = _result(own, fed)
            if found is None:
                self._is_known = False
                return
            self.distance.add(wanted, found)


class Trial:
    """One layer that differs, with what may differ in it undone.

    Args:
        single: See `LocalError`.
        step: See `LocalError`.
        by_its_bits: See `LocalError`.
    """

    def __init__(self, single: SingleLayer, step: float | None, *, by_its_bits: bool) -> None:
        self.pair = single.pair()
        self._content = single.content()
        self._by_its_bits = by_its_bits
        self._files = (
            with_other_activations(self._content, _ALONE)
            if self.pair is None
            else _files(self.pair)
        )
        self.distance = Distance(step)
        self._remaining = {name: Distance(step) for name in self._files}

    @property
    def activations(self) -> tuple[str, ...]:
        """Those that were tried, where the reference is not made of operators."""
        return tuple(self._files) if self.pair is None else ()

    @property
    def activation(self) -> str:
        """Of the layer as it is, one that has one."""
        return activation_of(self._content, _ALONE)

    @property
    def has_constants(self) -> bool:
        """It computes with numbers of the file."""
        graph = operators_of(read_model(self._content))
        return bool(Constants(graph).weights(graph.operators[-1]))

    def add(self, fed: Sequence[_Floats], wanted: _Floats) -> None:
        """See `LocalError.add`."""
        results = {name: _result(file, fed) for name, file in self._files.items()}
        right = results.get(_BOTH) if self._by_its_bits else wanted
        found = _result(self._content, fed)
        if right is None or found is None:
            return
        self.distance.add(right, found)
        for name, result in results.items():
            if result is None or result.size != right.size:
                self._remaining.pop(name, None)
            elif name in self._remaining:
                self._remaining[name].add(right, result)

    def remaining(self, part: str) -> float:
        """Error with a part undone, or with another activation; infinite where it does not run."""
        found = self._remaining.get(part)
        return math.inf if found is None else found.largest_error


def causes(
    trial: Trial, layer: Operator, other: Operator | None, allowed: float
) -> tuple[Cause, ...]:
    """What differs in a layer that differs by itself; empty where nothing is proved.

    Args:
        trial: Of the layer.
        layer: Its operator.
        other: The counterpart; None where the reference is not made of operators.
        allowed: Error that rounding explains.
    """
    if not trial.distance.is_finite:
        return (Cause(FaultKind.NOT_FINITE),)
    if other is None:
        return _by_values(trial, layer, allowed)
    if other.op != layer.op:
        return _other_operator(layer, other)
    assert trial.pair is not None
    constants, attributes = trial.remaining(_CONSTANTS), trial.remaining(_ATTRIBUTES)
    differing = trial.pair.differing_attributes()
    if constants <= allowed:
        return (Cause(FaultKind.WEIGHTS, undone=constants),)
    if attributes <= allowed and differing:
        return tuple(
            Cause(
                FaultKind.ACTIVATION
                if each.name == FUSED_ACTIVATION
                else FaultKind.OPERATOR_ATTRIBUTE,
                each.name,
                each.expected,
                each.got,
                attributes,
            )
            for each in differing[:1]
        )
    if layer.op == "CONCATENATION" and not differing:
        return (Cause(FaultKind.CONCATENATION),)
    return ()


def _other_operator(layer: Operator, other: Operator) -> tuple[Cause, ...]:
    both_activate = layer.op in _ACTIVATIONS and other.op in _ACTIVATIONS
    fault = FaultKind.ACTIVATION if both_activate else FaultKind.OPERATOR_ATTRIBUTE
    return (Cause(fault, "" if both_activate else "operator", other.op, layer.op),)


def _by_values(trial: Trial, layer: Operator, allowed: float) -> tuple[Cause, ...]:
    """The reference is a graph: what its operators hold is not known here."""
    if layer.op == "CONCATENATION":
        return (Cause(FaultKind.CONCATENATION),)
    if not trial.has_constants:
        return (Cause(FaultKind.OPERATOR_ATTRIBUTE),)
    # Several do where no value of these images lies beyond 6.
    right = [name for name in trial.activations if trial.remaining(name) <= allowed]
    if right:
        expected = right[0] if len(right) == 1 else tuple(right)
        undone = max(map(trial.remaining, right))
        return (Cause(FaultKind.ACTIVATION, "", expected, trial.activation, undone),)
    channels = trial.distance.by_channel > allowed
    # An attribute holds for all channels of a layer.
    ties = (FaultKind.OPERATOR_ATTRIBUTE,) if channels.all() else ()
    return (Cause(FaultKind.WEIGHTS, ties=ties),)


def _files(pair: OperatorPair) -> dict[str, bytes]:
    files = {
        name: pair.undone(attributes=attributes, constants=constants)
        for name, (attributes, constants) in _UNDONE.items()
    }
    return {name: file for name, file in files.items() if file is not None}


def _result(file: bytes, fed: Sequence[_Floats]) -> _Floats | None:
    """What an operator as a file writes; None where it does not run.

    With another stride, or constants of another shape, it may be no operator at all.
    """
    try:
        # An operator takes a millisecond: threads would wait for each other on a busy machine.
        run = TensorValues(file, keep_all=False, threads=1)
        run.run(*fed)
    except ConversionError:
        return None
    return run.value(run.outputs[0])
