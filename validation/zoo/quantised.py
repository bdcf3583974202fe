"""Whether an archive on this machine is of a model that was trained with quantisation.

Asked before anything is unpacked or imported: it decides which variants a model has.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

from validation.errors import ArtefactError
from validation.files.guard import guarded
from validation.files.outside import Size, open_file, read_bytes, require_size
from validation.zoo.layout import FROZEN_GRAPH, PIPELINE_CONFIG, TFLITE_GRAPH
from validation.zoo.tar_stream import opened_tar

# A message of pipeline.config that stands at the start of its line, so in no comment.
_REWRITER = re.compile(rb"^\s*graph_rewriter\s*:?\s*[{<]", re.MULTILINE)
_FAKE_QUANT = b"FakeQuantWithMinMax"
_GRAPHS = (TFLITE_GRAPH, FROZEN_GRAPH)
_CHUNK_BYTES = 2**20


def looks_quantised(path: Path) -> bool:
    """True where the archive's pipeline.config asks for quantisation, or its graph holds ranges.

    The config says it where there is one; else the graph.

    Args:
        path: An archive's folder, or its tar file.

    Raises:
        ArtefactError: The archive cannot be read.
    """
    return _folder(path) if path.is_dir() else _tar(path)


def _folder(path: Path) -> bool:
    with guarded(ArtefactError, "the archive cannot be read", where=path):
        below = [path, *sorted(each for each in path.iterdir() if each.is_dir())]
        files = {name: each / name for each in below for name in (PIPELINE_CONFIG, *_GRAPHS)}
        present = {name: file for name, file in files.items() if file.is_file()}
        if PIPELINE_CONFIG in present:
            config = read_bytes(present[PIPELINE_CONFIG], Size.TEXT)
            return _REWRITER.search(config) is not None
        for name in (name for name in _GRAPHS if name in present):
            with open_file(present[name]) as stream:
                if _has_ranges(stream):
                    return True
        return False


def _tar(path: Path) -> bool:
    """Read member by member, and no further than the config."""
    graphs = False
    with opened_tar(path) as members:
        for member in members:
            name = Path(member.name).name
            if not member.isfile() or name not in (PIPELINE_CONFIG, *_GRAPHS):
                continue
            content = members.content(member)
            if name == PIPELINE_CONFIG:
                require_size(member.size, Size.TEXT, path)
                return _REWRITER.search(content.read()) is not None
            graphs = _has_ranges(content) or graphs
    return graphs


def _has_ranges(stream: IO[bytes]) -> bool:
    """True where a graph names the op; read piece by piece, for a graph may have gigabytes."""
    before = b""
    while chunk := stream.read(_CHUNK_BYTES):
        if _FAKE_QUANT in before + chunk:
            return True
        before = chunk[-len(_FAKE_QUANT) :]
    return False
