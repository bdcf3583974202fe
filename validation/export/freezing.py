"""Turn the variables of a graph into constants, with values from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework import graph_pb2
from tensorflow.python.framework import errors_impl, tensor_util
from tensorflow.python.training import py_checkpoint_reader

from validation.errors import GraphError, first_few
from validation.export.graph_io import read_graph, stated_shape
from validation.export.graph_map import GraphMap
from validation.export.prefix import check_prefix
from validation.graphs.mismatch import NAMED, Described, Shapes, causes

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp")
# Marks of the training session that mean nothing in a frozen graph; `_class` may
# name nodes that are gone.
_SESSION_ATTRS = ("_class", "_output_shapes")

# The value of a variable by name; None where there is none of that name.
Values = Callable[[str], np.ndarray | None]

# IndexError is what a shard that ends too early comes to.
_READ_ERRORS = (RuntimeError, ValueError, IndexError, errors_impl.OpError)


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
    return {node.name: stated_shape(node) for node in graph.node if node.op in _VARIABLES}


def freeze(
    graph: Any,
    values: Values,
    *,
    where: str | None = None,
    config: Described | None = None,
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
    found: dict[str, tuple[int, ...]] = {}
    for node in frozen.node:
        if node.op in _VARIABLES:
            shape = stated_shape(node)
            value = values(node.name)
            if value is None:
                continue
            found[node.name] = value.shape
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
    _require_all(variables(graph), found, where, config)
    return frozen


def _require_all(
    wanted: Shapes, found: Shapes, where: str | None, config: Described | None
) -> None:
    """Each variable has got a value, of its shape."""
    missing = [name for name in wanted if name not in found]
    wrong = [
        f"{name}: graph {list(wanted[name])}, checkpoint {list(shape)}"
        for name, shape in found.items()
        if shape != wanted[name]
    ]
    if not missing and not wrong:
        return
    what = (
        f"{len(missing)} of {len(wanted)} variables are not in the checkpoint"
        if missing
        else f"{len(wrong)} variables have another shape in the checkpoint"
    )
    raise GraphError(
        "; ".join([what, *causes(wanted, found, config)]),
        got=first_few(sorted(missing) or wrong, NAMED),
        where=where,
        next_step="the checkpoint and the graph come from different models, or from different "
        "releases of the OD API",
    )


def checkpoint_shapes(prefix: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a checkpoint.

    Raises:
        ArtefactMissing, GraphError: See `open_checkpoint`.
    """
    shapes = _reader(prefix).get_variable_to_shape_map()
    return {name: tuple(shape) for name, shape in shapes.items()}


def open_checkpoint(prefix: Path) -> Values:
    """Open a checkpoint; values are read by name when they are asked for.

    Args:
        prefix: Path without .index or .data-*, for example ``.../model.ckpt``.

    Raises:
        ArtefactMissing: No such checkpoint, or ``.index`` left on the prefix.
        GraphError: Damaged; or, when asked, a variable that is not there.
    """
    reader = _reader(prefix)
    present = reader.get_variable_to_shape_map()

    def value(name: str) -> np.ndarray | None:
        if name not in present:
            return None
        try:
            tensor: np.ndarray = reader.get_tensor(name)
        except _READ_ERRORS as error:
            raise GraphError(
                f"variable {name!r} cannot be read from the checkpoint",
                got=_first_line(error),
                where=prefix.name,
                next_step="a shard is damaged or missing: fetch the archive again",
            ) from error
        return tensor

    return value


def _reader(prefix: Path) -> Any:
    check_prefix(prefix)
    try:
        reader = py_checkpoint_reader.NewCheckpointReader(str(prefix))
        present = reader.get_variable_to_shape_map()
    except _READ_ERRORS as error:
        raise GraphError(
            "the checkpoint cannot be opened",
            got=_first_line(error),
            where=prefix.name,
            next_step=f"{prefix.name}.index is damaged: fetch the archive again",
        ) from error
    if "_CHECKPOINTABLE_OBJECT_GRAPH" in present:
        raise GraphError(
            "this is an object-based checkpoint of TensorFlow 2",
            expected="a name-based checkpoint of TensorFlow 1",
            where=prefix.name,
            next_step="export it with the TensorFlow 2 OD API",
        )
    return reader


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def frozen_from_checkpoint(meta_graph: Path, prefix: Path, outputs: Iterable[str]) -> Any:
    """The part of a .meta graph that makes ``outputs``, frozen with a checkpoint's values.

    Raises:
        ArtefactMissing, CorruptGraph, GraphError: See `read_graph`, `open_checkpoint`, `freeze`.
    """
    graph = prune(read_graph(meta_graph), outputs)
    return freeze(graph, open_checkpoint(prefix), where=f"{meta_graph.name} and {prefix.name}")
