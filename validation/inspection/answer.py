"""From a file of a known kind to its facts, and from facts to text."""

from __future__ import annotations

from validation.inspection.kinds import Found, Kind
from validation.inspection.of_config import ConfigFacts, inspect_config
from validation.inspection.of_graph import GraphFacts, inspect_graph
from validation.inspection.of_tflite import TfliteFacts, inspect_tflite
from validation.inspection.text_of_config import text_of_config
from validation.inspection.text_of_graph import text_of_graph
from validation.inspection.text_of_tflite import text_of_tflite

Facts = TfliteFacts | ConfigFacts | GraphFacts


def needs_tensorflow(kind: Kind) -> bool:
    """True where reading takes the seconds that TensorFlow takes to start."""
    return kind not in (Kind.TFLITE, Kind.CONFIG)


def read_facts(found: Found) -> Facts:
    """The facts of a file.

    Raises:
        ValidationError: It cannot be read.
    """
    if found.kind is Kind.CONFIG:
        return inspect_config(found.path)
    if found.kind is Kind.TFLITE:
        return inspect_tflite(found.path)
    return inspect_graph(found)


def as_text(facts: Facts) -> str:
    """The facts for a person."""
    if isinstance(facts, ConfigFacts):
        return text_of_config(facts)
    if isinstance(facts, GraphFacts):
        return text_of_graph(facts)
    return text_of_tflite(facts)
