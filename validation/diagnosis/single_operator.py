"""One operator of a .tflite file as a file of its own, so that it can be fed by itself."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from validation.diagnosis.operators import Operator, OperatorGraph

_IDENTIFIER = b"TFL3"
_INITIAL_BYTES = 1024


def single_operator(graph: OperatorGraph, operator: Operator) -> bytes:
    """The file of one operator: what it reads from the image becomes its inputs.

    Constants come along, and the operators that make its other inputs from constants.

    Args:
        graph: Where the operator stands.
        operator: Reads at least one tensor that depends on the graph's input. The new
            file's inputs are those of `OperatorGraph.moving_inputs`, in that order.
    """
    kept = [*_static_sources(graph, operator), operator]
    tensors = list(dict.fromkeys(index for each in kept for index in (*each.inputs, *each.outputs)))
    place = {index: new for new, index in enumerate(tensors)}
    source = graph.model.subgraphs[0]
    codes: list[Any] = []
    operators = []
    for each in kept:
        original = source.operators[each.place - 1]
        codes.append(graph.model.operatorCodes[original.opcodeIndex])
        operators.append(_moved_operator(original, place, len(codes) - 1))
    # By convention the first buffer is empty: what has no values points to it.
    buffers: list[Any] = [schema.BufferT()]
    subgraph = schema.SubGraphT()
    subgraph.tensors = [
        _moved_tensor(source.tensors[index], graph.model.buffers, buffers) for index in tensors
    ]
    subgraph.inputs = [place[index] for index in graph.moving_inputs(operator)]
    subgraph.outputs = [place[index] for index in operator.outputs]
    subgraph.operators = operators
    model = schema.ModelT()
    model.version = graph.model.version
    model.operatorCodes = codes
    model.subgraphs = [subgraph]
    model.buffers = buffers
    builder = flatbuffers.Builder(_INITIAL_BYTES)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def _static_sources(graph: OperatorGraph, operator: Operator) -> list[Operator]:
    """Operators that make constants from constants for this one, in the order they run."""
    needed: set[int] = set()
    waiting = [index for index in operator.inputs if index in graph.static]
    while waiting:
        producer = graph.producer(waiting.pop())
        if producer is not None and producer.place not in needed:
            needed.add(producer.place)
            waiting.extend(producer.inputs)
    return [each for each in graph.operators if each.place in needed]


def _moved_operator(original: Any, place: dict[int, int], code: int) -> Any:
    moved = copy.copy(original)
    moved.opcodeIndex = code
    moved.inputs = _moved_indices(original.inputs, place)
    moved.outputs = _moved_indices(original.outputs, place)
    moved.intermediates = None
    return moved


def _moved_indices(indices: Iterable[int], place: dict[int, int]) -> list[int]:
    # An optional input that is absent has the index -1 and keeps it.
    return [place.get(int(index), -1) for index in indices]


def _moved_tensor(original: Any, source: Sequence[Any], buffers: list[Any]) -> Any:
    moved = copy.copy(original)
    data = source[original.buffer].data
    moved.buffer = 0
    if data is not None and len(data):
        buffers.append(source[original.buffer])
        moved.buffer = len(buffers) - 1
    return moved
