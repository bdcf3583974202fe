"""One operator with constants or attributes of its counterpart: what differs is undone and run."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.constants import Constants
from validation.diagnosis.operators import Operator, OperatorGraph, operators_of
from validation.diagnosis.single_operator import single_operator
from validation.tflite.model import MODEL, count_scales, dtype_of, present, read_model

# How a kernel does its arithmetic, which follows from how the file keeps its numbers.
_ARITHMETIC = ("quantized_bias_type", "asymmetric_quantize_inputs", "weights_format")
FUSED_ACTIVATION = "fused_activation_function"
_TRIED_ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
_ROUNDED_OTHERWISE = 1
_CODES = ("int8", "uint8")
_REAL_DTYPES = ("float16", "float32")


@dataclass(frozen=True)
class AttributeDifference:
    """One attribute of an operator that its counterpart has otherwise.

    Args:
        name: In TFLite's schema.
        got: Its value, or the name of it.
        expected: The counterpart's.
    """

    name: str
    got: Any
    expected: Any


@dataclass(frozen=True)
class SingleLayer:
    """One operator of a file, and what computes the same in a reference.

    Args:
        graph: The file.
        operator: Its operator.
        other_graph: The reference, where it is made of operators.
        other: The counterpart there.
    """

    graph: OperatorGraph
    operator: Operator
    other_graph: OperatorGraph | None = None
    other: Operator | None = None

    def content(self) -> bytes:
        """The operator as a file."""
        return single_operator(self.graph, self.operator)

    def pair(self) -> OperatorPair | None:
        """Both; None without a counterpart of the same type."""
        if self.other_graph is None or self.other is None or self.other.op != self.operator.op:
            return None
        return OperatorPair(self.graph, self.operator, self.other_graph, self.other)


class OperatorPair:
    """An operator and its counterpart in another file, each by itself.

    Args:
        graph: The file.
        operator: Its operator.
        other_graph: The other file.
        other: The counterpart, an operator of the same type.

    Attributes:
        codes_apart: How far an 8-bit constant lies at most from the code that the counterpart's
            is rounded to; known when constants have been undone.
    """

    def __init__(
        self, graph: OperatorGraph, operator: Operator, other_graph: OperatorGraph, other: Operator
    ) -> None:
        self.content = single_operator(graph, operator)
        self._where = graph.names[operator.outputs[0]]
        self.codes_apart = 0
        self._other = operators_of(
            read_model(single_operator(other_graph, other), other_graph.model.name)
        )

    @property
    def has_other_codes(self) -> bool:
        """Its 8-bit constants are no rounding of the counterpart's."""
        return self.codes_apart > _ROUNDED_OTHERWISE

    def differing_attributes(self) -> tuple[AttributeDifference, ...]:
        """Attributes that both have with different values, but for those of arithmetic."""
        model = read_model(self.content, self._where)
        ours, theirs = (
            each.operators[-1].builtin_options for each in (model.graph, self._other.model.graph)
        )
        if ours is None or type(ours) is not type(theirs):
            return ()
        own, wanted = _fields(ours), _fields(theirs)
        return tuple(
            AttributeDifference(name, _named(name, own[name]), _named(name, wanted[name]))
            for name in own
            if name not in _ARITHMETIC and not np.array_equal(own[name], wanted[name])
        )

    def undone(self, *, attributes: bool, constants: bool) -> bytes | None:
        """The operator as a file, with the counterpart's attributes, constants or both.

        Constants are stored as the operator's own are: rounded to its scales. Those of 8 bits that
        are one code away at most stay as they are: halves are rounded to either side.

        Returns:
            None where they have no place in the operator.
        """
        model = read_model(self.content, self._where)
        ours, theirs = model.graph.operators[-1], self._other.model.graph.operators[-1]
        if attributes and not _take_attributes(ours, theirs):
            return None
        if constants:
            graph = operators_of(model)
            places = list(zip(ours.inputs, theirs.inputs, strict=False))
            if len(present(ours.inputs)) != len(present(theirs.inputs)):
                return None
            for own, other in places:
                if not self._take_constant(graph, int(own), int(other)):
                    return None
        return MODEL.pack(model.root)

    def _take_constant(self, graph: OperatorGraph, own: int, other: int) -> bool:
        static = own in graph.static, other in self._other.static
        if static != (True, True):
            # Absent on both sides, or of the image on both.
            return static == (False, False)
        source = graph.model.constants()[own]
        tensor = graph.model.graph.tensors[source]
        wanted = _real(self._other, other)
        stored = None if wanted is None else _stored_as(tensor, wanted)
        if stored is None:
            return False
        buffer = graph.model.root.buffers[tensor.buffer]
        if dtype_of(tensor) in _CODES:
            own_codes = np.frombuffer(buffer.data.tobytes(), stored.dtype).reshape(stored.shape)
            apart = int(np.abs(own_codes.astype(np.int64) - stored).max(initial=0))
            self.codes_apart = max(self.codes_apart, apart)
            if apart <= _ROUNDED_OTHERWISE:
                return True
        buffer.data = np.frombuffer(stored.tobytes(), np.uint8)
        return True


def with_other_activations(content: bytes, where: str) -> dict[str, bytes]:
    """A file of one operator with each other activation fused to it, by TFLite's name.

    Empty where its kind of operator has none.
    """
    found = {}
    model = read_model(content, where)
    operator = model.graph.operators[-1]
    options = operator.builtin_options
    if options is None or FUSED_ACTIVATION not in _fields(options):
        return {}
    own = options.fused_activation_function
    for value, name in MODEL.names("ActivationFunctionType").items():
        if value != own and name in _TRIED_ACTIVATIONS:
            operator.builtin_options = copy.copy(options)
            operator.builtin_options.fused_activation_function = value
            found[name] = MODEL.pack(model.root)
    return found


def activation_of(content: bytes, where: str) -> str:
    """The activation that is fused to the one operator of a file."""
    options = read_model(content, where).graph.operators[-1].builtin_options
    return str(_named(FUSED_ACTIVATION, options.fused_activation_function))


def _real(graph: OperatorGraph, index: int) -> NDArray[Any] | None:
    """The numbers of a constant: what weights mean, and shapes and axes as they are."""
    model = graph.model
    tensor = model.graph.tensors[model.constants()[index]]
    if dtype_of(tensor).startswith("float") or count_scales(tensor):
        constant = Constants(graph).read(index)
        return None if constant is None else constant.real
    try:
        return np.frombuffer(model.stored(tensor).tobytes(), np.dtype(dtype_of(tensor)))
    except (TypeError, ValueError):
        return None


def _take_attributes(ours: Any, theirs: Any) -> bool:
    options, wanted = ours.builtin_options, theirs.builtin_options
    if type(options) is not type(wanted):
        return False
    if options is not None:
        changed = copy.copy(options)
        for name, value in _fields(wanted).items():
            if name not in _ARITHMETIC:
                setattr(changed, name, value)
        ours.builtin_options = changed
    return True


def _stored_as(tensor: Any, real: NDArray[Any]) -> NDArray[Any] | None:
    """Real values in a tensor's own form; None where they have none."""
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    if int(np.prod(shape, dtype=np.int64)) != real.size or not np.isfinite(real).all():
        return None
    values = real.reshape(shape)
    dtype = dtype_of(tensor)
    if dtype in _REAL_DTYPES:
        with np.errstate(over="ignore"):  # beyond half precision is infinite, as converted
            return values.astype(dtype)
    try:
        limits = np.iinfo(dtype)
    except (TypeError, ValueError):
        return None
    if not count_scales(tensor):
        return values.astype(dtype)
    quantisation = tensor.quantization
    scales = np.asarray(quantisation.scale, np.float64)
    zeros = np.asarray(quantisation.zero_point, np.float64)
    if scales.size > 1:
        along = [1] * len(shape)
        along[int(quantisation.quantized_dimension)] = scales.size
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    steps = values / scales
    codes = np.trunc(steps + np.copysign(0.5, steps)) + zeros
    return np.clip(codes, limits.min, limits.max).astype(dtype)


def _fields(table: Any) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.names()}


def _named(name: str, value: Any) -> Any:
    """An enumeration's value by its name."""
    enumeration = {
        FUSED_ACTIVATION: "ActivationFunctionType",
        "padding": "Padding",
    }.get(name)
    if enumeration is not None:
        return MODEL.names(enumeration).get(value, value)
    return value.tolist() if isinstance(value, np.ndarray) else value
