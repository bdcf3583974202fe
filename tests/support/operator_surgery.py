"""Faults of a .tflite file's operators and constants, by the place of the operator."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from array_edits import Edit
from numpy.typing import NDArray

Change = Callable[[Any], None]

KERNEL, BIAS, ANCHORS = 1, 2, 2
OP = "TFLite_Detection_PostProcess"
_OPS = {
    value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
}
_TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 9: np.int8}
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def several(*changes: Change) -> Change:
    """One after another."""

    def change(model: Any) -> None:
        for each in changes:
            each(model)

    return change


def lose_names(model: Any) -> None:
    """Tensors are called as nothing else is."""
    for place, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = b"t%d" % (place * 7919 % 10007)


def of_kind(model: Any, *kinds: str) -> list[Any]:
    """Operators of some kinds, in the order of execution."""
    return [each for each in model.subgraphs[0].operators if _kind(model, each) in kinds]


def convolutions(model: Any) -> list[Any]:
    """All of them, depthwise ones too."""
    return of_kind(model, *_CONVOLUTIONS)


def constant(place: int, edit: Edit, of: int = KERNEL, kinds: Sequence[str] = ()) -> Change:
    """Edit what one operator reads from the file, as it is stored.

    Args:
        place: Of the operator among those of its kinds.
        edit: Gives the new array.
        of: Which of its inputs.
        kinds: Of operators; empty: convolutions.
    """

    def change(model: Any) -> None:
        operator = of_kind(model, *(kinds or _CONVOLUTIONS))[place]
        _write(model, operator.inputs[of], edit)

    return change


def anchors(edit: Edit) -> Change:
    """Other anchors of the op."""
    return constant(0, edit, ANCHORS, (OP,))


def heads(name: str, order: Sequence[int]) -> Change:
    """Kernel and bias of the predictors of a name in another order of each anchor's columns."""

    def change(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        for operator in of_kind(model, "CONV_2D"):
            if name not in tensors[operator.outputs[0]].name.decode():
                continue
            depth = int(tensors[operator.inputs[BIAS]].shape[0])
            steps = range(0, depth, len(order))
            rows = np.concatenate([np.asarray(order) + step for step in steps])
            for place in (KERNEL, BIAS):
                _write(model, operator.inputs[place], lambda values, rows=rows: values[rows])
                quantisation = tensors[operator.inputs[place]].quantization
                scale = None if quantisation is None else quantisation.scale
                if scale is not None and len(scale) == depth:
                    quantisation.scale = np.asarray(scale)[rows]

    return change


def option(kind: str, place: int, **values: Any) -> Change:
    """Set options of one operator, by the schema's names in camel case."""

    def change(model: Any) -> None:
        options = of_kind(model, kind)[place].builtinOptions
        for name, value in values.items():
            assert hasattr(options, name)
            setattr(options, name, value)

    return change


def without(kind: str, place: int = 0) -> Change:
    """Take an operator out: what read its output reads its input."""

    def change(model: Any) -> None:
        operator = of_kind(model, kind)[place]
        model.subgraphs[0].operators.remove(operator)
        _redirect(model, int(operator.outputs[0]), int(operator.inputs[0]))

    return change


def twice(kind: str, place: int = 0) -> Change:
    """An operator once more behind itself."""

    def change(model: Any) -> None:
        graph, operator = model.subgraphs[0], of_kind(model, kind)[place]
        made = copy.copy(graph.tensors[operator.outputs[0]])
        made.name = b"once more"
        graph.tensors.append(made)
        last = int(operator.outputs[0])
        _redirect(model, last, len(graph.tensors) - 1)
        again = copy.copy(operator)
        again.inputs = np.array([last, *operator.inputs[1:]], np.int32)
        again.outputs = np.array([len(graph.tensors) - 1], np.int32)
        operator.outputs = np.array([last], np.int32)
        graph.operators.insert(graph.operators.index(operator) + 1, again)

    return change


def exchange_kernels(first: int, second: int) -> Change:
    """Two convolutions of one shape read each other's kernels."""

    def change(model: Any) -> None:
        one, other = (convolutions(model)[place] for place in (first, second))
        one.inputs, other.inputs = (
            np.array([own.inputs[0], of.inputs[KERNEL], *own.inputs[BIAS:]], np.int32)
            for own, of in ((one, other), (other, one))
        )

    return change


def inputs(kind: str, place: int, order: Sequence[int]) -> Change:
    """What an operator reads in another order."""

    def change(model: Any) -> None:
        operator = of_kind(model, kind)[place]
        operator.inputs = np.array([operator.inputs[each] for each in order], np.int32)

    return change


def outputs(order: Sequence[int]) -> Change:
    """The file's outputs in another order."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.outputs = np.array([graph.outputs[each] for each in order], np.int32)

    return change


def without_bias(place: int) -> Change:
    """A convolution reads no bias."""

    def change(model: Any) -> None:
        operator = convolutions(model)[place]
        operator.inputs = np.array([*operator.inputs[:BIAS], -1], np.int32)

    return change


def written_scale(place: int, factor: float = 1.0, shift: int = 0) -> Change:
    """Another scale or zero point of what a convolution writes."""
    return _scale(lambda model: convolutions(model)[place].outputs[0], factor, shift)


def kernel_scale(place: int, factor: float = 1.0, shift: int = 0) -> Change:
    """Another scale or zero point of a convolution's kernel."""
    return _scale(lambda model: convolutions(model)[place].inputs[KERNEL], factor, shift)


def input_scale(factor: float) -> Change:
    """Another scale of the file's input."""
    return _scale(lambda model: int(model.subgraphs[0].inputs[0]), factor, 0)


def class_bias(column: int, value: float) -> Change:
    """Another bias of one class, of nine with the background, in every class predictor."""

    def edit(values: NDArray[Any]) -> NDArray[Any]:
        values[column::9] = value
        return values

    def change(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        for operator in of_kind(model, "CONV_2D"):
            if "ClassPredictor" in tensors[operator.outputs[0]].name.decode():
                _write(model, operator.inputs[BIAS], edit)

    return change


def damage(seed: int) -> Change:
    """Operators read, write and are anything; the file can still be opened, if not run."""

    def change(model: Any) -> None:
        graph, random = model.subgraphs[0], np.random.default_rng(seed)

        def some(of: Sequence[Any]) -> Any:
            return of[int(random.integers(len(of)))]

        for _ in range(int(random.integers(1, 6))):
            operator, tensor = some(graph.operators), some(graph.tensors)
            match int(random.integers(7)):
                case 0:
                    operator.inputs = np.array([*operator.inputs][:1], np.int32)
                case 1:
                    wild = random.integers(-1, len(graph.tensors), len(operator.inputs))
                    operator.inputs = wild.astype(np.int32)
                case 2:
                    operator.opcodeIndex = int(random.integers(len(model.operatorCodes)))
                case 3:
                    tensor.shape = random.integers(-1, 8, int(random.integers(6))).astype(np.int32)
                case 4:
                    operator.builtinOptionsType, operator.builtinOptions = 0, None
                case 5:
                    operator.outputs = np.zeros(0, np.int32)
                case 6:
                    tensor.type = some([*_TYPES, 4, 6])

    return change


def before_the_network(kind: str, reads: Sequence[float | int]) -> Change:
    """An operator between the image and what read it, with a constant of its own."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        image = int(graph.inputs[0])
        made = copy.copy(graph.tensors[image])
        made.name = b"changed image"
        graph.tensors.append(made)
        written = len(graph.tensors) - 1
        _redirect(model, image, written)
        inputs = [image, new_constant(model, np.asarray(reads))]
        graph.operators.insert(0, new_operator(model, kind, inputs, written))

    return change


def exchange_kind(kind: str, place: int, other: str) -> Change:
    """An operator becomes one of another kind, with its options left out."""

    def change(model: Any) -> None:
        operator = of_kind(model, kind)[place]
        operator.opcodeIndex = _code(model, other)
        operator.builtinOptionsType, operator.builtinOptions = 0, None

    return change


def exchange_blocks(first: int) -> Change:
    """Of four convolutions in a row, of equal shapes, the last two run before the first two."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        one, two, three, four = convolutions(model)[first : first + 4]
        read, end, last = int(one.inputs[0]), int(two.outputs[0]), int(four.outputs[0])
        _redirect(model, last, end)
        three.inputs = np.array([read, *three.inputs[1:]], np.int32)
        one.inputs = np.array([last, *one.inputs[1:]], np.int32)
        place = graph.operators.index(one)
        graph.operators[place : place + 4] = [three, four, one, two]

    return change


def exchange_names(first: int, second: int) -> Change:
    """What two convolutions write changes names, and nothing else."""

    def change(model: Any) -> None:
        tensors = model.subgraphs[0].tensors
        one, other = (tensors[convolutions(model)[at].outputs[0]] for at in (first, second))
        one.name, other.name = other.name, one.name

    return change


def _code(model: Any, kind: str) -> int:
    builtin = next(value for value, name in _OPS.items() if name == kind)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = builtin
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def new_operator(model: Any, kind: str, inputs: Sequence[int], output: int) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex = _code(model, kind)
    operator.inputs = np.array(inputs, np.int32)
    operator.outputs = np.array([output], np.int32)
    return operator


def new_constant(model: Any, values: NDArray[Any]) -> int:
    is_whole = values.dtype.kind == "i"
    stored = values.astype(np.int32 if is_whole else np.float32)
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(stored.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.name, tensor.shape = b"constant", np.array(values.shape, np.int32)
    tensor.type, tensor.buffer = (2 if is_whole else 0), len(model.buffers) - 1
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _kind(model: Any, operator: Any) -> str:
    code = model.operatorCodes[operator.opcodeIndex]
    if code.customCode:
        return str(code.customCode.decode())
    return _OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def _write(model: Any, tensor: int, edit: Edit) -> None:
    """In a buffer of its own: several tensors may share one."""
    stored = model.subgraphs[0].tensors[tensor]
    kind = _TYPES[stored.type]
    data = bytes(model.buffers[stored.buffer].data)
    values = np.frombuffer(data, kind).reshape(stored.shape).copy()
    edited = np.ascontiguousarray(edit(values), kind)
    assert edited.shape == values.shape
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(edited.tobytes(), np.uint8)
    model.buffers.append(buffer)
    stored.buffer = len(model.buffers) - 1


def _redirect(model: Any, old: int, new: int) -> None:
    graph = model.subgraphs[0]
    for operator in graph.operators:
        operator.inputs = np.where(np.asarray(operator.inputs) == old, new, operator.inputs)
    graph.outputs = np.where(np.asarray(graph.outputs) == old, new, graph.outputs)


def _scale(which: Callable[[Any], int], factor: float, shift: int) -> Change:
    def change(model: Any) -> None:
        quantisation = model.subgraphs[0].tensors[which(model)].quantization
        quantisation.scale = np.asarray(quantisation.scale) * factor
        quantisation.zeroPoint = np.asarray(quantisation.zeroPoint) + shift

    return change
