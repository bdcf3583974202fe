"""What the files of one archive state of the model's graph, each a witness."""

from __future__ import annotations

from dataclasses import dataclass, field

from validation.export.graph_parts import GraphParts
from validation.record.diagnosis import Place


@dataclass(frozen=True)
class Witness:
    """One file, or a file with a checkpoint, that states parts of the model's graph.

    Args:
        place: Of the faults that lie in it.
        name: Of the file.
        parts: What it states.
        uses_averages: Its weights are the moving averages; None where it does not say.
    """

    place: Place
    name: str
    parts: GraphParts = field(default_factory=GraphParts)
    uses_averages: bool | None = None
