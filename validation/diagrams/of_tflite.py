"""The operations of a .tflite file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from validation.diagrams.operations import (
    Operation,
    OperationGraph,
    Tensor,
    kernel_facts,
    postprocess_facts,
)
from validation.specs.contracts import POSTPROCESS_NAME
from validation.tflite.facts import attributes_of
from validation.tflite.model import (
    MODEL,
    UnpackedModel,
    count_scales,
    present,
    read_model,
    tensor_spec,
)

_DEPTHWISE = "DEPTHWISE_CONV_2D"
_CONVOLUTIONS = frozenset({"CONV_2D", _DEPTHWISE, "TRANSPOSE_CONV"})
_ACTIVATIONS = MODEL.names("ActivationFunctionType")


def tflite_operations(path: Path) -> OperationGraph:
    """Read the operations of a .tflite file's main graph.

    Constants, and operations on constants alone, are left out: the operations that read them
    show how the weights are stored.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: Not a TFLite flatbuffer, or a damaged one.
    """
    return _Reader(read_model(path)).graph()


class _Reader:
    """One file's tables, and which of its tensors are constants."""

    def __init__(self, model: UnpackedModel) -> None:
        self.model = model
        self.main = model.graph
        self.custom = {
            index
            for operator in self.main.operators
            if model.is_custom(operator)
            for index in present(operator.outputs)
        }
        # A constant, or what is made of constants alone: the tensor that holds its bytes.
        self.stored = model.constants()

    def graph(self) -> OperationGraph:
        operators = [
            each
            for each in self.main.operators
            if not all(index in self.stored for index in present(each.outputs))
        ]
        operations = tuple(self._operation(each) for each in operators)
        inputs, outputs = _keys(self.main.inputs), _keys(self.main.outputs)
        used = [key for each in operations for key in (*each.inputs, *each.outputs)]
        # In one order in every process, so that a picture of one file is one picture.
        keys = dict.fromkeys([*inputs, *used, *outputs])
        return OperationGraph(
            title=self.model.name,
            notes=self._notes(len(operations)),
            operations=operations,
            tensors={key: self._tensor(int(key)) for key in keys},
            inputs=inputs,
            outputs=outputs,
        )

    def _operation(self, operator: Any) -> Operation:
        kind = self.model.op_name(operator)
        read, written = present(operator.inputs), present(operator.outputs)
        names = (self.main.tensors[written[0]].name or "") if written else kind
        constants = [index for index in read if index in self.stored]
        return Operation(
            name=names.partition(";")[0],
            aliases=names,
            kind=kind,
            facts=self._facts(kind, operator, read),
            weights=self._weights(constants),
            inputs=_keys(index for index in read if index not in self.stored),
            outputs=_keys(written),
        )

    def _tensor(self, index: int) -> Tensor:
        spec = tensor_spec(self.main.tensors[index])
        return Tensor(
            name=spec.name,
            dtype=spec.dtype,
            # A custom op gives no shapes to the file: they are fixed when it runs.
            shape=None if index in self.custom and not spec.shape else spec.shape,
            quantisation=_quantisation(self.main.tensors[index]),
        )

    def _weights(self, constants: list[int]) -> str:
        """Of the largest constant, as it is stored."""
        if not constants:
            return ""
        stored = [self.main.tensors[self.stored[index]] for index in constants]
        largest = max(stored, key=lambda each: int(np.prod(_shape(each), dtype=np.int64)))
        dtype = tensor_spec(largest).dtype
        floating = dtype == "float32" or (dtype.startswith("int") and not count_scales(largest))
        return "" if floating else f"{dtype} {_quantisation(largest)}".strip()

    def _facts(self, kind: str, operator: Any, read: list[int]) -> tuple[str, ...]:
        options = operator.builtin_options
        if kind == POSTPROCESS_NAME and operator.custom_options is not None:
            return postprocess_facts(attributes_of(self.model, operator))
        shape = _shape(self.main.tensors[read[1]]) if len(read) > 1 else ()
        kernel = _pair(options, "filter_height", "filter_width")
        channels: tuple[str, ...] = ()
        # Weights are [out, height, width, in]; a depthwise convolution's have out = 1.
        if kind in _CONVOLUTIONS and len(shape) == 4:
            kernel = shape[1:3]
            channels = (f"{shape[3]}→{shape[0]}",) if kind != _DEPTHWISE else ()
        elif kind == "FULLY_CONNECTED" and len(shape) == 2:
            channels = (f"{shape[1]}→{shape[0]}",)
        facts = kernel_facts(
            kernel,
            _pair(options, "stride_h", "stride_w"),
            _pair(options, "dilation_h_factor", "dilation_w_factor"),
        )
        activation = getattr(options, "fused_activation_function", 0)
        return (
            *facts,
            *channels,
            *([_ACTIVATIONS.get(activation, str(activation))] if activation else []),
        )

    def _notes(self, shown: int) -> tuple[str, ...]:
        kinds = Counter(map(self.model.op_name, self.main.operators))
        constants = [self.main.tensors[index] for index in dict.fromkeys(self.stored.values())]
        dtypes = Counter(tensor_spec(each).dtype for each in constants)
        channels = sum(count_scales(each) > 1 for each in constants)
        kept = ", ".join(f"{count} {dtype}" for dtype, count in dtypes.most_common())
        if channels:
            kept += f" ({channels} of them with a scale per channel)"
        notes = [
            f"{len(self.model.content):,} bytes, {shown} operations",
            ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6)),
            f"constants: {kept}" if kept else "no constants",
        ]
        others = len(self.model.root.subgraphs) - 1
        if others:
            notes.append(f"the main graph; {others} more in the file are not shown")
        return tuple(notes)


def _keys(indices: Any) -> tuple[str, ...]:
    return tuple(map(str, present(indices)))


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def _quantisation(tensor: Any) -> str:
    scales = count_scales(tensor)
    if scales > 1:
        return f"per channel, {scales} scales"
    if scales == 1:
        scale, zero = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
        return f"scale {float(scale):.4g} zero {int(zero)}"
    return ""


def _pair(options: Any, first: str, second: str) -> tuple[int, int] | None:
    if not hasattr(options, first):
        return None
    return int(getattr(options, first)), int(getattr(options, second))
