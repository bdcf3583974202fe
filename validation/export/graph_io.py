"""Read TensorFlow graphs from disk; write exported ones completely or not at all."""

from __future__ import annotations

import graphlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from validation.errors import ArtefactMissing, CorruptGraph, GraphError, first_few
from validation.export.exported import (
    ANCHORS_FILE,
    CONTRACT_FILE,
    GRAPH_FILE,
    GRAPH_TEXT_FILE,
    ExportedGraph,
    load_export,
    read_anchors,
)
from validation.files.atomic import write_together
from validation.files.guard import faults
from validation.files.outside import Size, read_bytes
from validation.files.structured import unstructure
from validation.files.targets import ANOTHER
from validation.kinds.kind import Kind, Wanted
from validation.kinds.refusal import require_kind
from validation.specs.contracts import SsdContract

_FORMS = {Kind.GRAPH_TEXT: ".pbtxt", Kind.META_GRAPH: ".meta"}
_TYPES = frozenset(types_pb2.DataType.values()) - {types_pb2.DT_INVALID}
_TYPED = ("Placeholder", "Const")
_LOOP_BACK = ("NextIteration", "RefNextIteration")


@dataclass(frozen=True)
class GraphExport:
    """An exported graph in memory.

    Args:
        graph: GraphDef.
        contract: See `SsdContract`.
        anchors: float32 [N, 4] in centre form.
        add_postprocessing_op: Which of the exporter's two forms it is.
    """

    graph: Any
    contract: SsdContract
    anchors: np.ndarray
    add_postprocessing_op: bool


def read_graph(path: Path, form: str | None = None) -> Any:
    """Read a GraphDef from .pb, .pbtxt or the graph inside a .meta file.

    Args:
        path: The file.
        form: The suffix that its content should have; None: what the content is.

    Raises:
        ArtefactMissing: No such file.
        CorruptGraph: Truncated, empty, or a file of another kind.
    """
    try:
        data = read_bytes(path, Size.MODEL)
    except OSError as error:
        if path.is_dir():
            require_kind(path, Wanted.GRAPH, CorruptGraph, where=path.name)
        raise ArtefactMissing(
            "the graph cannot be read", got=error.strerror, where=path.name
        ) from error
    if form is None:
        found = require_kind(path, Wanted.GRAPH, CorruptGraph, where=path.name)
        form = _FORMS.get(found.kind, "")
    try:
        graph = _parsed(data, form)
    except faults() as error:
        raise CorruptGraph(
            "the file is not a TensorFlow graph, or only part of one",
            got=f"{len(data)} bytes that do not parse",
            where=path.name,
            next_step="fetch or unpack it again and compare its size and sha256",
        ) from error
    _refuse_dangling(graph, path.name)
    _refuse_cycles(graph, path.name)
    _refuse_unknown_types(graph, path.name)
    return graph


def _parsed(data: bytes, form: str) -> Any:
    if form == ".meta":
        meta = meta_graph_pb2.MetaGraphDef()
        meta.ParseFromString(data)
        return meta.graph_def
    graph = graph_pb2.GraphDef()
    if form == ".pbtxt":
        text_format.Parse(data.decode(), graph)
    else:
        graph.ParseFromString(data)
    return graph


def _refuse_dangling(graph: Any, where: str) -> None:
    """A graph cut at a node's border still parses; its inputs show the cut."""
    if not graph.node:
        raise CorruptGraph("the graph has no nodes", where=where)
    names = {node.name for node in graph.node}
    for node in graph.node:
        for source in node.input:
            if node_name(source) not in names:
                raise CorruptGraph(
                    "the graph is incomplete",
                    expected=f"a node {node_name(source)!r}",
                    got=f"node {node.name!r} that reads it, and no such node",
                    where=where,
                    next_step="fetch or unpack it again",
                )


def _refuse_cycles(graph: Any, where: str) -> None:
    """Only loops go round, by their NextIteration; following any other would never end."""
    loop_backs = {node.name for node in graph.node if node.op in _LOOP_BACK}
    waits_for = {
        node.name: {node_name(source) for source in node.input} - loop_backs for node in graph.node
    }
    try:
        graphlib.TopologicalSorter(waits_for).prepare()
    except graphlib.CycleError as error:
        raise CorruptGraph(
            "nodes of the graph form a cycle",
            expected="cycles in while loops only",
            got=first_few(error.args[1]),
            where=where,
        ) from error


def _refuse_unknown_types(graph: Any, where: str) -> None:
    """Readers ask what a placeholder or a constant is made of."""
    for node in graph.node:
        is_stated = "dtype" in node.attr
        # Asking for an attribute that is not there would make it.
        number = node.attr["dtype"].type if is_stated else types_pb2.DT_INVALID
        if (is_stated or node.op in _TYPED) and number not in _TYPES:
            raise CorruptGraph(
                "a node of the graph has an unknown type",
                got=f"dtype {number} of node {node.name!r}",
                where=where,
            )


def node_name(tensor: str) -> str:
    """The node that a NodeDef input or a tensor name refers to."""
    return tensor.removeprefix("^").partition(":")[0]


def unread_nodes(graph: Any) -> tuple[str, ...]:
    """Names of the nodes that no other node reads."""
    read = {node_name(source) for node in graph.node for source in node.input}
    return tuple(node.name for node in graph.node if node.name not in read)


def stated_shape(node: Any) -> tuple[int, ...]:
    """The attribute ``shape`` of a placeholder or variable: -1 is any side, () is not stated."""
    return tuple(int(dim.size) for dim in node.attr["shape"].shape.dim)


def write_export(folder: Path, export: GraphExport, *, text: bool = True) -> ExportedGraph:
    """Write tflite_graph.pb and .pbtxt, and the contract and anchors beside them.

    Args:
        folder: Made if it is not there.
        export: The graph and what is known of it.
        text: Write the .pbtxt too: for people, and several times as large and slow.

    Raises:
        GraphError: The folder cannot be written.
    """
    about = {"add_postprocessing_op": export.add_postprocessing_op, **unstructure(export.contract)}
    anchors = io.BytesIO()
    np.save(anchors, export.anchors, allow_pickle=False)
    files = {
        CONTRACT_FILE: json.dumps(about, indent=2).encode() + b"\n",
        ANCHORS_FILE: anchors.getvalue(),
    }
    if text:
        files[GRAPH_TEXT_FILE] = text_format.MessageToString(export.graph).encode()
    # Last: where it is present, so are the files that explain it.
    files[GRAPH_FILE] = export.graph.SerializeToString(deterministic=True)
    try:
        write_together(folder, files)
    except OSError as error:
        raise GraphError(
            "the exported graph cannot be written",
            got=error.strerror,
            where=folder,
            next_step=ANOTHER,
        ) from error
    return load_export(folder)


def read_export(exported: ExportedGraph) -> GraphExport:
    """An export read back into memory.

    Raises:
        ArtefactMissing, CorruptGraph: The graph cannot be read.
        GraphError: The anchors cannot be read.
    """
    return GraphExport(
        graph=read_graph(exported.graph),
        contract=exported.contract,
        anchors=read_anchors(exported),
        add_postprocessing_op=exported.add_postprocessing_op,
    )
