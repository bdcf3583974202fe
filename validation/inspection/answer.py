"""From a file of a known kind to its facts, and from facts to text."""

from __future__ import annotations

from validation.inspection.kinds import IdentifiedFile
from validation.inspection.of_checkpoint import CheckpointFacts, inspect_checkpoint
from validation.inspection.of_config import ConfigFacts, inspect_config
from validation.inspection.of_graph import GraphFacts, inspect_graph
from validation.inspection.of_tflite import TfliteFacts, inspect_tflite
from validation.inspection.text_of_checkpoint import text_of_checkpoint
from validation.inspection.text_of_config import text_of_config
from validation.inspection.text_of_graph import text_of_graph
from validation.inspection.text_of_tflite import text_of_tflite
from validation.kinds.kind import Kind

Facts = TfliteFacts | ConfigFacts | GraphFacts | CheckpointFacts


def needs_tensorflow(kind: Kind) -> bool:
    """True where reading takes the seconds that TensorFlow takes to start."""
    return kind not in (Kind.TFLITE, Kind.CONFIG)


def read_facts(file: IdentifiedFile) -> Facts:
    """The facts of a file.

    Raises:
        ValidationError: It cannot be read.
    """
    match file.kind:
        case Kind.TFLITE:
            return inspect_tflite(file.path)
        case Kind.CONFIG:
            return inspect_config(file.path)
        case Kind.CHECKPOINT:
            return inspect_checkpoint(file.path)
        case _:
            return inspect_graph(file)


def as_text(facts: Facts, *, everything: bool = False) -> str:
    """The facts for a person.

    Args:
        facts: Of any kind of file.
        everything: Every variable of a checkpoint, not a few scopes.
    """
    match facts:
        case TfliteFacts():
            return text_of_tflite(facts)
        case ConfigFacts():
            return text_of_config(facts)
        case CheckpointFacts():
            return text_of_checkpoint(facts, everything=everything)
        case GraphFacts():
            return text_of_graph(facts)
