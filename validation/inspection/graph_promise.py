"""Whether a graph of an archive is what its name says, found out without TensorFlow."""

from __future__ import annotations

import dataclasses
import mmap
from pathlib import Path

from validation.errors import CorruptGraph
from validation.files.outside import open_file
from validation.kinds.kind import Kind, Wanted
from validation.kinds.refusal import require_kind
from validation.zoo.archives import Archive

# What the OD API's exporter names the two ends of an inference graph.
_ENDS = (b"image_tensor", b"detection_boxes")
# The scope that only detectors of two stages have.
_TWO_STAGES = b"FirstStageFeatureExtractor"


def kept_promises(archive: Archive) -> tuple[Archive, tuple[str, ...]]:
    """The archive without graphs that no route can begin with, and why each is left out."""
    frozen, shipped = archive.frozen_graph, archive.tflite_graph
    no_frozen = "" if frozen is None else inference_graph_problem(frozen)
    no_shipped = "" if shipped is None else exported_graph_problem(shipped)
    kept = dataclasses.replace(
        archive,
        frozen_graph=None if no_frozen else frozen,
        tflite_graph=None if no_shipped else shipped,
    )
    return kept, tuple(filter(None, (no_frozen, no_shipped)))


def inference_graph_problem(path: Path) -> str:
    """Why a file is no inference graph of an SSD; empty where nothing speaks against it."""
    try:
        found = require_kind(path, Wanted.INFERENCE_GRAPH, CorruptGraph, where=path.name)
    except CorruptGraph as error:
        return str(error)
    if found.kind is Kind.EXPORTED_GRAPH:
        return f"{path.name} is a graph that was exported for TFLite, no inference graph"
    if found.kind is not Kind.GRAPH:
        return ""
    with open_file(path) as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(_TWO_STAGES) >= 0:
            return f"{path.name} is of a detector of two stages, Faster R-CNN for one, and no SSD"
        missing = [name.decode() for name in _ENDS if data.find(name) < 0]
    if missing:
        return (
            f"{path.name} is no inference graph of the Object Detection API: "
            f"it has no node {' and none '.join(missing)}"
        )
    return ""


def exported_graph_problem(path: Path) -> str:
    """Why a file is no graph that was exported for TFLite; empty where it is one."""
    try:
        found = require_kind(path, Wanted.CONVERTIBLE_GRAPH, CorruptGraph, where=path.name)
    except CorruptGraph as error:
        return str(error)
    if found.kind is Kind.GRAPH:
        return f"{path.name} has neither the post-processing op nor raw outputs"
    return ""
