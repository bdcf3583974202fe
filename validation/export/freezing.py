"""Copies of a graph: pruned, frozen with a checkpoint's values, without fake quantisation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.python.framework import tensor_util

from validation.errors import GraphError, first_few
from validation.export.checkpoint import Values, open_checkpoint
from validation.export.graph_io import read_graph, stated_shape
from validation.export.graph_map import FAKE_QUANT_VARS, GraphMap
from validation.graphs.mismatch import NAMED, Described, Shapes, mismatches
from validation.root_cause import FaultKind, Place, RootCause

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")
# Marks of the training session that mean nothing in a frozen graph; `_class` may
# name nodes that are gone.
_SESSION_ATTRS = ("_class", "_output_shapes")


def prune(graph: Any, outputs: Iterable[str]) -> Any:
    """A copy of the graph with only what these tensors depend on.

    Control inputs are dropped: in an inference graph they only order assertions and
    constants inside loops; where a loop's constant needs its frame, the edge is kept.
    """
    nodes = GraphMap(graph)
    kept = _with_loop_edges(nodes, nodes.ancestors(outputs))
    pruned = graph_pb2.GraphDef()
    pruned.versions.CopyFrom(graph.versions)
    pruned.library.CopyFrom(graph.library)
    for node in graph.node:
        if node.name not in kept:
            continue
        copy = pruned.node.add()
        copy.CopyFrom(node)
        copy.device = ""
        for attr in _SESSION_ATTRS:
            copy.attr.pop(attr, None)
        sources = [
            source
            for source in node.input
            if not source.startswith("^") or source.removeprefix("^") in kept
        ]
        del copy.input[:]
        copy.input.extend(sources)
    return pruned


def _with_loop_edges(nodes: GraphMap, kept: set[str]) -> set[str]:
    """Inside a while loop a constant lives in the frame of its control input."""
    if not any(nodes.nodes[name].op == "Enter" for name in kept):
        return kept
    waiting = list(kept)
    while waiting:
        node = nodes.nodes[waiting.pop()]
        if node.op != "Const":
            continue
        for source in node.input:
            name = source.removeprefix("^")
            if name not in kept:
                added = nodes.ancestors([name]) - kept
                kept |= added
                waiting.extend(added)
    return kept


def variables(graph: Any) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable of a graph."""
    return {node.name: stated_shape(node) for node in graph.node if node.op in _VARIABLES}


def freeze(
    graph: Any, values: Values, *, where: str | None = None, config: Described | None = None
) -> Any:
    """A copy of the graph with each variable replaced by a constant of its name.

    Args:
        graph: GraphDef, pruned to what is needed.
        values: Gives the value for a variable's name.
        where: File names for messages.
        config: For messages, where the graph was built from one.

    Raises:
        GraphError: Values missing or of another shape: the causes, how many, the first names.
    """
    frozen = graph_pb2.GraphDef()
    frozen.CopyFrom(graph)
    given: dict[str, tuple[int, ...]] = {}
    for node in frozen.node:
        if node.op in _VARIABLES:
            shape = stated_shape(node)
            value = values(node.name)
            if value is None:
                continue
            given[node.name] = value.shape
            if value.shape != shape:
                continue
            name, dtype = node.name, node.attr["dtype"].type
            node.Clear()
            node.name, node.op = name, "Const"
            node.attr["dtype"].type = dtype
            node.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(value, dtype=dtype))
        elif node.op == "ReadVariableOp":
            dtype = node.attr["dtype"].type
            node.op = "Identity"
            node.attr.clear()
            node.attr["T"].type = dtype
    _require_all(variables(graph), given, where, config)
    return frozen


def _require_all(
    wanted: Shapes, given: Shapes, where: str | None, config: Described | None
) -> None:
    """Each variable has a value of its shape."""
    missing = [name for name in wanted if name not in given]
    wrong = [
        f"{name}: graph {list(wanted[name])}, checkpoint {list(shape)}"
        for name, shape in given.items()
        if shape != wanted[name]
    ]
    if not missing and not wrong:
        return
    what = (
        f"{len(missing)} of {len(wanted)} variables are not in the checkpoint"
        if missing
        else f"{len(wrong)} variables have another shape in the checkpoint"
    )
    found = mismatches(wanted, given, config)
    raise GraphError(
        "; ".join([what, *(each.clause for each in found)]),
        got=first_few(sorted(missing) or wrong, NAMED),
        where=where,
        next_step="the checkpoint and the graph come from different models, or from different "
        "releases of the OD API",
        # Either of them may be the wrong one.
        place=Place.ARCHIVE,
        causes=[each.cause for each in found] or [_unexplained(missing, wrong)],
    )


def _unexplained(missing: list[str], wrong: list[str]) -> RootCause:
    if missing:
        return RootCause(FaultKind.EXTRACTOR, where=missing[0])
    return RootCause(FaultKind.WEIGHTS, where=first_few(wrong, NAMED))


def frozen_from_checkpoint(meta_graph: Path, prefix: Path, outputs: Iterable[str]) -> Any:
    """The part of a .meta graph that makes ``outputs``, frozen with a checkpoint's values.

    Raises:
        ArtefactMissing, CorruptGraph, GraphError: See `read_graph`, `open_checkpoint`, `freeze`.
    """
    graph = prune(read_graph(meta_graph), outputs)
    return freeze(graph, open_checkpoint(prefix), where=f"{meta_graph.name} and {prefix.name}")


def without_fake_quantisation(graph: Any) -> Any:
    """A copy of the graph whose FakeQuant nodes hand on what they get.

    Args:
        graph: GraphDef.
    """
    bare = graph_pb2.GraphDef()
    bare.CopyFrom(graph)
    for node in bare.node:
        if node.op == FAKE_QUANT_VARS:
            source = node.input[0]
            name = node.name
            node.Clear()
            node.name, node.op = name, "Identity"
            node.input.append(source)
            node.attr["T"].type = types_pb2.DT_FLOAT
    return bare
