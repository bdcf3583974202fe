"""What a command prints for programs: one JSON document, valid whatever the figures are."""

from __future__ import annotations

import json
import math
from typing import Any

from validation.files.structured import unstructure

# As `validation.files.structured` writes what JSON cannot carry.
_SPECIAL = {"nan": None, "inf": "Infinity", "-inf": "-Infinity"}


def print_json(document: Any) -> None:
    """Print dataclasses, or anything made of them, to standard output.

    NaN becomes null, and the infinities the texts ``Infinity`` and ``-Infinity``.
    """
    print(json.dumps(_plain(unstructure(document)), indent=2, allow_nan=False))


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
