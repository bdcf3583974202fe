"""Shell patterns of names as a policy has them: one text, or a list of texts."""

from __future__ import annotations

from typing import Any, NewType

from validation.files.structured import register

Patterns = NewType("Patterns", tuple[str, ...])
SomePatterns = NewType("SomePatterns", tuple[str, ...])
ALL = SomePatterns(("*",))


def _patterns(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError
    return tuple(names)


def _some_patterns(value: Any) -> tuple[str, ...]:
    names = _patterns(value)
    if not names:
        raise ValueError
    return names


register(Patterns, "a name or a list of names", _patterns)
register(SomePatterns, "a name or a list of names", _some_patterns)
