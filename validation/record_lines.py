"""One entry of a record, one JSON object a line: the only way in and out.

A line is ``{"kind": ..., <fields of the dataclass>}``. What does not fit the
dataclass exactly is refused, so that a record is never read by guess.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from validation.errors import RecordError, RecordVersionError
from validation.records import (
    RECORD_VERSION,
    Accuracy,
    Artefact,
    CheckResult,
    Footer,
    Header,
    Picture,
    Step,
    Timing,
)

Entry = CheckResult | Timing | Accuracy | Picture | Artefact | Step | Header | Footer

_KINDS: dict[str, type] = {
    "header": Header,
    "check": CheckResult,
    "timing": Timing,
    "accuracy": Accuracy,
    "picture": Picture,
    "artefact": Artefact,
    "step": Step,
    "footer": Footer,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def to_line(entry: Entry) -> dict[str, Any]:
    """An entry as the JSON object that a record's line holds."""
    return {"kind": _NAMES[type(entry)], **_plain(dataclasses.asdict(entry))}


def from_line(line: Mapping[str, Any]) -> Entry:
    """Rebuild an entry from a record's line.

    Raises:
        RecordVersionError: The header was written by another version of the layout.
        RecordError: Unknown kind, or fields missing or left over.
    """
    fields = dict(line)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise RecordError("unknown kind of record line", expected=" | ".join(_KINDS), got=kind)
    if kind == "header":
        _check_version(fields.get("version"))
    entry: Entry = _rebuild(_KINDS[kind], fields)
    return entry


def _check_version(version: object) -> None:
    if version == RECORD_VERSION:
        return
    newer = isinstance(version, int) and version > RECORD_VERSION
    raise RecordVersionError(
        "the record has another layout",
        expected=f"version {RECORD_VERSION}",
        got=f"version {version}",
        next_step="install the newer harness to read it"
        if newer
        else "run the suites again: older records are not migrated",
    )


def _plain(value: Any) -> Any:
    """Tuples to lists, enums to text, non-finite floats to text that JSON can carry."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _rebuild(kind: Any, value: Any) -> Any:
    """Make ``value`` the ``kind`` that a dataclass field declares."""
    if isinstance(value, Mapping) and set(value) == {"float"}:
        return float(value["float"])
    if dataclasses.is_dataclass(kind):
        return _rebuild_dataclass(typing.cast(type, kind), value)
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_rebuild(arguments[0], item) for item in value)
        return tuple(_rebuild(part, item) for part, item in zip(arguments, value, strict=True))
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        solid = [part for part in arguments if part is not type(None)]
        return _rebuild(solid[0], value) if len(solid) == 1 else value
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    return value


def _rebuild_dataclass(kind: type, value: Mapping[str, Any]) -> Any:
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise RecordError(
            f"{kind.__name__} with fields that it does not have", got=", ".join(unknown)
        )
    try:
        return kind(**{name: _rebuild(hints[name], item) for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise RecordError(f"{kind.__name__} cannot be rebuilt", got=error) from error
