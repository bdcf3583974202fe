"""Graphviz's program ``dot`` draws what the DOT text says, or says why it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing, UsageError
from validation.files.atomic import atomic_file

# What the suffix of the output asks for; the first two are DOT itself.
TEXT_SUFFIXES = (".dot", ".gv")
DRAWN_SUFFIXES = (".svg", ".pdf", ".png")
_PROGRAM = "dot"
# A frozen graph of 614 operations, each by itself, takes 3 s; what takes minutes is no picture that
# anybody reads.
_SECONDS = 120


def require_drawable(path: Path) -> None:
    """Refuse an output that cannot be written, before anything is read.

    Raises:
        UsageError: A suffix that no picture has, a folder, or a parent that is none.
        ArtefactMissing: ``dot`` is needed and not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in TEXT_SUFFIXES + DRAWN_SUFFIXES:
        raise UsageError(
            "the suffix names no kind of picture",
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
    """Write DOT text, or have ``dot`` draw it; the place never holds half a picture.

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
        with atomic_file(path) as temporary:
            if path.suffix.lower() in TEXT_SUFFIXES:
                temporary.write_bytes(data)
            else:
                _run_dot(data, temporary, path, seconds)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _run_dot(data: bytes, target: Path, path: Path, seconds: float) -> None:
    program = shutil.which(_PROGRAM) or _PROGRAM
    command = [program, f"-T{path.suffix.lower()[1:]}", "-o", str(target)]
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
    told = done.stderr.decode(errors="replace").strip()
    if done.returncode or not target.stat().st_size:
        raise ArtefactError(
            "Graphviz's dot could not draw the graph",
            got=told[:400] or f"exit code {done.returncode} and no word",
            where=path,
            next_step="write a .dot file to see what it was given",
        )


def _unwritable(path: Path, error: OSError) -> ArtefactError:
    return ArtefactError("the picture cannot be written", got=error.strerror or error, where=path)
