"""What a command prints for programs: one JSON document, valid whatever the figures are."""

from __future__ import annotations

import json
import math
from typing import Any

from validation.errors import ValidationError
from validation.files.structured import unstructure

JSON_FLAG = "--json"

# As `validation.files.structured` writes what JSON cannot carry.
_SPECIAL = {"nan": None, "inf": "Infinity", "-inf": "-Infinity"}


def print_json(document: Any) -> None:
    """Print dataclasses, or anything made of them, to standard output.

    NaN becomes null, and the infinities the texts ``Infinity`` and ``-Infinity``.
    """
    print(json.dumps(_plain(unstructure(document)), indent=2, allow_nan=False))


def print_error(error: ValidationError) -> None:
    """Print the one document of a command that fails; its line stands on standard error too."""
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
