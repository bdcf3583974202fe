"""What is wrong with a subject, where, and what to do about it: found, not guessed, and typed.

A check says that something is wrong; a diagnosis says what. Each names one fault, where it lies,
the values that show it, and, where it was undone to see, a figure before and after.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from validation.record.types import OfVariant


class DiagnosedBy(enum.StrEnum):
    """What found a fault; those that look at the fault itself come before those that try."""

    ROUTES = "routes"
    """The files that describe the model's graph, read and compared part by part."""
    FILE_DIFF = "file diff"
    """The .tflite, compared with one that was made here of the same graph."""
    CONTRACT = "contract"
    """What the file states, compared with what its reference states."""
    LAYERS = "layers"
    """The first layer at which two runs part."""
    HYPOTHESIS = "hypothesis"
    """A fault that was undone, and agreement came back."""
    ABSOLUTE = "absolute"
    """Values that no detector has, whatever it is compared with."""


class FaultKind(enum.StrEnum):
    """What can be wrong; `diagnosis.toml` has its place, its words and the next step."""

    # The feed.
    CHANNELS = "channels"
    NORMALISATION = "normalisation"
    RESIZE = "resize"
    MIRRORED = "mirrored"
    TRANSPOSED = "transposed"
    # The graph.
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
class Diagnosis(OfVariant):
    """One fault of a subject.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        fault: What is wrong.
        place: In what.
        by: What found it.
        where: The tensor, variable, operator, attribute or field of the config; empty for the
            whole.
        expected: The value there that is right, as far as it can be said in one; None where not.
        got: The value that there is.
        count: In so many places; `where` is the first.
        measure: Name of the figure that undoing it restores, such as ``AP``; empty where nothing
            was undone.
        before: That figure as it is.
        after: With the fault undone.
        ties: Other faults of which undoing restores as much: the evidence does not tell.
        file: See `ModelKey`.
        check: Name of the check that gave it; filled in where the check is run.
    """

    model: str
    variant: str
    fault: FaultKind
    place: Place
    by: DiagnosedBy
    where: str = ""
    expected: Any = None
    got: Any = None
    count: int = 1
    measure: str = ""
    before: float | None = None
    after: float | None = None
    ties: tuple[FaultKind, ...] = ()
    file: str = ""
    check: str = ""
