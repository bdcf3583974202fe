"""Files that a command was given, looked at before it loads TensorFlow, which takes seconds."""

from __future__ import annotations

from pathlib import Path

from validation.cli.flags import say
from validation.errors import ArtefactMissing, CorruptGraph
from validation.kinds.kind import Wanted
from validation.kinds.recognition import nearest_beside
from validation.kinds.refusal import require_kind
from validation.pipeline.config import PipelineConfig, load_pipeline


def require_graph(path: Path, wanted: Wanted) -> None:
    """Refuse what is no graph, with what it is.

    Raises:
        ArtefactMissing: There is no such file.
        CorruptGraph: Part of a graph, a folder, or a file of another kind.
    """
    is_prefix = path.with_name(f"{path.name}.index").is_file() if path.name else False
    if not path.exists() and not is_prefix:
        raise ArtefactMissing("no such graph", where=path, next_step=nearest_beside(path))
    require_kind(path, wanted, CorruptGraph)


def read_config(path: Path) -> PipelineConfig:
    """A pipeline.config; what is read otherwise than it is written goes to standard error.

    Raises:
        ArtefactMissing, ConfigError: See `load_pipeline`.
    """
    config = load_pipeline(path)
    for notice in config.notices:
        say(f"{config.source}, {notice}")
    return config
