"""What a command prints for programs: one JSON document, valid whatever the figures are."""

from __future__ import annotations

import contextlib
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from validation.errors import ValidationError
from validation.files.structured import unstructure
from validation.files.targets import is_standard_output, written_bytes
from validation.files.terminal import printable

JSON_FLAG = "--json"

# As `validation.files.structured` writes what JSON cannot carry.
_SPECIAL = {"nan": None, "inf": "Infinity", "-inf": "-Infinity"}


def print_json(document: Any) -> None:
    """Print dataclasses, or anything made of them, to standard output.

    NaN becomes null, and the infinities the texts ``Infinity`` and ``-Infinity``.
    """
    print(json.dumps(_plain(unstructure(document)), indent=2, allow_nan=False))


@contextlib.contextmanager
def lines_beside(path: Path | None) -> Iterator[None]:
    """What a command prints; on standard error where standard output is the file it wrote."""
    aside = path is not None and is_standard_output(path)
    with contextlib.redirect_stdout(sys.stderr) if aside else contextlib.nullcontext():
        yield


def print_line(text: object, *, flush: bool = False) -> None:
    """Print one line of a result; a name that holds a newline ends none."""
    print(printable(str(text)), flush=flush)


def written(path: Path) -> str:
    """The line that a command ends in which wrote one file."""
    size = written_bytes(path)
    return f"{path}: written" if size is None else f"{path}: {size} bytes"


def print_error_line(error: ValidationError) -> None:
    """Print the one line of a command that fails, to standard error."""
    print(f"error: {printable(error.with_next_step())}", file=sys.stderr, flush=True)


def print_error(error: ValidationError) -> None:
    """Print the one document of a command that fails; its line is on standard error too."""
    stated = {"expected": error.expected, "got": error.got, "where": error.where}
    facts = {key: None if value is None else str(value) for key, value in stated.items()}
    print_json(
        {
            "error": {
                "type": type(error).__name__,
                "exit_code": error.exit_code,
                "text": error.with_next_step(),
                "what": error.what,
                **facts,
                "next_step": error.next_step or error.usual_step,
            }
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"float"} and value["float"] in _SPECIAL:
            return _SPECIAL[value["float"]]
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return _SPECIAL["nan" if math.isnan(value) else "inf" if value > 0 else "-inf"]
    return value
