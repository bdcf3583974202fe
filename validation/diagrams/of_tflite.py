"""The operations of a .tflite file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from validation.diagrams.operations import (
    Operation,
    OperationGraph,
    Tensor,
    kernel_facts,
    postprocess_facts,
)
from validation.errors import ConversionError
from validation.runtimes.tflite_file import (
    DAMAGE,
    IDENTIFIER,
    attributes_of,
    count_scales,
    names_of,
    op_name,
    tensor_spec,
    tflite_bytes,
)
from validation.specs.contracts import POSTPROCESS_NAME

_DEPTHWISE = "DEPTHWISE_CONV_2D"
_CONVOLUTIONS = frozenset({"CONV_2D", _DEPTHWISE, "TRANSPOSE_CONV"})
_ACTIVATIONS = names_of(schema.ActivationFunctionType)


def tflite_operations(path: Path) -> OperationGraph:
    """Read the operations of a .tflite file's main graph.

    Constants, and operations on constants alone, are left out: of weights the readers tell.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: No flatbuffer of TFLite, or a damaged one.
    """
    content = tflite_bytes(path)
    if content[4:8] != IDENTIFIER:
        raise ConversionError(
            "the file is no TFLite flatbuffer",
            expected=f"identifier {IDENTIFIER.decode()} at byte 4",
            got=f"{content[4:8]!r} in {len(content)} bytes",
            where=path.name,
        )
    try:
        return _Reader(schema.ModelT.InitFromPackedBuf(content, 0)).graph(path.name, len(content))
    except DAMAGE as error:
        raise ConversionError(
            "the TFLite flatbuffer is damaged", got=repr(error), where=path.name
        ) from error


class _Reader:
    """One file's tables, and which of its tensors are constants."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.main = model.subgraphs[0]
        self.codes = [op_name(code) for code in model.operatorCodes]
        self.custom = {
            int(place)
            for operator in self.main.operators
            if model.operatorCodes[operator.opcodeIndex].customCode
            for place in operator.outputs
        }
        # A constant, or what is made of constants alone: the tensor that its bytes stand in.
        self.stored: dict[int, int] = {
            place: place
            for place, tensor in enumerate(self.main.tensors)
            if (data := model.buffers[tensor.buffer].data) is not None and len(data)
        }
        for operator in self.main.operators:
            read = _present(operator.inputs)
            if read and all(place in self.stored for place in read):
                self.stored.update(
                    (place, self.stored[read[0]]) for place in _present(operator.outputs)
                )

    def graph(self, title: str, size: int) -> OperationGraph:
        operators = [
            each
            for each in self.main.operators
            if not all(place in self.stored for place in _present(each.outputs))
        ]
        operations = tuple(self._operation(each) for each in operators)
        inputs, outputs = (_keys(ends) for ends in (self.main.inputs, self.main.outputs))
        used = [key for each in operations for key in (*each.inputs, *each.outputs)]
        # In one order in every process, so that a picture of one file is one picture.
        keys = dict.fromkeys([*inputs, *used, *outputs])
        return OperationGraph(
            title=title,
            notes=self._notes(size, len(operations)),
            operations=operations,
            tensors={key: self._tensor(int(key)) for key in keys},
            inputs=inputs,
            outputs=outputs,
        )

    def _operation(self, operator: Any) -> Operation:
        kind = self.codes[operator.opcodeIndex]
        read, written = _present(operator.inputs), _present(operator.outputs)
        names = self._name(written[0]) if written else kind
        constants = [place for place in read if place in self.stored]
        return Operation(
            name=names.partition(";")[0],
            aliases=names,
            kind=kind,
            facts=self._facts(kind, operator, read),
            weights=self._weights(constants),
            inputs=_keys(place for place in read if place not in self.stored),
            outputs=_keys(written),
        )

    def _name(self, place: int) -> str:
        name: bytes = self.main.tensors[place].name or b""
        return name.decode(errors="backslashreplace")

    def _tensor(self, place: int) -> Tensor:
        spec = tensor_spec(self.main.tensors[place])
        return Tensor(
            name=spec.name,
            dtype=spec.dtype,
            # A custom op gives no shapes to the file: they are fixed when it runs.
            shape=None if place in self.custom and not spec.shape else spec.shape,
            quantisation=_quantisation(self.main.tensors[place]),
        )

    def _weights(self, constants: list[int]) -> str:
        """Of the largest constant, as it is stored."""
        if not constants:
            return ""
        stored = [self.main.tensors[self.stored[place]] for place in constants]
        largest = max(stored, key=lambda each: int(np.prod(_shape(each), dtype=np.int64)))
        dtype = tensor_spec(largest).dtype
        floating = dtype == "float32" or (dtype.startswith("int") and not count_scales(largest))
        return "" if floating else f"{dtype} {_quantisation(largest)}".strip()

    def _facts(self, kind: str, operator: Any, read: list[int]) -> tuple[str, ...]:
        options = operator.builtinOptions
        if kind == POSTPROCESS_NAME and operator.customOptions is not None:
            return postprocess_facts(attributes_of(bytes(operator.customOptions)))
        shape = _shape(self.main.tensors[read[1]]) if len(read) > 1 else ()
        kernel = _pair(options, "filterHeight", "filterWidth")
        channels: tuple[str, ...] = ()
        # Weights are [out, height, width, in]; a depthwise convolution's have out = 1.
        if kind in _CONVOLUTIONS and len(shape) == 4:
            kernel = shape[1:3]
            channels = (f"{shape[3]}→{shape[0]}",) if kind != _DEPTHWISE else ()
        elif kind == "FULLY_CONNECTED" and len(shape) == 2:
            channels = (f"{shape[1]}→{shape[0]}",)
        facts = kernel_facts(
            kernel,
            _pair(options, "strideH", "strideW"),
            _pair(options, "dilationHFactor", "dilationWFactor"),
        )
        activation = getattr(options, "fusedActivationFunction", 0)
        return (*facts, *channels, *([_ACTIVATIONS[activation]] if activation else []))

    def _notes(self, size: int, shown: int) -> tuple[str, ...]:
        kinds = Counter(self.codes[each.opcodeIndex] for each in self.main.operators)
        constants = [self.main.tensors[place] for place in dict.fromkeys(self.stored.values())]
        dtypes = Counter(tensor_spec(each).dtype for each in constants)
        channels = sum(count_scales(each) > 1 for each in constants)
        told = ", ".join(f"{count} {dtype}" for dtype, count in dtypes.most_common())
        if channels:
            told += f" ({channels} of them with a scale per channel)"
        notes = [
            f"{size:,} bytes, {shown} operations",
            ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(6)),
            f"constants: {told}" if told else "no constants",
        ]
        others = len(self.model.subgraphs) - 1
        if others:
            notes.append(f"the main graph; {others} more in the file are not shown")
        return tuple(notes)


def _present(places: Any) -> list[int]:
    """Optional inputs that are absent are -1."""
    return [] if places is None else [int(place) for place in places if place >= 0]


def _keys(places: Any) -> tuple[str, ...]:
    return tuple(str(place) for place in ([] if places is None else places) if place >= 0)


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def _quantisation(tensor: Any) -> str:
    scales = count_scales(tensor)
    if scales > 1:
        return f"per channel, {scales} scales"
    if scales == 1:
        scale, zero = tensor.quantization.scale[0], tensor.quantization.zeroPoint[0]
        return f"scale {float(scale):.4g} zero {int(zero)}"
    return ""


def _pair(options: Any, first: str, second: str) -> tuple[int, int] | None:
    if not hasattr(options, first):
        return None
    return int(getattr(options, first)), int(getattr(options, second))
