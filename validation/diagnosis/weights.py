"""Weights of two .tflite files of one model: the same bits, the same values, or other ones.

Operators are paired by what they compute (`counterparts`), and the constants that a pair reads
by their place. Real values are compared: what two files store in other bits may be one number.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import Constants, StoredConstant
from validation.diagnosis.counterparts import counterparts, is_computing
from validation.diagnosis.operators import Operator, OperatorGraph
from validation.specs.tensors import TensorSpec
from validation.tflite.model import tensor_spec

_Reals = NDArray[np.float64]
# Sums of rounding in float32, in units of a step.
_ROUNDING = 1e-3


class WeightState(enum.StrEnum):
    """How one constant of two files compares."""

    SAME_BITS = "same bits"
    SAME_VALUES = "same values in other bits"
    ROUNDED = "same values, rounded otherwise"
    """No further apart than half a step of each file's numbers."""
    DIFFERENT = "other values"


@dataclass(frozen=True)
class WeightPair:
    """One constant of both files.

    Args:
        op: TFLite's name of the operator that reads it.
        layer: What that operator writes, by its name in the first file.
        place: Which of the operator's inputs it is.
        elements: Number of values.
        state: How they compare.
        first: How the first file stores it, in words.
        second: See first.
        worst: Largest distance of two values.
        worst_steps: The same in steps of the coarser file; None where both are floats.
        cut: Values of one file beyond the range of the other.
    """

    op: str
    layer: str
    place: int
    elements: int
    state: WeightState
    first: str
    second: str
    worst: float
    worst_steps: float | None
    cut: int


@dataclass(frozen=True)
class ScaleDifference:
    """One computed tensor that both files quantise, by other parameters.

    Args:
        tensor: Its name in the first file.
        first: Scale and zero point there.
        second: See first.
    """

    tensor: str
    first: str
    second: str


@dataclass(frozen=True)
class WeightComparison:
    """What the weights of two files have in common.

    Args:
        pairs: Constants of both files, in the order in which the first runs.
        only_first: Layers with weights of the first file alone.
        only_second: See only_first.
        misfits: Layers whose constants are of another shape, or of a type that is not read here.
        scales: Computed tensors of other quantisation.
        alike_scales: How many computed tensors both files quantise alike.
    """

    pairs: tuple[WeightPair, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    misfits: tuple[str, ...]
    scales: tuple[ScaleDifference, ...]
    alike_scales: int

    def of(self, state: WeightState) -> tuple[WeightPair, ...]:
        """Those of one state."""
        return tuple(pair for pair in self.pairs if pair.state is state)


def compare_weights(first: OperatorGraph, second: OperatorGraph) -> WeightComparison:
    """Pair and compare what the operators of two files read from the file.

    Args:
        first: A file.
        second: Another of the same model, or of any other.
    """
    paired = counterparts(first, second, _shapes(first), _shapes(second))
    writers = {output: each for each in second.moving for output in each.outputs}
    sides = Constants(first), Constants(second)
    found: list[WeightPair] = []
    only_first, misfits, met = [], [], set()
    for operator in _with_weights(first, sides[0]):
        other = writers.get(paired.get(operator.outputs[0], -1))
        layer = _layer(first, operator)
        if other is None or other.op != operator.op or not sides[1].weights(other):
            only_first.append(layer)
            continue
        met.add(other.index)
        for place, ours, theirs in _places(operator, other, sides):
            values = sides[0].read(ours), sides[1].read(theirs)
            if values[0] is None or values[1] is None or values[0].size != values[1].size:
                misfits.append(layer)
                continue
            found.append(_compared(operator.op, layer, place, values[0], values[1]))
    only_second = [
        _layer(second, each) for each in _with_weights(second, sides[1]) if each.index not in met
    ]
    scales, alike = _scales(first, second, paired)
    return WeightComparison(
        tuple(found), tuple(only_first), tuple(only_second), tuple(misfits), scales, alike
    )


def _compared(
    op: str, layer: str, place: int, first: StoredConstant, second: StoredConstant
) -> WeightPair:
    # NaN and infinities are unlike anything, and need no warning.
    with np.errstate(invalid="ignore", over="ignore"):
        worst, worst_steps, cut, state = _distance(first, second)
    return WeightPair(
        op=op,
        layer=layer,
        place=place,
        elements=first.size,
        state=state,
        first=first.words,
        second=second.words,
        worst=worst,
        worst_steps=worst_steps,
        cut=cut,
    )


def _distance(
    first: StoredConstant, second: StoredConstant
) -> tuple[float, float | None, int, WeightState]:
    """Largest distance, the same in steps, values beyond the other's range, and the state."""
    one, other = first.real.ravel(), second.real.ravel()
    steps, coarser = _both(np.add, first, second), _both(np.maximum, first, second)
    inside = (
        np.clip(one, second.low.ravel(), second.high.ravel()),
        np.clip(other, first.low.ravel(), first.high.ravel()),
    )
    noise = np.spacing(np.maximum(np.abs(one), np.abs(other)).astype(np.float32))
    cut = int(np.count_nonzero(np.abs(inside[0] - one) + np.abs(inside[1] - other) > steps))
    half_a_step = steps * (0.5 + _ROUNDING) + noise
    if first.words == second.words and np.array_equal(first.raw.ravel(), second.raw.ravel()):
        state = WeightState.SAME_BITS
    elif np.array_equal(one, other):
        state = WeightState.SAME_VALUES
    elif (np.abs(inside[0] - inside[1]) <= half_a_step).all():
        state = WeightState.ROUNDED
    else:
        state = WeightState.DIFFERENT
    apart = np.abs(one - other)
    worst_steps = None
    if "float" not in first.spec.dtype or "float" not in second.spec.dtype:
        stepped = coarser > 0
        worst_steps = float((apart[stepped] / coarser[stepped]).max(initial=0))
    return float(apart.max(initial=0)), worst_steps, cut, state


def _both(
    join: Callable[[_Reals, _Reals], _Reals], first: StoredConstant, second: StoredConstant
) -> _Reals:
    return join(first.step.ravel(), second.step.ravel())


def _with_weights(graph: OperatorGraph, constants: Constants) -> Iterator[Operator]:
    return (each for each in graph.moving if is_computing(each) and constants.weights(each))


def _places(
    operator: Operator, other: Operator, sides: tuple[Constants, Constants]
) -> Iterator[tuple[int, int, int]]:
    """Place and tensors of what both operators read from their files."""
    for place in sides[0].weights(operator):
        if place in sides[1].weights(other):
            yield place, operator.inputs[place], other.inputs[place]


def _scales(
    first: OperatorGraph, second: OperatorGraph, paired: dict[int, int]
) -> tuple[tuple[ScaleDifference, ...], int]:
    differing, alike = [], 0
    computed = [first.inputs, *(each.outputs for each in first.moving if is_computing(each))]
    for tensor in (each for outputs in computed for each in outputs if each in paired):
        one, other = (
            tensor_spec(graph.model.graph.tensors[index])
            for graph, index in ((first, tensor), (second, paired[tensor]))
        )
        if one.scale is None or other.scale is None:
            continue
        words = [f"{each.dtype} {each.scale:.6g}, {each.zero_point}" for each in (one, other)]
        # int8 with zero point -128 means what uint8 with 0 does.
        if one.scale == other.scale and _from_lowest(one) == _from_lowest(other):
            alike += 1
        else:
            differing.append(ScaleDifference(one.name, *words))
    return tuple(differing), alike


def _from_lowest(spec: TensorSpec) -> int:
    return int(spec.zero_point or 0) - int(np.iinfo(spec.dtype).min)


def _layer(graph: OperatorGraph, operator: Operator) -> str:
    return graph.names[operator.outputs[0]].partition(";")[0] or f"operator {operator.index}"


def _shapes(graph: OperatorGraph) -> dict[int, tuple[int, ...]]:
    return {
        index: () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
        for index, tensor in enumerate(graph.model.graph.tensors)
    }
