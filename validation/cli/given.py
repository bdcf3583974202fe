"""Files that a command was given, looked at before it loads TensorFlow, which takes seconds."""

from __future__ import annotations

from pathlib import Path

from validation.errors import ArtefactMissing, CorruptGraph
from validation.kinds.kind import Wanted
from validation.kinds.recognition import nearest_beside
from validation.kinds.refusal import require_kind


def require_graph(path: Path, wanted: Wanted) -> None:
    """Refuse what is no graph, with what it is.

    Raises:
        ArtefactMissing: There is no such file.
        CorruptGraph: Part of a graph, a folder, or a file of another kind.
    """
    if not path.exists():
        raise ArtefactMissing("no such graph", where=path, next_step=nearest_beside(path))
    require_kind(path, wanted, CorruptGraph)
