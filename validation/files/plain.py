"""Frozen dataclasses as JSON types and back, driven by their type hints."""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from validation.errors import RecordError


def to_plain(value: Any) -> Any:
    """A frozen dataclass, or anything inside one, as JSON types.

    Tuples become lists, enums their value, and floats that JSON cannot carry a table
    ``{"float": "nan"}``.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(float(value))}
    return value


def from_plain(kind: Any, value: Any) -> Any:
    """Make JSON types the ``kind`` that a dataclass field declares; see `to_plain`.

    Raises:
        RecordError: A dataclass with fields missing or left over, or a value of another
            kind than its field declares.
    """
    if _is_special_float(kind, value):
        return float(value["float"])
    if kind is typing.Any and isinstance(value, list):
        return [from_plain(kind, item) for item in value]
    if dataclasses.is_dataclass(kind):
        return _rebuild_dataclass(typing.cast(type, kind), value)
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin is tuple:
        items = _expected(list, value)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(from_plain(arguments[0], item) for item in items)
        return tuple(from_plain(part, item) for part, item in zip(arguments, items, strict=True))
    if origin is dict:
        table = _expected(dict, value)
        return {key: from_plain(arguments[1], item) for key, item in table.items()}
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        solid = [part for part in arguments if part is not type(None)]
        return from_plain(solid[0], value) if len(solid) == 1 else value
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    return _expected(kind, value) if kind in (str, bool, int, float) else value


def _expected(kind: type, value: Any) -> Any:
    """The value, when it is of the kind; JSON has one kind of number, so 0 is a float too."""
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} where a {kind.__name__} belongs")
    return value


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _rebuild_dataclass(kind: type, value: Any) -> Any:
    hints = _hints(kind)
    if not isinstance(value, Mapping):
        raise RecordError(f"no {kind.__name__}", expected="a table of fields", got=repr(value))
    unknown, missing = sorted(set(value) - set(hints)), sorted(set(hints) - set(value))
    if unknown:
        raise RecordError(
            f"{kind.__name__} with fields that it does not have", got=", ".join(unknown)
        )
    if missing:
        raise RecordError(f"{kind.__name__} cannot be rebuilt", got=f"no {', '.join(missing)}")
    try:
        return kind(**{name: from_plain(hints[name], item) for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise RecordError(f"{kind.__name__} cannot be rebuilt", got=error) from error


def _is_special_float(kind: Any, value: Any) -> bool:
    """A table of text fields may have the one key ``float`` as well: its kind tells."""
    return (
        typing.get_origin(kind) is not dict
        and isinstance(value, Mapping)
        and set(value) == {"float"}
        and value["float"] in ("nan", "inf", "-inf")
    )
