"""Changes to the nodes of a graph: constants, attributes, and how nodes are wired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Works on a GraphDef.
GraphEdit = Callable[[Any], None]
Edit = Callable[[NDArray[Any]], Any]


def rewrite_graph(path: Path, edit: GraphEdit) -> None:
    """Change a frozen graph where it is."""
    from tensorflow.core.framework import graph_pb2

    graph = graph_pb2.GraphDef.FromString(path.read_bytes())
    edit(graph)
    path.write_bytes(graph.SerializeToString(deterministic=True))


def change_constants(chosen: Callable[[str, tuple[int, ...]], bool], edit: Edit) -> GraphEdit:
    """Edit every constant that is chosen by name and shape; there is one at least."""

    def change(graph: Any) -> None:
        from tensorflow.python.framework import tensor_util

        found = False
        for node, shape in _constants(graph):
            if not chosen(node.name, shape):
                continue
            found = True
            values = tensor_util.MakeNdarray(node.attr["value"].tensor).copy()
            edited = edit(values)
            result = values if edited is None else np.asarray(edited).astype(values.dtype)
            proto = tensor_util.make_tensor_proto(np.asarray(result, order="C"))
            node.attr["value"].tensor.CopyFrom(proto)
        assert found, "no such constant"

    return change


def change_anchor_table(edit: Edit) -> GraphEdit:
    """Edit the anchors, [N, 4], as centres and sides; an inference graph keeps them as corners.

    Args:
        edit: Takes and returns centres and sides: ymid, xmid, height, width.
    """

    def change(graph: Any) -> None:
        is_exported = any(node.op == "TFLite_Detection_PostProcess" for node in graph.node)

        def edited(values: NDArray[Any]) -> NDArray[Any]:
            centred = values if is_exported else _centred(values)
            result = np.asarray(edit(centred.copy()))
            return result if is_exported else _cornered(result)

        change_constants(
            lambda name, shape: name.split("/")[-1] == "anchors" and shape[-1:] == (4,), edited
        )(graph)

    return change


def set_attribute(name: str, **value: Any) -> GraphEdit:
    """Give every node that has an attribute another value of it."""

    def edit(graph: Any) -> None:
        for node in graph.node:
            if name in node.attr:
                for kind, content in value.items():
                    setattr(node.attr[name], kind, content)

    return edit


def drop_attribute(name: str) -> GraphEdit:
    """Take an attribute from every node."""

    def edit(graph: Any) -> None:
        for node in graph.node:
            node.attr.pop(name, None)

    return edit


def rename_input(graph: Any) -> None:
    """The placeholder under a name that is not the exporter's."""
    for node in graph.node:
        if node.op == "Placeholder":
            old, node.name = node.name, "image"
    for node in graph.node:
        node.input[:] = ["image" if source == old else source for source in node.input]


def change_op(old: str, new: str, part: str = "") -> GraphEdit:
    """Nodes of one operation whose name holds a text become nodes of another one."""

    def edit(graph: Any) -> None:
        nodes = [node for node in graph.node if node.op == old and part in node.name]
        assert nodes, f"no {old}"
        for node in nodes:
            node.op = new

    return edit


def change_inputs(op: str, place: int, order: Callable[[list[str]], list[str]]) -> GraphEdit:
    """Other inputs of one node of an operation."""

    def edit(graph: Any) -> None:
        node = [each for each in graph.node if each.op == op][place]
        node.input[:] = order(list(node.input))

    return edit


def reversed_parts(inputs: list[str]) -> list[str]:
    """What a ConcatV2 joins in the reverse order; the axis, its last input, stays."""
    return [*inputs[-2::-1], inputs[-1]]


def _constants(graph: Any) -> Iterator[tuple[Any, tuple[int, ...]]]:
    for node in graph.node:
        if node.op == "Const":
            yield node, tuple(dim.size for dim in node.attr["value"].tensor.tensor_shape.dim)


def _centred(corners: NDArray[Any]) -> NDArray[Any]:
    low, high = corners[:, :2], corners[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1)


def _cornered(centred: NDArray[Any]) -> NDArray[Any]:
    middle, half = centred[:, :2], centred[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)
