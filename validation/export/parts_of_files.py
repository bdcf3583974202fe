"""The parts that each file of an archive states of the model's graph."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from validation.export.exported import ExportedGraph
from validation.export.freezing import frozen_from_checkpoint, prune
from validation.export.graph_io import read_export, read_graph
from validation.export.graph_parts import GraphParts
from validation.export.parts_reading import (
    parts_of_export,
    parts_of_inference_graph,
    parts_of_shipped_graph,
)
from validation.export.saved_model import graph_of_saved_model
from validation.export.ssd_reading import read_ssd
from validation.specs.contracts import DETECTION_OUTPUTS


class InferenceGraphs:
    """The inference graphs of one archive; those that are one graph in several files are read once.

    Args:
        with_classes: See `parts_of_inference_graph`.
    """

    def __init__(self, *, with_classes: bool) -> None:
        self._with_classes = with_classes
        self._known: dict[bytes, GraphParts] = {}

    def of_frozen_graph(self, path: Path) -> GraphParts:
        """Of frozen_inference_graph.pb.

        Raises:
            ArtefactMissing, CorruptGraph, NotSsdGraph, GraphError: It cannot be read.
        """
        return self._of(read_graph(path), path.name)

    def of_meta_graph(self, path: Path, prefix: Path) -> GraphParts:
        """Of the graph beside a checkpoint, with the checkpoint's values.

        Raises:
            ArtefactMissing, CorruptGraph, NotSsdGraph, GraphError: One of the two cannot be read,
                or the graph is that of a training.
        """
        return self._of(frozen_from_checkpoint(path, prefix, DETECTION_OUTPUTS), path.name)

    def of_saved_model(self, folder: Path) -> GraphParts | None:
        """Of a SavedModel of TensorFlow 1; None of one that holds another graph.

        Raises:
            ArtefactMissing, CorruptGraph, GraphError: It cannot be read.
        """
        graph = graph_of_saved_model(folder)
        return None if graph is None else self._of(graph, folder.name)

    def _of(self, graph: Any, where: str) -> GraphParts:
        read_ssd(graph, where)
        bare = prune(graph, DETECTION_OUTPUTS)
        # What was written by another release is no other graph.
        bare.ClearField("versions")
        key = hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()
        if key not in self._known:
            self._known[key] = parts_of_inference_graph(
                graph, where, with_classes=self._with_classes
            )
        return self._known[key]


def parts_of_tflite_graph(path: Path) -> GraphParts:
    """Of tflite_graph.pb, or of its text form.

    Raises:
        ArtefactMissing, CorruptGraph, NotSsdGraph, GraphError: It cannot be read.
    """
    return parts_of_shipped_graph(read_graph(path), path.name)


def parts_of_built_graph(built: ExportedGraph) -> GraphParts:
    """Of a graph that was built from pipeline.config, in a product of the cache.

    Raises:
        CorruptGraph, GraphError: The product cannot be read.
    """
    return parts_of_export(read_export(built))
