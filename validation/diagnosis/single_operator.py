"""One operator of a .tflite file as a file of its own, so that it can be fed by itself."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from validation.diagnosis.operators import Operator, OperatorGraph
from validation.tflite.model import MODEL, UnpackedModel


def single_operator(graph: OperatorGraph, operator: Operator) -> bytes:
    """The file of one operator: what it reads from the image becomes its inputs.

    Constants come along, and the operators that make its other inputs from constants.

    Args:
        graph: The operator's graph.
        operator: Reads at least one tensor that depends on the graph's input. The new
            file's inputs are those of `OperatorGraph.moving_inputs`, in that order.
    """
    kept = [*_static_sources(graph, operator), operator]
    tensors = list(dict.fromkeys(index for each in kept for index in (*each.inputs, *each.outputs)))
    position = {index: new for new, index in enumerate(tensors)}
    model = graph.model
    originals = [model.graph.operators[each.index - 1] for each in kept]
    # By convention the first buffer is empty: what has no values points to it.
    buffers = [MODEL.table("Buffer")()]
    subgraph = MODEL.table("SubGraph")(
        tensors=[_moved_tensor(model, model.graph.tensors[index], buffers) for index in tensors],
        inputs=[position[index] for index in graph.moving_inputs(operator)],
        outputs=[position[index] for index in operator.outputs],
        operators=[
            _moved_operator(original, position, code) for code, original in enumerate(originals)
        ],
    )
    root = MODEL.table("Model")(
        version=model.root.version,
        operator_codes=[model.root.operator_codes[each.opcode_index] for each in originals],
        subgraphs=[subgraph],
        buffers=buffers,
    )
    return MODEL.pack(root)


def _static_sources(graph: OperatorGraph, operator: Operator) -> list[Operator]:
    """Operators that make constants from constants for this one, in the order they run."""
    needed: set[int] = set()
    waiting = [index for index in operator.inputs if index in graph.static]
    while waiting:
        producer = graph.producer(waiting.pop())
        if producer is not None and producer.index not in needed:
            needed.add(producer.index)
            waiting.extend(producer.inputs)
    return [each for each in graph.operators if each.index in needed]


def _moved_operator(original: Any, position: dict[int, int], code: int) -> Any:
    moved = copy.copy(original)
    moved.opcode_index = code
    moved.inputs = _moved_indices(original.inputs, position)
    moved.outputs = _moved_indices(original.outputs, position)
    moved.intermediates = None
    return moved


def _moved_indices(indices: Iterable[int], position: dict[int, int]) -> list[int]:
    # An optional input that is absent has the index -1 and keeps it.
    return [position.get(int(index), -1) for index in indices]


def _moved_tensor(model: UnpackedModel, original: Any, buffers: list[Any]) -> Any:
    moved = copy.copy(original)
    moved.buffer = 0
    if len(model.stored(original)):
        buffers.append(model.root.buffers[original.buffer])
        moved.buffer = len(buffers) - 1
    return moved
