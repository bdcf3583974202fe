"""Leave out what only computes shapes: it says nothing of the model and is half of old graphs."""

from __future__ import annotations

import dataclasses

from validation.diagrams.operations import OperationGraph

_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank", "SHAPE", "RANK"})


def without_shape_arithmetic(graph: OperationGraph) -> OperationGraph:
    """A graph without the operations whose integers come from shapes alone.

    What gives an output of the model stays.
    """
    producers = graph.producers
    dropped: set[int] = set()
    for position, operation in enumerate(graph.operations):
        sources = [producers.get(key) for key in operation.inputs]
        from_shapes = bool(sources) and all(source in dropped for source in sources)
        whole = all(graph.tensors[key].dtype.startswith("int") for key in operation.outputs)
        is_end = any(key in graph.outputs for key in operation.outputs)
        if (operation.kind in _SHAPES or (from_shapes and whole)) and not is_end:
            dropped.add(position)
    gone = {key for position in dropped for key in graph.operations[position].outputs}
    kept = [each for position, each in enumerate(graph.operations) if position not in dropped]
    return dataclasses.replace(
        graph,
        operations=tuple(
            dataclasses.replace(each, inputs=tuple(key for key in each.inputs if key not in gone))
            for each in kept
        ),
        tensors={key: tensor for key, tensor in graph.tensors.items() if key not in gone},
    )
