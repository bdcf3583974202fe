"""Whether an archive on this machine is of a model that was trained with quantisation.

Asked before anything is unpacked or imported: it decides which variants a model has.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from pathlib import Path

from validation.zoo.layout import FROZEN_GRAPH, PIPELINE_CONFIG, TFLITE_GRAPH

# A message of pipeline.config that stands at the start of its line, so in no comment.
_REWRITER = re.compile(rb"^\s*graph_rewriter\s*:?\s*[{<]", re.MULTILINE)
_FAKE_QUANT = b"FakeQuantWithMinMax"
_GRAPHS = (TFLITE_GRAPH, FROZEN_GRAPH)


def looks_quantised(path: Path) -> bool:
    """True where the archive's pipeline.config asks for quantisation, or its graph holds ranges.

    The config says it where there is one; else the graph. What cannot be read is not
    quantised here: obtaining the archive tells what is wrong with it.

    Args:
        path: An archive's folder, or its tar file.
    """
    try:
        return _folder(path) if path.is_dir() else _tar(path)
    except (OSError, EOFError, tarfile.TarError, zlib.error):
        return False


def _folder(path: Path) -> bool:
    below = [path, *sorted(each for each in path.iterdir() if each.is_dir())]
    files = {name: each / name for each in below for name in (PIPELINE_CONFIG, *_GRAPHS)}
    present = {name: file for name, file in files.items() if file.is_file()}
    if PIPELINE_CONFIG in present:
        return _REWRITER.search(present[PIPELINE_CONFIG].read_bytes()) is not None
    return any(_FAKE_QUANT in present[name].read_bytes() for name in _GRAPHS if name in present)


def _tar(path: Path) -> bool:
    """Read member by member, and no further than the config."""
    graphs = False
    with tarfile.open(path, "r|*") as tar:
        for member in tar:
            name = Path(member.name).name
            if not member.isfile() or name not in (PIPELINE_CONFIG, *_GRAPHS):
                continue
            file = tar.extractfile(member)
            content = b"" if file is None else file.read()
            if name == PIPELINE_CONFIG:
                return _REWRITER.search(content) is not None
            graphs = graphs or _FAKE_QUANT in content
    return graphs
