"""What a graph is made of, part by part, so that two graphs of one model can be compared.

Needs no TensorFlow, so that what judges parts does not import it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Variables = Mapping[str, NDArray[Any]]


class Setting(enum.StrEnum):
    """One value of a model that is stated outside of its layers."""

    INPUT_SIZE = "input size"
    SCALE = "scale of pixels"
    OFFSET = "offset of pixels"
    ALIGN_CORNERS = "align_corners"
    HALF_PIXEL_CENTERS = "half_pixel_centers"
    SCORE_CONVERTER = "score_converter"
    NUM_CLASSES = "num_classes"
    SCORE_THRESHOLD = "nms_score_threshold"
    IOU_THRESHOLD = "nms_iou_threshold"
    BOX_SCALES = "box scales (y, x, h, w)"
    MAX_DETECTIONS = "max_detections"
    DETECTIONS_PER_CLASS = "detections_per_class"
    REGULAR_NMS = "use_regular_nms"
    CLASSES_PER_DETECTION = "max_classes_per_detection"


@dataclass(frozen=True)
class Layer:
    """One layer with weights; a shared head is one layer that is used several times.

    Args:
        op: For example Conv2D.
        strides: Of height and width.
        padding: SAME, VALID or EXPLICIT.
        dilations: Of height and width.
        activations: What follows, each once: an op's name, or empty for none.
        sources: The layers that its input is computed of, each once, by the names of their weights.
    """

    op: str
    strides: tuple[int, ...]
    padding: str
    dilations: tuple[int, ...]
    activations: tuple[str, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeQuantForm:
    """How a FakeQuant node rounds; its range is among the variables.

    Args:
        num_bits: Of the node.
        narrow_range: The lowest level is left out.
    """

    num_bits: int
    narrow_range: bool


@dataclass(frozen=True)
class GraphParts:
    """The parts of one graph of an SSD. What a graph does not say is left out, and not compared.

    Args:
        layers: By the name of the variable that holds the weights.
        epsilons: Of batch norms, by the scope of their variables.
        fake_quant: By the scope of the range's variables.
        heads: For each raw output what it is concatenated from, in order.
        settings: See `Setting`.
        anchors: float32 [N, 4] in centre form; None where the graph has none.
        variables: Values by name, of those that the raw outputs depend on.
        not_finite: Of other constants of the body, how many values are NaN or infinite; those
            that have none are left out.
    """

    layers: Mapping[str, Layer] = field(default_factory=dict)
    epsilons: Mapping[str, float] = field(default_factory=dict)
    fake_quant: Mapping[str, FakeQuantForm] = field(default_factory=dict)
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[Setting, Any] = field(default_factory=dict)
    anchors: NDArray[np.float32] | None = None
    variables: Variables = field(default_factory=dict)
    not_finite: Mapping[str, int] = field(default_factory=dict)
