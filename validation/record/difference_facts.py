"""The kinds of differences between a given file and its reference, and what is known of each."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class DifferenceKind(enum.StrEnum):
    """What differs. All but GUIDE_DEFAULTS are measures of the check `reference_contract`."""

    INPUT_SIZE = "input_size"
    FEED = "feed"
    """What the darkest and the brightest pixel are read as."""
    STATED_FEED = "stated_feed"
    """The same, against what the file's own metadata states; no reference is asked."""
    CLASSES = "classes"
    """How many there are."""
    CLASS_SHIFT = "class_shift"
    """Every class has another's number, always as far away."""
    CLASS_ORDER = "class_order"
    """Some classes have each other's numbers."""
    ANCHORS = "anchors"
    SCALES = "scales"
    """Of the box coder."""
    SCORE_KIND = "score_kind"
    """What was done to the scores: nothing, a sigmoid, a softmax."""
    OUTPUT_ORDER = "output_order"
    GUIDE_DEFAULTS = "guide_defaults"
    """The exporter's own defaults: 10 detections and fast NMS. One decision, so one finding."""
    NMS = "nms"
    """For each class, or once over all."""
    DETECTIONS = "detections"
    """How many a file gives."""
    THRESHOLDS = "thresholds"
    """Of score and overlap, in NMS."""


class AnchorChange(enum.StrEnum):
    """What would make a file's anchors of the reference's."""

    COUNT = "count"
    ROW_ORDER = "row order"
    AXES = "axes"
    SIDES = "sides"
    CORNERS = "corners"
    SCALED = "scaled"
    SHIFTED = "shifted"
    ASPECT = "aspect"
    SOME_ROWS = "some rows"
    OTHER = "other"


@dataclass(frozen=True)
class Fact:
    """One value that both sides state.

    Args:
        name: For example ``max_detections``.
        expected: The reference's: a number, text, bool, or a list of them.
        got: The file's.
    """

    name: str
    expected: Any
    got: Any


@dataclass(frozen=True)
class AnchorFacts:
    """How two tables of anchors differ.

    Args:
        expected: Rows of the reference's.
        got: Rows of the file's.
        differing: Rows that differ; 0 where they are not as many.
        change: What was done to most of them, as far as it is known.
        factors: Of `SCALED`: height and width of the file's over the reference's. Of
            `SHIFTED`: what is added to the centres' y and x.
    """

    expected: int
    got: int
    differing: int
    change: AnchorChange
    factors: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClassFacts:
    """Which of the reference's classes a file's class is, where the numbers differ.

    Args:
        pairs: The file's class and the reference's, by the file's; numbered from 1.
        step: The file's number less the reference's, where that is the same for all; else 0.
        agreeing: Pieces of evidence for it.
        compared: Of so many.
        of_scores: The evidence is classes whose raw scores agree; else pairs of detections.
    """

    pairs: tuple[tuple[int, int], ...]
    step: int
    agreeing: int
    compared: int
    of_scores: bool
