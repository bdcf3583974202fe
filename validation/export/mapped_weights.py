"""Weights of a graph in files that TensorFlow maps, so that no copy of the graph holds them.

A session holds a constant many times: in the graph as it is imported, in its own, in each that the
optimiser makes of it, and in the kernel. ImmutableConst takes one from the pages of a file.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.framework import graph_pb2, types_pb2

from validation.export.graph_io import node_name
from validation.export.graph_map import GraphMap
from validation.files.temporary import remove_folder, temporary_folder

# Smaller ones together are a small part of any model, and each file is opened in each run.
_LARGE_BYTES = 2**18
_FLOAT_BYTES = 4
# The optimiser multiplies such a node into the filter before it, where that is a constant, which
# changes the last bits of the outputs.
_MULTIPLIED_INTO_FILTERS = frozenset({"Mul", "Div", "RealDiv"})


def with_mapped_weights(graph: Any, owner: object) -> Any:
    """A graph whose large filters are read from files; its outputs are the same to the last bit.

    Only filters of convolutions are: what the optimiser does to a graph, and so the last bits of
    its outputs, depends on which of the other tensors are constants.

    Args:
        graph: GraphDef, frozen; it is not changed.
        owner: The files are removed when it is collected, or at the end of the process.

    Returns:
        The graph itself where no filter is large, and where the system's folder for temporary files
        has no room for them: it takes more memory then.

    Raises:
        ArtefactError: No temporary folder can be made.
    """
    filters = frozenset(large_filters(graph))
    if not filters:
        return graph
    folder = temporary_folder()
    remove = weakref.finalize(owner, remove_folder, folder)
    mapped = graph_pb2.GraphDef()
    mapped.versions.CopyFrom(graph.versions)
    mapped.library.CopyFrom(graph.library)
    try:
        for node in graph.node:
            copy = mapped.node.add()
            if node.name in filters:
                _map(node, copy, folder / f"{len(mapped.node)}")
            else:
                copy.CopyFrom(node)
    except OSError:
        remove()
        return graph
    return mapped


def _map(node: Any, copy: Any, path: Path) -> None:
    value = node.attr["value"].tensor
    path.write_bytes(value.tensor_content)
    copy.name, copy.op = node.name, "ImmutableConst"
    copy.attr["dtype"].type = value.dtype
    copy.attr["shape"].shape.CopyFrom(value.tensor_shape)
    copy.attr["memory_region_name"].s = str(path).encode()


def large_filters(graph: Any) -> Iterator[str]:
    """Names of the large constants that convolutions read as their filters, and nothing else.

    Args:
        graph: GraphDef.
    """
    nodes = GraphMap(graph)
    for node in nodes.of_op("Const"):
        if _is_large(node.attr["value"].tensor) and _is_only_filter(nodes, node.name):
            yield node.name


def _is_large(value: Any) -> bool:
    """Large, of floats, and stored as it is in memory."""
    size = len(value.tensor_content)
    sides = math.prod(dim.size for dim in value.tensor_shape.dim)
    return (
        size >= _LARGE_BYTES and value.dtype == types_pb2.DT_FLOAT and size == sides * _FLOAT_BYTES
    )


def _is_only_filter(nodes: GraphMap, name: str) -> bool:
    readers = nodes.consumers(name)
    return bool(readers) and all(_reads_filter(nodes, reader, name) for reader in readers)


def _reads_filter(nodes: GraphMap, reader: Any, name: str) -> bool:
    if reader.op == "Identity":
        return _is_only_filter(nodes, reader.name)
    image, *_ = reader.input
    return (
        reader.op == "Conv2D"
        and node_name(image) != name
        and all(after.op not in _MULTIPLIED_INTO_FILTERS for after in nodes.consumers(reader.name))
    )
