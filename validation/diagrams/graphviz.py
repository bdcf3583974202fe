"""Graphviz's program ``dot`` draws what the DOT text says, or says why it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing, UsageError
from validation.files.atomic import write_bytes_atomic

# What the suffix of the output asks for; the first two are DOT itself.
TEXT_SUFFIXES = (".dot", ".gv")
DRAWN_SUFFIXES = (".svg", ".pdf", ".png")
_PROGRAM = "dot"
# A frozen graph of 614 operations, each by itself, takes 3 s; a picture that takes minutes is too
# large to be read.
_SECONDS = 120


def require_drawable(path: Path) -> None:
    """Refuse an output that cannot be written, before anything is read.

    Raises:
        UsageError: Not the suffix of a picture, or a folder.
        ArtefactMissing: ``dot`` is needed and not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in TEXT_SUFFIXES + DRAWN_SUFFIXES:
        raise UsageError(
            "the suffix is not that of a picture",
            expected=", ".join(TEXT_SUFFIXES + DRAWN_SUFFIXES),
            got=suffix or "no suffix",
            where=path,
        )
    if path.is_dir():
        raise UsageError("the picture would replace a folder", where=path)
    if suffix in DRAWN_SUFFIXES and shutil.which(_PROGRAM) is None:
        raise ArtefactMissing(
            "Graphviz's program dot is not installed",
            where=path,
            next_step="install the package graphviz (apt-get install graphviz), or name a file "
            "that ends in .dot, which needs no program",
        )


def write_picture(text: str, path: Path, *, seconds: float = _SECONDS) -> Path:
    """Write DOT text, or have ``dot`` draw it; the file is never half a picture.

    Args:
        text: A whole graph in DOT.
        path: Its suffix says what is written; its folder is made if it is not there.
        seconds: How long ``dot`` may take.

    Raises:
        UsageError, ArtefactMissing: See `require_drawable`.
        ArtefactError: The program failed or took too long, or the file cannot be written.
    """
    require_drawable(path)
    data = text.encode("utf-8")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(
            "the picture cannot be written", got=error.strerror, where=path
        ) from error
    if path.suffix.lower() in DRAWN_SUFFIXES:
        data = _drawn(data, path, seconds)
    write_bytes_atomic(path, data)
    return path


def _drawn(data: bytes, path: Path, seconds: float) -> bytes:
    program = shutil.which(_PROGRAM) or _PROGRAM
    command = [program, f"-T{path.suffix.lower()[1:]}"]
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise ArtefactError(
            "Graphviz's dot takes too long for this graph",
            expected=f"a picture within {seconds:g} s",
            where=path,
            next_step="leave --full out, or write a .dot file and lay it out with another program",
        ) from error
    message = done.stderr.decode(errors="replace").strip()
    if done.returncode or not done.stdout:
        raise ArtefactError(
            "Graphviz's dot could not draw the graph",
            got=message[:400] or f"exit code {done.returncode} without a message",
            where=path,
            next_step="write a .dot file to see what it was given",
        )
    return done.stdout
