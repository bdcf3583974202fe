"""Why a layer differs: what differs in it is undone, and it is run again."""

from __future__ import annotations

import contextlib
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
# Converters round halves to either side.
_ROUNDED_OTHERWISE = 1
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


class Trial:
    """One layer fed with the reference's values: as it is, and with its counterpart's parts.

    Args:
        content: The operator as a file.
        pair: It and its counterpart; None where the reference has no operator of its type.
        by_its_bits: It is quantised: what it should write is what it writes with the
            counterpart's constants and attributes, not the float value.
    """

    def __init__(self, content: bytes, pair: OperatorPair | None, *, by_its_bits: bool) -> None:
        self.pair = pair
        self._content = content
        self._by_its_bits = by_its_bits
        self._own = TensorValues(content, keep_all=False)
        graph = operators_of(read_model(content))
        self._has_constants = bool(Constants(graph).weights(graph.operators[-1]))
        step = self._own.specs[self._own.outputs[0]].scale
        self._undone: dict[str, TensorValues] = {}
        files = with_other_activations(content, _ALONE) if pair is None else _files(pair)
        for name, file in files.items():
            # With another stride, or constants of another shape, it may be none that runs.
            with contextlib.suppress(ConversionError):
                self._undone[name] = TensorValues(file, keep_all=False)
        self._step = step
        self.distance = Distance(step)
        self._remaining = {name: Distance(step) for name in self._undone}

    @property
    def undone(self) -> tuple[str, ...]:
        """What was undone: parts of the counterpart, or activations that were tried."""
        return tuple(self._undone)

    @property
    def activation(self) -> str:
        """Of the layer as it is, one that has one."""
        return activation_of(self._content, _ALONE)

    @property
    def has_constants(self) -> bool:
        """It computes with numbers of the file."""
        return self._has_constants

    @property
    def local(self) -> float | None:
        """Error of the layer alone; None where what its bits allow is not known."""
        if self._by_its_bits and _BOTH not in self._undone:
            return None
        return self.distance.largest_error

    @property
    def has_other_codes(self) -> bool:
        """Its 8-bit constants are no rounding of the counterpart's."""
        return self.pair is not None and self.pair.codes_apart > _ROUNDED_OTHERWISE

    def add(self, fed: Sequence[_Floats], wanted: _Floats) -> None:
        """Run on one image.

        Args:
            fed: The reference's values of what the layer reads.
            wanted: Its value of what the layer writes.
        """
        found = _result(self._own, fed)
        results = {name: _result(each, fed) for name, each in self._undone.items()}
        if self._by_its_bits:
            if _BOTH not in results:
                return
            wanted = results[_BOTH]
        self.distance.add(wanted, found)
        for name, result in results.items():
            if result.size == wanted.size:
                self._remaining[name].add(wanted, result)

    def remaining(self, part: str) -> float | None:
        """Error with a part undone: constants, attributes or both; None where it was not."""
        found = self._remaining.get(part)
        return None if found is None else found.largest_error


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
    if constants is not None and constants <= allowed:
        return (Cause(FaultKind.WEIGHTS, undone=constants),)
    if attributes is not None and attributes <= allowed and differing:
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
    right = [name for name in trial.undone if (trial.remaining(name) or 0) <= allowed]
    if right:
        expected = right[0] if len(right) == 1 else tuple(right)
        undone = max(trial.remaining(name) or 0 for name in right)
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


def _result(run: TensorValues, fed: Sequence[_Floats]) -> _Floats:
    run.run(*fed)
    return run.value(run.outputs[0])
