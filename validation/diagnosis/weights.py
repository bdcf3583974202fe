"""Weights of two .tflite files of one model: the same bits, the same values, or other ones.

Operators are paired by what they compute (`counterparts`), and the constants that a pair reads
by their place. Real values are compared: what two files store in other bits may be one number.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    sides = _Constants(first), _Constants(second)
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


@dataclass(frozen=True)
class _Stored:
    """Numbers of one constant.

    Args:
        spec: Of what stands in the file.
        raw: As they stand there.
        real: What they mean.
        step: Distance of two neighbours, for each value; 0 for float32.
        low: The lowest that the file's numbers can hold, for each value.
        high: See low.
        words: How they are stored.
    """

    spec: TensorSpec
    raw: NDArray[Any]
    real: _Reals
    step: _Reals
    low: _Reals
    high: _Reals
    words: str

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.real.size)


class _Constants:
    """The constants of a file by tensor."""

    def __init__(self, graph: OperatorGraph) -> None:
        self._graph = graph
        self._sources = graph.model.constants()

    def weights(self, operator: Operator) -> tuple[int, ...]:
        """Places of an operator's inputs that are numbers of the model, not shapes or axes."""
        return tuple(place for place, index in enumerate(operator.inputs) if self._is_weight(index))

    def _is_weight(self, index: int) -> bool:
        source = self._sources.get(index)
        if source is None:
            return False
        tensor = self._graph.model.graph.tensors[source]
        return (
            tensor_spec(tensor).dtype.startswith(("float", "bfloat")) or _scales_of(tensor).size > 0
        )

    def read(self, index: int) -> _Stored | None:
        """The numbers of a constant; None where they are of no type that NumPy has."""
        model = self._graph.model
        tensor = model.graph.tensors[self._sources[index]]
        spec, shape = tensor_spec(tensor), tuple(int(side) for side in tensor.shape)
        try:
            raw = np.frombuffer(model.stored(tensor).tobytes(), np.dtype(spec.dtype)).reshape(shape)
        except (TypeError, ValueError):
            return None
        return _as_float(spec, raw) if raw.dtype.kind == "f" else _as_integer(tensor, spec, raw)


def _as_float(spec: TensorSpec, raw: NDArray[Any]) -> _Stored:
    real = raw.astype(np.float64)
    coarse = np.spacing(np.abs(raw)).astype(np.float64) if raw.dtype == np.float16 else 0 * real
    ends = np.full_like(real, np.inf)
    return _Stored(spec, raw, real, coarse, -ends, ends, spec.dtype)


def _as_integer(tensor: Any, spec: TensorSpec, raw: NDArray[Any]) -> _Stored | None:
    scales = _scales_of(tensor)
    zeros = np.asarray(tensor.quantization.zero_point, np.float64)
    if scales.size > 1:
        axis = int(tensor.quantization.quantized_dimension)
        if axis >= raw.ndim or raw.shape[axis] != scales.size or zeros.size != scales.size:
            return None
        along = [1] * raw.ndim
        along[axis] = scales.size
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    limits = np.iinfo(raw.dtype)
    everywhere = np.zeros(raw.shape)
    words = f"{spec.dtype}, " + (
        f"{scales.size} scales from {scales.min():.6g} to {scales.max():.6g}"
        if scales.size > 1
        else f"scale {scales.item():.6g}, zero point {zeros.item():g}"
    )
    return _Stored(
        spec,
        raw,
        (raw - zeros) * scales,
        everywhere + scales,
        everywhere + (limits.min - zeros) * scales,
        everywhere + (limits.max - zeros) * scales,
        words,
    )


def _compared(op: str, layer: str, place: int, first: _Stored, second: _Stored) -> WeightPair:
    one, other = first.real.ravel(), second.real.ravel()
    steps = first.step.ravel() + second.step.ravel()
    inside = (
        np.clip(one, second.low.ravel(), second.high.ravel()),
        np.clip(other, first.low.ravel(), first.high.ravel()),
    )
    distance = np.abs(inside[0] - inside[1])
    noise = np.spacing(np.maximum(np.abs(one), np.abs(other)).astype(np.float32))
    cut = int(np.count_nonzero(np.abs(inside[0] - one) + np.abs(inside[1] - other) > steps))
    if first.words == second.words and np.array_equal(first.raw.ravel(), second.raw.ravel()):
        state = WeightState.SAME_BITS
    elif np.array_equal(one, other):
        state = WeightState.SAME_VALUES
    elif (distance <= steps * (0.5 + _ROUNDING) + noise).all():
        state = WeightState.ROUNDED
    else:
        state = WeightState.DIFFERENT
    coarser = np.maximum(first.step.ravel(), second.step.ravel())
    is_stepped = bool((coarser > 0).any()) and "float" not in (first.spec.dtype, second.spec.dtype)
    return WeightPair(
        op=op,
        layer=layer,
        place=place,
        elements=int(one.size),
        state=state,
        first=first.words,
        second=second.words,
        worst=float(np.abs(one - other).max(initial=0)),
        worst_steps=float((np.abs(one - other) / coarser).max(where=coarser > 0, initial=0))
        if is_stepped
        else None,
        cut=cut,
    )


def _with_weights(graph: OperatorGraph, constants: _Constants) -> Iterator[Operator]:
    return (each for each in graph.moving if is_computing(each) and constants.weights(each))


def _places(
    operator: Operator, other: Operator, sides: tuple[_Constants, _Constants]
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
        if (one.dtype, one.scale, one.zero_point) == (other.dtype, other.scale, other.zero_point):
            alike += 1
        else:
            differing.append(ScaleDifference(one.name, *words))
    return tuple(differing), alike


def _layer(graph: OperatorGraph, operator: Operator) -> str:
    return graph.names[operator.outputs[0]].partition(";")[0] or f"operator {operator.index}"


def _scales_of(tensor: Any) -> _Reals:
    quantisation = tensor.quantization
    scale = None if quantisation is None else quantisation.scale
    return np.zeros(0) if scale is None else np.asarray(scale, np.float64)


def _shapes(graph: OperatorGraph) -> dict[int, tuple[int, ...]]:
    return {
        index: () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
        for index, tensor in enumerate(graph.model.graph.tensors)
    }
