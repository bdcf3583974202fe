"""Turn the variables of a graph into constants, with values from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import errors_impl, tensor_util
from tensorflow.python.training import py_checkpoint_reader

from validation.errors import ArtefactMissing, GraphError
from validation.export.graph_io import read_graph
from validation.export.graph_map import GraphMap

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")
# Marks of the training session that mean nothing in a frozen graph; `_class` may
# name nodes that are gone.
_SESSION_ATTRS = ("_class", "_output_shapes")

Values = Callable[[str], np.ndarray]


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
    """Name and shape of every variable that stands in a graph."""
    return {
        node.name: tuple(dim.size for dim in node.attr["shape"].shape.dim)
        for node in graph.node
        if node.op in _VARIABLES
    }


def freeze(graph: Any, values: Values) -> Any:
    """A copy of the graph with each variable replaced by a constant of its name.

    Args:
        graph: GraphDef, pruned to what is needed.
        values: Gives the value for a variable's name.

    Raises:
        GraphError: Values of another shape; all are listed.
    """
    frozen = graph_pb2.GraphDef()
    frozen.CopyFrom(graph)
    wrong: list[str] = []
    for node in frozen.node:
        if node.op in _VARIABLES:
            shape = tuple(dim.size for dim in node.attr["shape"].shape.dim)
            value = values(node.name)
            if value.shape != shape:
                wrong.append(f"{node.name}: graph {list(shape)}, checkpoint {list(value.shape)}")
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
    if wrong:
        raise GraphError(
            f"{len(wrong)} variables have another shape in the checkpoint",
            got="; ".join(wrong),
            next_step="the checkpoint and the graph come from different models",
        )
    return frozen


def checkpoint_values(prefix: Path, needed: Mapping[str, tuple[int, ...]]) -> Values:
    """Open a checkpoint and make sure that it holds every needed variable.

    Args:
        prefix: Path without .index or .data-*, for example ``.../model.ckpt``.
        needed: Name and shape of each variable, as `variables` gives them.

    Raises:
        ArtefactMissing: No such checkpoint, or ``.index`` left on the prefix.
        GraphError: Damaged, or variables missing; all are listed.
    """
    _check_prefix(prefix)
    try:
        reader = py_checkpoint_reader.NewCheckpointReader(str(prefix))
        present = reader.get_variable_to_shape_map()
    except (RuntimeError, ValueError, errors_impl.OpError) as error:
        raise GraphError(
            "the checkpoint cannot be opened", got=_first_line(error), where=prefix.name
        ) from error
    missing = sorted(set(needed) - set(present))
    if missing:
        raise GraphError(
            f"{len(missing)} of {len(needed)} variables are not in the checkpoint",
            got=", ".join(missing),
            where=prefix.name,
            next_step="the checkpoint and the graph come from different models",
        )

    def value(name: str) -> np.ndarray:
        try:
            tensor: np.ndarray = reader.get_tensor(name)
        except (RuntimeError, ValueError, errors_impl.OpError) as error:
            raise GraphError(
                f"variable {name!r} cannot be read from the checkpoint",
                got=_first_line(error),
                where=prefix.name,
                next_step="a shard is damaged or missing: fetch the archive again",
            ) from error
        return tensor

    return value


def _check_prefix(prefix: Path) -> None:
    name = prefix.name
    if name.endswith((".index", ".meta")) or ".data-" in name:
        stem = name.partition(".data-")[0].removesuffix(".index").removesuffix(".meta")
        raise ArtefactMissing(
            "a checkpoint prefix ends before .index, .meta and .data-*",
            expected=stem,
            got=name,
            where=prefix.parent,
        )
    if not prefix.with_name(f"{name}.index").is_file():
        raise ArtefactMissing(
            "no checkpoint with this prefix", expected=f"{name}.index", where=prefix.parent
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def frozen_from_checkpoint(meta_graph: Path, prefix: Path, outputs: Iterable[str]) -> Any:
    """The part of a .meta graph that makes ``outputs``, frozen with a checkpoint's values.

    Raises:
        ArtefactMissing, CorruptGraph, GraphError: See `read_graph` and `checkpoint_values`.
    """
    graph = prune(read_graph(meta_graph), outputs)
    return freeze(graph, checkpoint_values(prefix, variables(graph)))
