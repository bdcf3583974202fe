"""What a .tflite file computes, by the flow of its data: nodes that read each other's values.

How a value is stored plays no part: quantising, reshaping and padding before a convolution are no
nodes, and an activation belongs to the operator that it follows. So two converters' files of one
model have the same nodes.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from flatbuffers import flexbuffers

from validation.diagnosis.constants import Constants
from validation.diagnosis.operators import Operator, OperatorGraph
from validation.errors import ConversionError
from validation.files.guard import faults
from validation.specs.contracts import POSTPROCESS_NAME
from validation.tflite.facts import attributes_of
from validation.tflite.model import MODEL

# They hand on the values that they read, in the same order.
_SAME_VALUES = ("QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST")
_ACTIVATIONS = ("RELU", "RELU6", "RELU_N1_TO_1")
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_SIDES = ("height", "width")
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
_FUSED = MODEL.names("ActivationFunctionType")
_PADDING = MODEL.names("Padding")
# Of the kernel's choice of arithmetic, or said by shapes: they change no value.
_SILENT = frozenset(
    {
        "asymmetric_quantize_inputs", "depth_multiplier", "keep_num_dims", "new_shape",
        "pot_scale_int16", "quantized_bias_type", "weights_format", "fused_activation_function",
        "padding", "squeeze_dims", "quant_spec",
    }
)  # fmt: skip
_NO_ACTIVATION = "NONE"

# A node's position, or of the graph's inputs -1, -2, ...; and which of its outputs.
Source = tuple[int, int]


@dataclass(frozen=True)
class Padding:
    """What a window adds around an image.

    Args:
        mode: ``SAME`` or ``VALID``; ``PAD`` where an operator of its own does it.
        pads: Rows above and below, columns left and right; empty where sizes are not known.
    """

    mode: str
    pads: tuple[int, ...] = ()

    def is_as(self, other: Padding) -> bool:
        """True where both would add the same around one image."""
        return self.pads == other.pads or (self.mode == other.mode and self.mode != "PAD")

    def __str__(self) -> str:
        return self.mode if self.mode != "PAD" else f"{self.mode} {', '.join(map(str, self.pads))}"


@dataclass(frozen=True)
class Node:
    """One operator that computes.

    Args:
        operator: As the file has it.
        sources: What it reads that depends on the input.
        weights: Constants that are numbers of the model, by the place where it reads them.
        activation: Of its output, fused or following.
        attributes: What else says what it computes; whole numbers that it reads among them.
        shape: Of its first output, without dimensions of one.
        name: TensorFlow's name of what it writes; or its kind and number.
    """

    operator: Operator
    sources: tuple[Source, ...]
    weights: Mapping[int, int]
    activation: str
    attributes: Mapping[str, Any]
    shape: tuple[int, ...]
    name: str

    @property
    def op(self) -> str:
        """TFLite's name of the operator."""
        return self.operator.op


@dataclass(frozen=True, eq=False)
class Flow:
    """The nodes of a file.

    Args:
        graph: The file's operators.
        nodes: In the order of execution.
        outputs: What the graph's outputs are, in its order.
        constants: Of the file.
    """

    graph: OperatorGraph
    nodes: tuple[Node, ...]
    outputs: tuple[Source, ...]
    constants: Constants = field(repr=False)

    def readers(self) -> dict[int, tuple[int, ...]]:
        """Which nodes read a node or an input, by its position."""
        found: dict[int, list[int]] = {}
        for position, node in enumerate(self.nodes):
            for source, _ in dict.fromkeys(node.sources):
                found.setdefault(source, []).append(position)
        return {source: tuple(dict.fromkeys(each)) for source, each in found.items()}


def read_flow(graph: OperatorGraph) -> Flow:
    """The nodes of a file's main graph."""
    return _Reading(graph).flow()


class _Reading:
    def __init__(self, graph: OperatorGraph) -> None:
        self._graph = graph
        self._constants = Constants(graph)
        self._nodes: list[Node] = []
        # By tensor.
        self._values: dict[int, Source] = {
            tensor: (-1 - place, 0) for place, tensor in enumerate(graph.inputs)
        }
        self._pads: dict[int, tuple[int, ...]] = {}
        self._reads = Counter(each for op in graph.moving for each in graph.moving_inputs(op))
        self._reads.update(int(each) for each in graph.model.graph.outputs)

    def flow(self) -> Flow:
        for operator in self._graph.moving:
            moving = self._graph.moving_inputs(operator)
            known = [each for each in moving if each in self._values]
            if operator.op in _SAME_VALUES and len(known) == 1:
                self._hand_on(known[0], operator)
            elif not (self._folds_pads(operator, known) or self._folds(operator, known)):
                self._add(operator)
        outputs = (int(each) for each in self._graph.model.graph.outputs)
        return Flow(
            self._graph,
            tuple(self._nodes),
            tuple(self._values[each] for each in outputs if each in self._values),
            self._constants,
        )

    def _hand_on(self, tensor: int, operator: Operator) -> None:
        self._values.update(dict.fromkeys(operator.outputs, self._values[tensor]))

    def _folds(self, operator: Operator, known: list[int]) -> bool:
        """An activation of its own belongs to the node before, if nothing else reads that."""
        if operator.op not in _ACTIVATIONS or len(known) != 1:
            return False
        position, _ = self._values[known[0]]
        if position < 0 or self._nodes[position].activation != _NO_ACTIVATION:
            return False
        before = self._nodes[position]
        can_fuse = hasattr(_options(self._graph, before.operator), "fused_activation_function")
        # What hands the value on is no other reader.
        if not can_fuse or self._reads[before.operator.outputs[0]] != 1:
            return False
        self._nodes[position] = replace(before, activation=operator.op)
        self._hand_on(known[0], operator)
        return True

    def _folds_pads(self, operator: Operator, known: list[int]) -> bool:
        """Zeros around an image are the padding of the convolution that reads it."""
        if operator.op != "PAD" or len(known) != 1:
            return False
        readers = [each for each in self._graph.moving if operator.outputs[0] in each.inputs]
        pads = self._whole_numbers(operator.inputs[1]) if len(operator.inputs) > 1 else None
        fits = pads is not None and len(pads) == 8 and not any((*pads[:2], *pads[6:]))
        convolves = all(each.op in _CONVOLUTIONS and self._is_valid(each) for each in readers)
        if pads is None or not fits or not readers or not convolves:
            return False
        self._pads[operator.outputs[0]] = pads[2:6]
        self._hand_on(known[0], operator)
        return True

    def _is_valid(self, operator: Operator) -> bool:
        options = _options(self._graph, operator)
        return _PADDING.get(int(getattr(options, "padding", 0))) == "VALID"

    def _add(self, operator: Operator) -> None:
        position = len(self._nodes)
        weights = {place: operator.inputs[place] for place in self._constants.weights(operator)}
        sources = tuple(self._values[each] for each in operator.inputs if each in self._values)
        options = _options(self._graph, operator)
        fused = int(getattr(options, "fused_activation_function", 0))
        shape = self._shape(operator.outputs[0])
        name = self._graph.names[operator.outputs[0]].partition(";")[0]
        self._nodes.append(
            Node(
                operator,
                sources,
                weights,
                _FUSED.get(fused, str(fused)),
                self._attributes(operator, options, weights),
                tuple(side for side in shape if side != 1),
                name or f"{operator.op} {operator.index}",
            )
        )
        for slot, tensor in enumerate(operator.outputs):
            self._values[tensor] = (position, slot)

    def _attributes(
        self, operator: Operator, options: Any, weights: Mapping[int, int]
    ) -> dict[str, Any]:
        if operator.is_custom:
            return _custom_options(self._graph, operator)
        names = () if options is None else options.names()
        found = {name: getattr(options, name) for name in names if name not in _SILENT}
        found = {
            name: value for name, value in found.items() if isinstance(value, bool | int | float)
        }
        if operator.op in (*_CONVOLUTIONS, *_POOLS):
            found["padding"] = self._padding(operator, options)
        elif hasattr(options, "padding"):
            found["padding"] = _PADDING.get(int(options.padding), str(options.padding))
        if operator.op == "CONCATENATION":
            found["axis"] = self._axis(operator, int(getattr(options, "axis", 0)))
        for place, tensor in enumerate(operator.inputs):
            if tensor in self._graph.static and place not in weights:
                found[f"input {place}"] = self._whole_numbers(tensor)
        return found

    def _axis(self, operator: Operator, axis: int) -> int:
        """Counted from the end: another converter leaves dimensions of one in between."""
        rank = len(self._shape(operator.outputs[0]))
        place = axis % rank if rank else 0
        after = self._shape(operator.outputs[0])[place + 1 :]
        return -1 - sum(side != 1 for side in after)

    def _padding(self, operator: Operator, options: Any) -> Padding:
        mode = "VALID" if self._is_valid(operator) else "SAME"
        if not operator.inputs:
            return Padding(mode)
        folded = self._pads.get(operator.inputs[0])
        if folded is not None:
            return Padding("PAD", folded)
        if mode == "VALID":
            return Padding(mode, (0, 0, 0, 0))
        image = self._shape(operator.inputs[0])
        if operator.op in _POOLS:
            window = tuple(int(getattr(options, f"filter_{side}", 0)) for side in _SIDES)
        else:
            window = self._shape(operator.inputs[1])[1:3] if len(operator.inputs) > 1 else ()
        steps = [int(getattr(options, f"stride_{side[0]}", 0)) for side in _SIDES]
        apart = [int(getattr(options, f"dilation_{side[0]}_factor", 1)) for side in _SIDES]
        if len(image) != 4 or len(window) != 2 or min(*image, *window, *steps) < 1:
            return Padding(mode)
        pads: list[int] = []
        for side, size, step, gap in zip(image[1:3], window, steps, apart, strict=True):
            reach = (size - 1) * gap + 1
            total = max(0, (math.ceil(side / step) - 1) * step + reach - side)
            pads += [total // 2, total - total // 2]
        return Padding(mode, tuple(pads))

    def _shape(self, tensor: int) -> tuple[int, ...]:
        shape = self._graph.model.graph.tensors[tensor].shape
        return () if shape is None else tuple(int(side) for side in shape)

    def _whole_numbers(self, tensor: int) -> tuple[int, ...] | None:
        if tensor not in self._graph.static:
            return None
        raw = self._constants.whole_numbers(tensor)
        return None if raw is None else tuple(raw.ravel().tolist())


def _options(graph: OperatorGraph, operator: Operator) -> Any:
    return graph.model.graph.operators[operator.index - 1].builtin_options


def _custom_options(graph: OperatorGraph, operator: Operator) -> dict[str, Any]:
    """Numbers, texts and flags of a flexbuffer map; of anything else nothing."""
    stored = graph.model.graph.operators[operator.index - 1]
    data = stored.custom_options
    if data is None or not len(data):
        return {}
    if operator.op == POSTPROCESS_NAME:
        with contextlib.suppress(ConversionError):  # of others' files an attribute may be missing
            return asdict(attributes_of(graph.model, stored))
    try:
        options = flexbuffers.GetRoot(bytearray(data)).AsMap
        names = [each.AsKey for each in options.Keys]
        values = {str(name): options[str(name)] for name in names}
        return {
            name: value.Value
            for name, value in values.items()
            # What begins with an underscore is the converter's.
            if not name.startswith("_") and (value.IsNumeric or value.IsBool or value.IsString)
        }
    except faults():
        return {"options": np.asarray(data).tobytes().hex()}
