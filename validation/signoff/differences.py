"""Where two JSON documents differ, by the path to each field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_ABSENT = object()
# Of a value in a message: long lists are named by their place.
_MOST = 120


@dataclass(frozen=True)
class FieldDifference:
    """One field that is not the same.

    Args:
        where: Keys and numbers from 1 on the way to it.
        first: Its value in the first document, as JSON; empty where it is absent.
        second: The same in the second.
    """

    where: str
    first: str
    second: str


def differences(first: Any, second: Any, where: str = "") -> Iterator[FieldDifference]:
    """Every field that differs between two documents of JSON types, in the order of the first.

    Args:
        first: One document.
        second: The other.
        where: The way to both, for messages.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for key in dict.fromkeys([*first, *second]):
            one, other = first.get(key, _ABSENT), second.get(key, _ABSENT)
            yield from differences(one, other, f"{where}, {key}" if where else key)
    elif isinstance(first, list) and isinstance(second, list):
        for index in range(max(len(first), len(second))):
            one, other = (side[index] if index < len(side) else _ABSENT for side in (first, second))
            yield from differences(one, other, f"{where} {index + 1}{_name(one, other)}")
    elif type(first) is not type(second) or first != second:
        yield FieldDifference(where, _text(first), _text(second))


def _name(*sides: Any) -> str:
    """How an entry of a list is called, where it says so itself."""
    for side in sides:
        if isinstance(side, dict):
            keys = ("model", "variant", "given", "name", "check")
            parts = [str(side[key]) for key in keys if side.get(key)]
            return f" ({' '.join(parts)})" if parts else ""
    return ""


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST else f"{text[:_MOST]} \u2026"
