"""Which reader describes a file: by its kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.kinds.kind import Kind, Wanted
from validation.kinds.refusal import require_kind

# By which suffix `validation.export.graph_io.read_graph` knows the form of a graph.
GRAPH_FORMS = {Kind.GRAPH: ".pb", Kind.GRAPH_TEXT: ".pbtxt", Kind.META_GRAPH: ".meta"}
# Read as the other kind is, which says the rest.
_READ_AS = {Kind.EXPORTED_GRAPH: Kind.GRAPH, Kind.EDGE_TPU: Kind.TFLITE}


@dataclass(frozen=True)
class IdentifiedFile:
    """A file that can be described.

    Args:
        kind: By its content: a TFLite file, a form of graph, a checkpoint or a config.
        path: The file; of a checkpoint its prefix.
    """

    kind: Kind
    path: Path


def kind_of(path: Path, wanted: Wanted = Wanted.DESCRIBED) -> IdentifiedFile:
    """Find out which reader a path is for.

    Args:
        path: A file, or the prefix of a checkpoint. Of a checkpoint any of its files will do.
        wanted: What was asked for.

    Raises:
        ArtefactMissing: There is no such file, or it cannot be read.
        ArtefactError: A file of another kind, a folder, or only part of a file.
    """
    found = require_kind(path, wanted)
    return IdentifiedFile(_READ_AS.get(found.kind, found.kind), found.path)
