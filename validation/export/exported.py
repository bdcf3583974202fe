"""An exported graph: the flags that it is made with, its files and the contract beside them.

Needs no TensorFlow, so that a run over cached exports does not import it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, GraphError, RecordError
from validation.files.arrays import read_npy
from validation.files.guard import guarded
from validation.files.limits import file_limits
from validation.files.structured import read_json, structure
from validation.specs.contracts import PostprocessAttributes, SsdContract
from validation.tflite.runnable import attribute_complaints

GRAPH_FILE = "tflite_graph.pb"
GRAPH_TEXT_FILE = "tflite_graph.pbtxt"
CONTRACT_FILE = "tflite_graph.json"
ANCHORS_FILE = "anchors.npy"
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class ExportOptions:
    """The exporter's flags.

    Args:
        add_postprocessing_op: False ends the graph in the two raw outputs.
        max_detections: Output slots; None takes the model's own max_total_detections.
        detections_per_class: For regular NMS; None takes the model's own value.
        max_classes_per_detection: For fast NMS.
        use_regular_nms: NMS for each class, as the OD API itself does it.
    """

    add_postprocessing_op: bool = True
    max_detections: int | None = None
    detections_per_class: int | None = None
    max_classes_per_detection: int = 1
    use_regular_nms: bool = True

    @classmethod
    def of(cls, attributes: PostprocessAttributes) -> ExportOptions:
        """The flags that a post-processing op was exported with."""
        return cls(
            max_detections=attributes.max_detections,
            detections_per_class=attributes.detections_per_class,
            max_classes_per_detection=attributes.max_classes_per_detection,
            use_regular_nms=attributes.use_regular_nms,
        )


@dataclass(frozen=True)
class ExportedGraph:
    """An exported graph on disk, with the contract that it was written with.

    Args:
        graph: tflite_graph.pb.
        text: tflite_graph.pbtxt, None where it was not written.
        contract: What was read from the source graph and asked for by the caller.
        add_postprocessing_op: True when the graph ends in the post-processing node.
        anchors: float32 [N, 4] in centre form, needed to decode raw outputs.
    """

    graph: Path
    text: Path | None
    contract: SsdContract
    add_postprocessing_op: bool
    anchors: Path


def load_export(folder: Path) -> ExportedGraph:
    """Find what `validation.export.graph_io.write_export` wrote.

    Raises:
        ArtefactMissing: One of the files is not there.
        GraphError: The contract cannot be read.
    """
    for name in (GRAPH_FILE, CONTRACT_FILE, ANCHORS_FILE):
        if not (folder / name).is_file():
            raise ArtefactMissing("an exported graph is incomplete", expected=name, where=folder)
    contract, with_op = read_contract(folder)
    return ExportedGraph(
        graph=folder / GRAPH_FILE,
        text=text if (text := folder / GRAPH_TEXT_FILE).is_file() else None,
        contract=contract,
        add_postprocessing_op=with_op,
        anchors=folder / ANCHORS_FILE,
    )


def read_contract(folder: Path) -> tuple[SsdContract, bool]:
    """The contract in a folder, and whether its graph ends in the post-processing op.

    Raises:
        GraphError: It cannot be read.
    """
    try:
        about = read_json(folder / CONTRACT_FILE, dict[str, Any])
        with_op = bool(about.pop("add_postprocessing_op"))
        contract = structure(SsdContract, about)
        for complaint in _complaints(contract):
            raise RecordError(complaint)
    except (KeyError, RecordError) as error:
        raise GraphError(
            "the contract of an exported graph cannot be read",
            got=error,
            where=folder / CONTRACT_FILE,
            next_step="export the graph again",
        ) from error
    return contract, with_op


def _complaints(contract: SsdContract) -> Iterator[str]:
    """Numbers that no detector has, and that arrays would be made of."""
    size, most = contract.preprocessing, file_limits().size_bytes("tflite_tensor_mib")
    if min(size.height, size.width) < 1 or _FLOAT_BYTES * 3 * size.height * size.width > most:
        yield f"an input of {size.height} x {size.width} pixels"
    if min(contract.num_anchors, contract.num_classes) < 1 or (
        _FLOAT_BYTES * contract.num_anchors * (contract.num_classes + 1) > most
    ):
        yield f"{contract.num_anchors} anchors of {contract.num_classes} classes"
    if not all(map(math.isfinite, (*size.scale, *size.offset))):
        yield f"scale {size.scale}, offset {size.offset}"
    yield from attribute_complaints(contract.postprocess)


def read_anchors(exported: ExportedGraph) -> NDArray[np.float32]:
    """The anchors of an exported graph: float32 [N, 4] in centre form, read-only.

    Raises:
        GraphError: See `anchors_in`.
    """
    return anchors_in(exported.anchors, exported.contract)


def anchors_in(path: Path, contract: SsdContract) -> NDArray[np.float32]:
    """The anchors of a file beside a contract; see `read_anchors`.

    Raises:
        GraphError: The file cannot be read, or holds other numbers than the contract's anchors.
    """
    with guarded(
        GraphError,
        "the anchors of an exported graph cannot be read",
        where=path,
        next_step="export the graph again",
    ):
        anchors = read_npy(path)
        expected = (contract.num_anchors, 4)
        if anchors.dtype != np.float32 or anchors.shape != expected:
            raise ValueError(f"{anchors.dtype} {list(anchors.shape)}, not float32 {list(expected)}")
        if not np.isfinite(anchors).all():
            raise ValueError("numbers that are not finite")
        return anchors


def contract_beside(graph: Path) -> SsdContract | None:
    """The contract that `write_export` left beside a graph; None where there is none.

    Raises:
        ArtefactMissing, GraphError: See `load_export`.
    """
    ours = graph.name in (GRAPH_FILE, GRAPH_TEXT_FILE) and graph.with_name(CONTRACT_FILE).is_file()
    return load_export(graph.parent).contract if ours else None
