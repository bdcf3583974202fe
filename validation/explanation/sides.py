"""What is known of one side before anything is run: of a .tflite, or of an inference graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.operators import OperatorGraph, read_operators
from validation.inference.model_file import TfliteModel
from validation.inference.op_anchors import op_anchors
from validation.labels.alignment import ClassNames
from validation.metadata.unpacking import metadata_of
from validation.specs.contracts import PostprocessAttributes, Preprocessing, SsdContract


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two.

    Args:
        name: What it is called beside the other.
        labels: Names of its classes.
        num_classes: Without the background; None where it is not known.
        postprocess: Attributes of its op, or what is used instead; None where it is not known.
        anchors: float32 [N, 4]; None where they are not known.
        preprocessing: From image to input; None where it is not known.
        feed: The same in words.
        tflite: None for an inference graph.
        graph: Operators of the .tflite.
        has_metadata: TFLite metadata, for apps' libraries.
        anchors_step: Distance of two neighbours among the numbers that store the anchors; 0 for
            float32.
    """

    name: str
    labels: ClassNames
    num_classes: int | None
    postprocess: PostprocessAttributes | None
    anchors: NDArray[np.float32] | None
    preprocessing: Preprocessing | None
    feed: str
    tflite: TfliteModel | None = None
    graph: OperatorGraph | None = None
    has_metadata: bool = False
    anchors_step: float = 0.0


def side_of_tflite(name: str, model: TfliteModel, labels: ClassNames) -> Side:
    """What a .tflite file says, with what it is fed.

    Raises:
        ConversionError: A damaged file.
    """
    graph = read_operators(model.path)
    postprocess = model.file.postprocess
    if postprocess is None and model.contract is not None:
        postprocess = model.contract.postprocess
    anchors, step = model.anchors, 0.0
    if model.file.postprocess is not None:
        own = op_anchors(model.path)
        anchors, step = own.values, own.step
    return Side(
        name=name,
        labels=labels,
        num_classes=model.num_classes,
        postprocess=postprocess,
        anchors=anchors,
        preprocessing=model.preprocessing,
        feed=model.describe_feed(),
        tflite=model,
        graph=graph,
        has_metadata=metadata_of(graph.model) is not None,
        anchors_step=step,
    )


def side_of_graph(
    name: str,
    labels: ClassNames,
    num_classes: int | None,
    contract: SsdContract | None,
    anchors: NDArray[np.float32] | None,
) -> Side:
    """What an inference graph says.

    Args:
        name: See `Side`.
        labels: See `Side`.
        num_classes: See `Side`.
        contract: What an export of it would promise; None where it is no SSD that is read here.
        anchors: Of the same.
    """
    size = None if contract is None else contract.preprocessing
    words = "resizes and normalises images itself"
    return Side(
        name=name,
        labels=labels,
        num_classes=num_classes if contract is None else contract.num_classes,
        postprocess=None if contract is None else contract.postprocess,
        anchors=anchors,
        preprocessing=size,
        feed=words if size is None else f"{size.height}x{size.width}, {words}",
    )
