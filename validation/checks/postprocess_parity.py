"""Post-processing: the op inside the .tflite against its NumPy port."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.checks.both_sides import candidate_detections, raw_outputs
from validation.comparison.postprocess_slots import check_postprocess
from validation.errors import NotProvided
from validation.inference.op_anchors import OpAnchors
from validation.postprocess.detections import to_detections
from validation.postprocess.op import detection_postprocess
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.workspace.context import CheckContext

Anchors = NDArray[np.float32]


def postprocess_parity(context: CheckContext) -> list[Entry]:
    """The op inside the .tflite does what its NumPy port does, slot by slot.

    Both take the anchors that stand in the file, which are compared with the exported ones.
    """
    images = context.parity_images
    op = candidate_detections(context)
    own = context.subject.op_anchors
    anchors = own.values
    result = check_postprocess(
        [op[image.key] for image in images],
        _port_detections(context, anchors),
        [image.key for image in images],
        anchors_steps_off=_against_reference(context, anchors, _step(own)),
        policy=context.policy,
        key=context.key,
    )
    return [result]


def _against_reference(
    context: CheckContext, anchors: Anchors, step: NDArray[Any] | float
) -> float | None:
    """See `check_postprocess`."""
    try:
        return _steps_off(anchors, context.reference.anchors, step)
    except NotProvided:
        return None


def _step(anchors: OpAnchors) -> NDArray[Any] | float:
    """What rounding can tell apart: the scale of integers, the distance to the next float."""
    scale = anchors.spec.scale
    return np.abs(np.spacing(anchors.stored)) if scale is None else scale


def _steps_off(anchors: Anchors, exported: Anchors, step: NDArray[Any] | float) -> float:
    """The largest difference in steps; infinite where they are not as many."""
    if anchors.shape != exported.shape:
        return math.inf
    return float(np.max(np.abs(anchors - exported) / step))


def _port_detections(context: CheckContext, anchors: Anchors) -> list[Detections]:
    """The port fed with what the op reads: the raw outputs of a file with the same body."""
    raw, attributes = raw_outputs(context), context.subject.postprocess
    boxes, scores = raw[BOX_ENCODINGS_NAME], raw[CLASS_PREDICTIONS_NAME]
    return [
        to_detections(detection_postprocess(*image, anchors, attributes))
        for image in zip(boxes, scores, strict=True)
    ]
