"""A graph as TensorFlow's converter is given it: its weights stay in the file until they are used.

`from_frozen_graph` holds the weights four times before the converter itself begins, which needs
nine times their size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

from validation.export.light_graph import without_weights
from validation.files.atomic import write_bytes_atomic
from validation.files.outside import Size, read_bytes
from validation.files.temporary import scratch
from validation.kinds.kind import Kind
from validation.kinds.recognition import recognise_alone

_LIGHT = "light.pb"


class GraphOfFile:
    """What the converter asks of a GraphDef: its nodes, its functions, and all of it as bytes.

    Args:
        path: The file.
        graph: GraphDef of it.
    """

    def __init__(self, path: Path, graph: Any) -> None:
        self.path = path
        self.light = without_weights(graph)
        self.has_large_weights = any(
            one.op != other.op for one, other in zip(self.light.node, graph.node, strict=True)
        )
        is_binary = recognise_alone(path).kind is Kind.GRAPH
        self._content = None if is_binary else graph.SerializeToString(deterministic=True)

    @property
    def node(self) -> Any:
        """The nodes, large constants as placeholders."""
        return self.light.node

    @property
    def library(self) -> Any:
        """The functions."""
        return self.light.library

    def SerializeToString(self) -> bytes:  # noqa: N802 the converter calls it by this name
        """The graph with its weights.

        Raises:
            OSError: The file cannot be read.
        """
        return read_bytes(self.path, Size.MODEL) if self._content is None else self._content


def converter_of(
    graph: GraphOfFile,
    inputs: list[str],
    outputs: list[str],
    shapes: dict[str, list[int]],
) -> Any:
    """A tf.compat.v1.lite.TFLiteConverter of a frozen graph.

    Args:
        graph: The graph.
        inputs: Names of the input tensors.
        outputs: Names of the output tensors.
        shapes: Of placeholders: TensorFlow cannot import a graph with the custom op, so it asks for
            them.

    Raises:
        ArtefactError: The system's folder for temporary files cannot be written.
        Exception: Whatever TensorFlow raises where it does not take the graph.
    """
    if not graph.has_large_weights:
        return tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            str(graph.path), inputs, outputs, shapes
        )

    class _Converter(tf.compat.v1.lite.TFLiteConverter):  # type: ignore[misc]
        def __init__(self, _light: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(graph, *args, **kwargs)

    with scratch() as folder:
        light = folder / _LIGHT
        write_bytes_atomic(light, graph.light.SerializeToString(deterministic=True))
        return _Converter.from_frozen_graph(str(light), inputs, outputs, shapes)
