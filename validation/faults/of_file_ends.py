"""Faults at the end of a .tflite file: of its anchors, attributes and outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.faults import file_edits as put
from validation.faults.fault import Case, Fault, Thinness
from validation.faults.of_eight_bits import EIGHT_BIT_FAULTS
from validation.faults.of_files import (
    BODY_FAULTS,
    TWICE,
    of_file,
)
from validation.record.diagnosis import FaultKind, Place

Array = NDArray[Any]
_CONTRACT = ("tflite_contract", "reference_contract")
_OP = ("postprocess_parity", "reference_contract", "tflite_contract")


def _half(case: Case) -> None:
    assert case.file is not None
    data = case.file.read_bytes()
    case.file.write_bytes(data[: len(data) // 2])


def _lower(anchors: Array) -> Array:
    return anchors + np.array([0.05, 0, 0, 0], np.float32)


_END_FAULTS: tuple[Fault, ...] = (
    of_file(
        "anchor-sides",
        "anchors have sides of 1.5 times the length",
        put.change_anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
        at=TWICE,
    ),
    of_file(
        "anchor-places",
        "anchors are a twentieth of the image too low",
        put.change_anchors(_lower),
        FaultKind.ANCHORS,
        checks=_OP,
        known=("C05",),
    ),
    of_file(
        "anchor-axes",
        "anchors have x before y",
        put.change_anchors(lambda anchors: anchors[:, [1, 0, 3, 2]]),
        FaultKind.ANCHORS,
        FaultKind.BOX_AXES,
        checks=_OP,
        known=("O06",),
    ),
    of_file(
        "anchor-order",
        "anchors are in the reverse order",
        put.change_anchors(lambda anchors: anchors[::-1]),
        FaultKind.ANCHORS,
        checks=_OP,
    ),
    of_file(
        "ten-detections",
        "10 detections",
        put.change_attributes(max_detections=10),
        FaultKind.DETECTIONS,
        checks=_CONTRACT,
        known=("E03",),
    ),
    of_file(
        "box-scales",
        "height and width scales of 4 in place of 5",
        put.change_attributes(h_scale=4.0, w_scale=4.0),
        FaultKind.BOX_SCALES,
        checks=_CONTRACT,
    ),
    of_file(
        "iou",
        "suppression keeps what overlaps up to 0.95",
        put.change_attributes(nms_iou_threshold=0.95),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04",),
    ),
    of_file(
        "score-threshold",
        "scores below 0.3 are suppressed",
        put.change_attributes(nms_score_threshold=0.3),
        FaultKind.SCORE_THRESHOLD,
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("C10",),
    ),
    of_file(
        "fast-nms",
        "suppression ignores classes",
        put.change_attributes(use_regular_nms=False),
        FaultKind.NMS,
        checks=_CONTRACT,
        known=("E04", "O12"),
    ),
    of_file(
        "output-order",
        "boxes and classes change places",
        put.swap_outputs(0, 1),
        FaultKind.OUTPUT_ORDER,
        checks=_CONTRACT,
        known=("O02",),
    ),
    of_file(
        "output-names",
        "classes and scores change names",
        put.swap_output_names(1, 2),
        FaultKind.OUTPUT_ORDER,
        checks=_CONTRACT,
        known=("O02",),
        equivalent="outputs are known by the operator that writes them, and by their order; no "
        "app reads these names",
    ),
    Fault(
        "file-cut",
        ".tflite (float): its second half did not arrive",
        Place.FILE,
        frozenset({FaultKind.DAMAGED}),
        _half,
        ("tflite_contract",),
        ("V01",),
        at=(Thinness.COMPLETE,),
        variants=("float",),
    ),
)

FILE_FAULTS: tuple[Fault, ...] = (*BODY_FAULTS, *_END_FAULTS, *EIGHT_BIT_FAULTS)
