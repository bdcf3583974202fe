"""The operators of a .tflite file in the order they run, and what is known before they do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from validation.errors import ConversionError
from validation.runtimes.tflite_file import DAMAGE, op_name, tflite_bytes


@dataclass(frozen=True)
class Operator:
    """One operator.

    Args:
        place: In the order of execution, from 1 on.
        op: TFLite's name; a custom op's own.
        is_custom: Not one of TFLite's builtin operators.
        inputs: Indices of the tensors it reads; optional ones that are absent are left out.
        outputs: Indices of the tensors it writes.
    """

    place: int
    op: str
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class OperatorGraph:
    """The main graph of a file.

    Args:
        model: The schema's ModelT; read only.
        content: The file's bytes.
        operators: In the order of execution.
        inputs: Indices of the graph's inputs.
        names: Of the tensors.
        static: Tensors whose values do not depend on the input: constants, and what is
            made from them alone, for example weights that are stored in half precision.
    """

    model: Any
    content: bytes
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    names: tuple[str, ...]
    static: frozenset[int]

    @property
    def moving(self) -> tuple[Operator, ...]:
        """Operators whose result depends on the input."""
        return tuple(each for each in self.operators if not self.static.issuperset(each.outputs))

    def moving_inputs(self, operator: Operator) -> tuple[int, ...]:
        """What an operator reads that depends on the input, each once."""
        return tuple(dict.fromkeys(each for each in operator.inputs if each not in self.static))

    def producer(self, tensor: int) -> Operator | None:
        """The operator that writes a tensor; None for inputs and constants."""
        return next((each for each in self.operators if tensor in each.outputs), None)


def read_operators(path: Path) -> OperatorGraph:
    """Read the operators of a .tflite file.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: No flatbuffer of TFLite, or a damaged one.
    """
    content = tflite_bytes(path)
    try:
        return _graph(content)
    except DAMAGE as error:
        raise ConversionError(
            "the file is no TFLite flatbuffer, or a damaged one", got=repr(error), where=path.name
        ) from error


def _graph(content: bytes) -> OperatorGraph:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    operators = tuple(
        _operator(place, each, model.operatorCodes[each.opcodeIndex])
        for place, each in enumerate(graph.operators, 1)
    )
    return OperatorGraph(
        model=model,
        content=content,
        operators=operators,
        inputs=tuple(int(each) for each in graph.inputs),
        names=tuple(tensor.name.decode() for tensor in graph.tensors),
        static=_static(model, operators),
    )


def _operator(place: int, operator: Any, code: Any) -> Operator:
    return Operator(
        place=place,
        op=op_name(code),
        is_custom=bool(code.customCode),
        inputs=tuple(int(each) for each in operator.inputs if each >= 0),
        outputs=tuple(int(each) for each in operator.outputs),
    )


def _static(model: Any, operators: tuple[Operator, ...]) -> frozenset[int]:
    static = {
        place
        for place, tensor in enumerate(model.subgraphs[0].tensors)
        if (data := model.buffers[tensor.buffer].data) is not None and len(data)
    }
    # Operators stand in the order of execution, so one pass sees every source first.
    for operator in operators:
        if operator.inputs and static.issuperset(operator.inputs):
            static.update(operator.outputs)
    return frozenset(static)
