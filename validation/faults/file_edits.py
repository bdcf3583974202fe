"""Changes to a .tflite file that leave it a file which LiteRT loads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

# Works on the schema's ModelT.
Change = Callable[[Any], None]
Edit = Callable[[NDArray[Any]], Any]

_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT32: np.int32,
}
_BOX_VALUES = 4


def rewrite(source: Path, target: Path, change: Change) -> Path:
    """A copy of a file, its model changed in between; both may be the same path.

    Args:
        source: The file.
        target: The copy.
        change: Works on the schema's ModelT.
    """
    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(bytes(builder.Output()))
    return target


def swap_outputs(first: int, second: int) -> Change:
    """Two of the file's outputs change places."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        outputs = list(graph.outputs)
        outputs[first], outputs[second] = outputs[second], outputs[first]
        graph.outputs = np.array(outputs, np.int32)

    return change


def swap_output_names(first: int, second: int) -> Change:
    """Two of the file's outputs change names."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        one, other = (graph.tensors[graph.outputs[place]] for place in (first, second))
        one.name, other.name = other.name, one.name

    return change


def weights(model: Any, name: str) -> Iterator[tuple[NDArray[np.float32], Any]]:
    """Constants of two or more dimensions whose name holds a text, and their buffers."""
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if (
            name in tensor.name.decode()
            and data is not None
            and len(data)
            and tensor.shape.size > 1
        ):
            values = np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
            yield values.copy(), model.buffers[tensor.buffer]


def change_weights(name: str, edit: Callable[[NDArray[np.float32]], Any]) -> Change:
    """Edit every constant whose name holds a text.

    Args:
        name: Part of the tensor's name.
        edit: Changes the array in place, or returns another of its shape.
    """

    def change(model: Any) -> None:
        for values, buffer in list(weights(model, name)):
            edited = edit(values)
            result = values if edited is None else np.asarray(edited, np.float32)
            buffer.data = np.frombuffer(result.tobytes(), np.uint8)

    return change


def change_anchors(edit: Callable[[NDArray[np.float32]], Any]) -> Change:
    """Other anchors, [N, 4], of the post-processing op, kept as float32."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        buffer = model.buffers[graph.tensors[graph.operators[-1].inputs[2]].buffer]
        anchors = np.frombuffer(bytes(buffer.data), np.float32).reshape(-1, 4)
        buffer.data = np.frombuffer(edit(anchors).astype(np.float32).tobytes(), np.uint8)

    return change


def change_attributes(**attributes: Any) -> Change:
    """Set attributes of the post-processing op; None takes one out."""

    def change(model: Any) -> None:
        for op in model.subgraphs[0].operators:
            if op.customOptions is not None and len(op.customOptions):
                table = flexbuffers.Loads(bytearray(op.customOptions)) | attributes
                kept = {name: value for name, value in table.items() if value is not None}
                op.customOptions = list(flexbuffers.Dumps(kept))

    return change


def change_kernel(place: int, edit: Edit) -> Change:
    """Edit the kernel of one convolution, [out, h, w, in], of a depthwise one [1, h, w, out].

    Args:
        place: Which, in the order of the operators; negative counts from the end.
        edit: See `change_weights`; keeps the type of the values.
    """

    def change(model: Any) -> None:
        kernels = [op.inputs[1] for op in _convolutions(model)]
        _edit_constant(model, kernels[place], edit)

    return change


def change_bias(place: int, edit: Edit) -> Change:
    """Edit the bias of one convolution, [out], as `change_kernel` its kernel."""

    def change(model: Any) -> None:
        _edit_constant(model, _convolutions(model)[place].inputs[2], edit)

    return change


def change_every_kernel(edit: Edit) -> Change:
    """Edit the kernels of all convolutions."""

    def change(model: Any) -> None:
        for index in dict.fromkeys(op.inputs[1] for op in _convolutions(model)):
            _edit_constant(model, index, edit)

    return change


def change_class_heads(edit: Callable[[NDArray[Any], int], Any]) -> Change:
    """Edit kernel and bias of every head of classes.

    Args:
        edit: Takes an array whose first axis is anchors times classes, and how many classes
            with the background.
    """

    def change(model: Any) -> None:
        _edit_heads(model, edit, lambda last: last != _BOX_VALUES)

    return change


def change_box_heads(edit: Callable[[NDArray[Any], int], Any]) -> Change:
    """Edit kernel and bias of every head of boxes; as `change_class_heads`, with 4 values a box."""

    def change(model: Any) -> None:
        _edit_heads(model, edit, lambda last: last == _BOX_VALUES)

    return change


def change_concatenation(place: int, order: Callable[[list[int]], list[int]]) -> Change:
    """Other inputs of one concatenation, in the order of the operators."""

    def change(model: Any) -> None:
        found = [op for op in model.subgraphs[0].operators if _is(model, op, "CONCATENATION")]
        found[place].inputs = np.asarray(order(list(found[place].inputs)), np.int32)

    return change


def change_activation(place: int, activation: str) -> Change:
    """Another fused activation of one convolution: NONE, RELU or RELU6."""

    def change(model: Any) -> None:
        op = _convolutions(model)[place]
        op.builtinOptions.fusedActivationFunction = getattr(
            schema.ActivationFunctionType, activation
        )

    return change


def without_logistic(model: Any) -> None:
    """Scores are the logits: what read the sigmoid's output reads its input."""
    graph = model.subgraphs[0]
    (op,) = [each for each in graph.operators if _is(model, each, "LOGISTIC")]
    graph.operators.remove(op)
    _read_instead(graph, op.outputs[0], op.inputs[0])


def with_second_logistic(model: Any) -> None:
    """Scores go through the sigmoid twice."""
    graph = model.subgraphs[0]
    (op,) = [each for each in graph.operators if _is(model, each, "LOGISTIC")]
    tensor = schema.TensorT()
    old = graph.tensors[op.outputs[0]]
    tensor.shape, tensor.type, tensor.buffer = old.shape, old.type, 0
    tensor.name, tensor.quantization = b"sigmoid_again", old.quantization
    graph.tensors.append(tensor)
    again = schema.OperatorT()
    again.opcodeIndex = op.opcodeIndex
    again.inputs = np.array([op.outputs[0]], np.int32)
    again.outputs = np.array([len(graph.tensors) - 1], np.int32)
    _read_instead(graph, op.outputs[0], len(graph.tensors) - 1)
    graph.operators.insert(graph.operators.index(op) + 1, again)


def change_scale(place: int, factor: float = 1.0, *, zero_point: int = 0) -> Change:
    """Another scale and zero point of what one convolution writes, in a file of 8 bits."""

    def change(model: Any) -> None:
        index = _convolutions(model)[place].outputs[0]
        _requantise(model.subgraphs[0].tensors[index], factor, zero_point)

    return change


def change_kernel_scale(place: int, channel: int, factor: float) -> Change:
    """Another scale of one output channel of a kernel that has one for each."""

    def change(model: Any) -> None:
        kernel = model.subgraphs[0].tensors[_convolutions(model)[place].inputs[1]]
        factors = np.ones(len(kernel.quantization.scale), np.float32)
        factors[channel] = factor
        _requantise(kernel, factors, 0)

    return change


def change_kernel_zero_point(place: int, moved: int) -> Change:
    """Another zero point of one kernel, which has one for all of its channels."""

    def change(model: Any) -> None:
        kernel = model.subgraphs[0].tensors[_convolutions(model)[place].inputs[1]]
        _requantise(kernel, 1.0, moved)

    return change


def change_input(*, scale: float = 1.0, zero_point: int = 0) -> Change:
    """Another scale and zero point of the input of a file of 8 bits."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        _requantise(graph.tensors[graph.inputs[0]], scale, zero_point)

    return change


def _requantise(tensor: Any, factor: Any, zero_point: int) -> None:
    quantised = tensor.quantization
    quantised.scale = np.asarray(quantised.scale, np.float32) * factor
    quantised.zeroPoint = np.asarray(quantised.zeroPoint, np.int64) + zero_point


def _read_instead(graph: Any, old: int, new: int) -> None:
    for op in graph.operators:
        op.inputs = np.where(np.asarray(op.inputs) == old, new, op.inputs).astype(np.int32)
    graph.outputs = np.where(np.asarray(graph.outputs) == old, new, graph.outputs).astype(np.int32)


def _edit_heads(model: Any, edit: Callable[..., Any], chosen: Callable[[int], bool]) -> None:
    """A head is a convolution of which a reshape makes [1, rows, values]."""
    graph = model.subgraphs[0]
    made_by = {op.outputs[0]: op for op in graph.operators}
    heads = [
        (made_by[op.inputs[0]], int(graph.tensors[op.outputs[0]].shape[-1]))
        for op in graph.operators
        if _is(model, op, "RESHAPE")
        and op.inputs[0] in made_by
        and graph.tensors[op.outputs[0]].shape.size == 3
    ]
    constants = {
        index: last
        for op, last in heads
        if _is(model, op, "CONV_2D") and chosen(last)
        for index in op.inputs[1:3]
    }
    for index, last in constants.items():
        _edit_constant(model, index, functools.partial(_edited, edit, last))


def _edited(edit: Callable[..., Any], last: int, values: NDArray[Any]) -> Any:
    return edit(values, last)


def _edit_constant(model: Any, index: int, edit: Edit) -> None:
    tensor = model.subgraphs[0].tensors[index]
    dtype = _TYPES[tensor.type]
    buffer = model.buffers[tensor.buffer]
    values = np.frombuffer(bytes(buffer.data), dtype).reshape(tensor.shape).copy()
    edited = edit(values)
    result = values if edited is None else np.asarray(edited).astype(dtype)
    buffer.data = np.frombuffer(np.ascontiguousarray(result).tobytes(), np.uint8)


def _convolutions(model: Any) -> list[Any]:
    return [
        op
        for op in model.subgraphs[0].operators
        if _is(model, op, "CONV_2D") or _is(model, op, "DEPTHWISE_CONV_2D")
    ]


def _is(model: Any, op: Any, name: str) -> bool:
    code = model.operatorCodes[op.opcodeIndex]
    kind: int = getattr(schema.BuiltinOperator, name)
    return bool(max(code.builtinCode, code.deprecatedBuiltinCode) == kind)
