"""What a given file can be judged by."""

from __future__ import annotations

import enum


class ReferenceKind(enum.StrEnum):
    """What a file is judged by; which checks can ask it for what follows from it."""

    GRAPH = "graph"
    """A graph with the OD API's names: detections, raw outputs, anchors, attributes."""
    SAVED_MODEL = "saved model"
    """Detections, and decoded boxes and scores where it gives them."""
    TFLITE = "tflite"
    """Another .tflite: all that a file says of itself."""
    DETECTIONS = "detections"
    """Detections of any system in COCO's results format."""
    NONE = "none"
    """Nothing: labelled images alone."""
