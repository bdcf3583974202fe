"""From a file of a known kind to its facts, and from facts to text."""

from __future__ import annotations

from validation.inspection.kinds import Found, Kind
from validation.inspection.of_tflite import TfliteFacts, inspect_tflite
from validation.inspection.text_of_tflite import text_of_tflite

Facts = TfliteFacts


def needs_tensorflow(kind: Kind) -> bool:
    """True where reading takes the seconds that TensorFlow takes to start."""
    return kind not in (Kind.TFLITE, Kind.CONFIG)


def read_facts(found: Found) -> Facts:
    """The facts of a file.

    Raises:
        ValidationError: It cannot be read.
    """
    return inspect_tflite(found.path)


def as_text(facts: Facts) -> str:
    """The facts for a person."""
    return text_of_tflite(facts)
