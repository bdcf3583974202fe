"""Where an inference graph turns logits into scores: before or after it drops the background.

Since early 2018 the OD API converts all columns and drops the background's afterwards. Before,
as in the zoo's archives of 2017, it dropped the column first and converted the rest. TFLite's op
wants scores with the background, so the order of 2017 is turned round.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.python.framework import tensor_util

from validation.errors import NotSsdGraph
from validation.export.graph_io import node_name
from validation.export.graph_map import PASSING, GraphMap
from validation.specs.contracts import CLASS_PREDICTIONS_NAME

SCORE_CONVERTERS = {"Sigmoid": "SIGMOID", "Softmax": "SOFTMAX"}
_POSTPROCESSOR = "Postprocessor/"
# From the logits to the converter, and from there to the suppression.
_LAYOUT = PASSING | {"Reshape"}
_SCALES = frozenset({"RealDiv", "Div", "Mul"})
_WITH_BACKGROUND = "with_background"


@dataclass(frozen=True)
class ScoreReading:
    """How the scores of an inference graph are made.

    Args:
        tensor: [batch, N, C+1]: the scores; the logits where they are converted after the cut.
        converter: SIGMOID, SOFTMAX or IDENTITY.
        cut: The node that drops the background's column.
        steps: Names of the nodes between the cut and the converter, the converter last; empty
            where all columns are converted before the cut.
    """

    tensor: str
    converter: str
    cut: str
    steps: tuple[str, ...] = ()


def read_scores(nodes: GraphMap, where: str) -> ScoreReading:
    """Find the Slice that drops the background, and the converter on either side of it.

    Raises:
        NotSsdGraph: No such node.
    """
    cuts = [
        node
        for node in nodes.of_op("Slice", "StridedSlice")
        if node.name.startswith(_POSTPROCESSOR)
        and (begin := nodes.constant(nodes.inputs(node)[1])) is not None
        and begin.tolist() == [0, 0, 1]
    ]
    if not cuts:
        raise NotSsdGraph(
            "no node drops the background class from the scores",
            expected="a Slice at [0, 0, 1] under Postprocessor/",
            where=where,
            next_step="is this an SSD with a background class?",
        )
    cut = cuts[0]
    tensor = nodes.skip(nodes.inputs(cut)[0])
    converter = nodes.source(nodes.skip(tensor, _LAYOUT))
    if converter.op in SCORE_CONVERTERS:
        return ScoreReading(tensor, SCORE_CONVERTERS[converter.op], cut.name)
    steps = _steps_after(nodes, cut)
    if not steps:
        return ScoreReading(tensor, "IDENTITY", cut.name)
    return ScoreReading(tensor, SCORE_CONVERTERS[nodes.nodes[steps[-1]].op], cut.name, steps)


def _steps_after(nodes: GraphMap, cut: Any) -> tuple[str, ...]:
    """Nodes from the cut down to the converter, without both ends' layout; empty without one."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(cut, ())]
    seen = {cut.name}
    while waiting:
        node, steps = waiting.pop()
        for reader in nodes.consumers(node.name):
            if reader.name in seen or not reader.name.startswith(_POSTPROCESSOR):
                continue
            seen.add(reader.name)
            # A scale's divisor, or the shape of a Reshape, is no way down for the scores.
            if node_name(nodes.inputs(reader)[0]) != node.name and not _scales(nodes, reader):
                continue
            if reader.op in SCORE_CONVERTERS:
                return (*steps, reader.name)
            if reader.op in _LAYOUT or _scales(nodes, reader):
                waiting.append((reader, (*steps, reader.name)))
    return ()


def _scales(nodes: GraphMap, node: Any) -> bool:
    """Whether a node multiplies or divides by one constant."""
    if node.op not in _SCALES:
        return False
    values = [nodes.constant(source) for source in nodes.inputs(node)]
    return any(value is not None and value.size == 1 for value in values)


def scores_with_background(graph: Any, scores: ScoreReading) -> tuple[Any, ScoreReading]:
    """A graph in which scores of all columns exist, and the tensor that holds them.

    SIGMOID takes each column by itself, so it is applied to all of them. SOFTMAX takes them
    together: the scores stay those without the background, and a column of zeros, which no
    suppression reads, goes before them.

    Args:
        graph: GraphDef; it is not changed.
        scores: Of that graph.
    """
    if not scores.steps:
        return graph, scores
    nodes = GraphMap(graph)
    added = graph_pb2.GraphDef()
    added.CopyFrom(graph)
    if scores.converter == "SIGMOID":
        tensor = _repeat_on_all_columns(added, nodes, scores)
    else:
        tensor = _pad_with_zeros(added, nodes, scores)
    return added, dataclasses.replace(scores, tensor=tensor, steps=())


def _repeat_on_all_columns(graph: Any, nodes: GraphMap, scores: ScoreReading) -> str:
    """Copies of the scale and the converter, on the logits with the background's column."""
    tensor = scores.tensor
    for name in scores.steps:
        node = nodes.nodes[name]
        if node.op in _LAYOUT:
            continue
        copy = graph.node.add()
        copy.CopyFrom(node)
        copy.name = f"{name}_{_WITH_BACKGROUND}"
        sources = nodes.inputs(node)
        index = 1 if node.op == "Mul" and nodes.constant(sources[0]) is not None else 0
        copy.input[index] = tensor
        tensor = copy.name
    return tensor


def _pad_with_zeros(graph: Any, nodes: GraphMap, scores: ScoreReading) -> str:
    """The converted scores, behind a column of zeros; the last Reshape of a softmax is kept."""
    tensor = scores.steps[-1]
    while readers := [each for each in nodes.consumers(tensor) if each.op in _LAYOUT]:
        tensor = readers[0].name
    return _add_pad(graph, tensor)


def softmax_without_background(graph: Any) -> Any:
    """A copy of an exported graph of ours whose softmax leaves the background out, as in 2017.

    Args:
        graph: GraphDef, whose class predictions are a softmax of [batch, N, C+1] logits.
    """
    changed = graph_pb2.GraphDef()
    changed.CopyFrom(graph)
    nodes = GraphMap(changed)
    softmax = nodes.source(nodes.skip(CLASS_PREDICTIONS_NAME))
    readers = list(nodes.consumers(softmax.name))
    cut = changed.node.add(name=f"{softmax.name}/without_background", op="Slice")
    cut.input.append(softmax.input[0])
    for part, value in (("begin", [0, 0, 1]), ("size", [-1, -1, -1])):
        cut.input.append(_add_integers(changed, f"{cut.name}/{part}", value))
    cut.attr["T"].type = types_pb2.DT_FLOAT
    cut.attr["Index"].type = types_pb2.DT_INT32
    softmax.input[0] = cut.name
    padded = _add_pad(changed, softmax.name)
    for reader in readers:
        reader.input[list(reader.input).index(softmax.name)] = padded
    return changed


def _add_pad(graph: Any, tensor: str) -> str:
    """A column of zeros before the last axis of [batch, N, C]."""
    padded = graph.node.add(name=f"{tensor}_{_WITH_BACKGROUND}", op="Pad")
    paddings = _add_integers(graph, f"{padded.name}/paddings", [[0, 0], [0, 0], [1, 0]])
    padded.input.extend([tensor, paddings])
    padded.attr["T"].type = types_pb2.DT_FLOAT
    padded.attr["Tpaddings"].type = types_pb2.DT_INT32
    return str(padded.name)


def _add_integers(graph: Any, name: str, value: Any) -> str:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = types_pb2.DT_INT32
    node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(np.array(value, np.int32)))
    return name
