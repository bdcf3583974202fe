"""What is wrong with a file, typed: kinds of fault, whose they are, and the cause of an error."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class FaultKind(enum.StrEnum):
    """What can be wrong; `record/diagnosis.toml` has its words and the next step."""

    # The bytes and the content of any file.
    DAMAGED = "damaged"
    MISSING_FILE = "missing_file"
    OTHER_FILE = "other_file"
    INVALID = "invalid"
    UNKNOWN_FIELD = "unknown_field"
    UNSUPPORTED = "unsupported"

    # The feed.
    CHANNELS = "channels"
    NORMALISATION = "normalisation"
    RESIZE = "resize"
    MIRRORED = "mirrored"
    TRANSPOSED = "transposed"
    # The graph.
    EXTRACTOR = "extractor"
    DEPTH = "depth"
    QUANTISED_TRAINING = "quantised_training"
    NODE_NAME = "node_name"
    WEIGHTS = "weights"
    WEIGHTS_FACTOR = "weights_factor"
    WEIGHTS_PERMUTED = "weights_permuted"
    WEIGHTS_ROUNDED = "weights_rounded"
    MOVING_AVERAGES = "moving_averages"
    EPSILON = "epsilon"
    ACTIVATION = "activation"
    FAKE_QUANT_RANGE = "fake_quant_range"
    OPERATOR_ATTRIBUTE = "operator_attribute"
    OPERATOR_MISSING = "operator_missing"
    OPERATOR_ADDED = "operator_added"
    OPERATOR_EXCHANGED = "operator_exchanged"
    OPERATOR_ORDER = "operator_order"
    CONCATENATION = "concatenation"
    QUANTISED_RANGE = "quantised_range"
    PRECISION = "precision"
    NOT_FINITE = "not_finite"
    CONSTANT_OUTPUT = "constant_output"
    # From raw outputs to detections.
    SCORES = "scores"
    ANCHORS = "anchors"
    BOX_SCALES = "box_scales"
    BOX_AXES = "box_axes"
    BOXES_MOVED = "boxes_moved"
    NMS = "nms"
    DETECTIONS = "detections"
    SCORE_THRESHOLD = "score_threshold"
    OUTPUT_ORDER = "output_order"
    OTHER_IMAGE = "other_image"
    # Classes and labels.
    CLASS_COUNT = "class_count"
    UNLABELLED = "unlabelled"
    CLASS_SHIFT = "class_shift"
    CLASS_ORDER = "class_order"
    CLASS_LOST = "class_lost"
    CLASS_NAMES = "class_names"
    BOX_LAYOUT = "box_layout"
    LABELLED_SIZE = "labelled_size"
    OTHER_IMAGES = "other_images"
    FINDS_NOTHING = "finds_nothing"


class Place(enum.StrEnum):
    """Whose fault it is: where the line to change is."""

    ARCHIVE = "archive"
    CONFIG = "pipeline.config"
    CHECKPOINT = "checkpoint"
    GRAPH = "inference graph"
    SHIPPED_GRAPH = "tflite_graph.pb"
    EXPORT = "export"
    FILE = ".tflite"
    FEED = "feed"
    RESULTS = "reading of results"
    LABELS = "labels"


@dataclass(frozen=True)
class RootCause:
    """What is wrong, where an error is raised: a diagnosis before its subject is known.

    Args:
        fault: What is wrong.
        place: In which file; None: that of the error.
        where: The field, variable or node; empty: as the error says.
        expected: The value that is right; None: as the error says.
        got: The value that there is; None: as the error says.
        next_step: What to do; empty: as `diagnosis.toml` says for the kind.
    """

    fault: FaultKind
    place: Place | None = None
    where: str = ""
    expected: Any = None
    got: Any = None
    next_step: str = ""
