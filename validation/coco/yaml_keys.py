"""The top-level keys of a small YAML file, as a data.yaml has them; no YAML library.

Read are scalars, lists and maps of scalars, in either style. What else YAML can say (anchors,
tags, block text, nesting) is refused where a key that is asked for has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from validation.errors import DatasetError

Value: TypeAlias = str | list[str] | dict[str, str]

_KEY = re.compile(
    r"""(?P<quote>["']?)(?P<key>[^\s"'#:\[\]{},-][^"'#:\[\]{},]*)(?P=quote)\s*:(?:\s+|$)"""
)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_CLOSING = {"[": "]", "{": "}"}
MOST_CHARACTERS = 1 << 20


def read_keys(text: str, wanted: tuple[str, ...], where: str) -> Mapping[str, Value]:
    """The values of the wanted keys; keys without a value, or `null`, are left out.

    Args:
        text: Content of the file.
        wanted: Names of top-level keys.
        where: The file, for errors.

    Raises:
        DatasetError: A wanted key stands twice, or has a value that is not read here.
    """
    if len(text) > MOST_CHARACTERS:
        raise DatasetError("the YAML file is too long for a data set's", where=where)
    found: dict[str, Value] = {}
    for key, line, first, rest in _sections(text.removeprefix("\ufeff").splitlines()):
        if key not in wanted:
            continue
        place = f"{where}, line {line}"
        if key in found:
            raise DatasetError(f"{key} stands twice", where=place)
        value = _value(first, rest, place)
        if value not in ("", "~", "null", "Null", "NULL"):
            found[key] = value
    return found


def top_level_keys(text: str) -> tuple[str, ...]:
    """The names of the keys at the left margin, in their order."""
    return tuple(key for key, *_ in _sections(text.removeprefix("\ufeff").splitlines()))


def _sections(lines: list[str]) -> Iterator[tuple[str, int, str, list[str]]]:
    """Each top-level key with its line, what stands behind it, and the lines below it."""
    current: tuple[str, int, str, list[str]] | None = None
    for number, raw in enumerate(lines, 1):
        line = _without_comment(raw).rstrip()
        if not line or line in ("---", "..."):
            continue
        match = _KEY.match(line)
        if match:
            if current:
                yield current
            current = (match["key"].strip(), number, line[match.end() :].strip(), [])
        elif current:
            current[3].append(line)
    if current:
        yield current


def _value(first: str, rest: list[str], place: str) -> Value:
    if first[:1] in _CLOSING:
        return _flow(" ".join([first, *(line.strip() for line in rest)]), place)
    if first and not rest:
        return _scalar(first, place)
    if first or not rest:
        if first:
            raise _unread(f"{first} {rest[0]}", place)
        return ""
    items = [line.strip() for line in rest]
    if len({len(line) - len(line.lstrip()) for line in rest}) > 1:
        raise _unread(rest[0], place)
    if all(item.startswith("- ") or item == "-" for item in items):
        return [_scalar(item[1:].strip(), place) for item in items]
    return dict(_pair(item, place) for item in items)


def _flow(text: str, place: str) -> Value:
    """A list or a map between brackets."""
    closing = _CLOSING[text[0]]
    if not text.endswith(closing) or len(text) < 2:
        raise _unread(text, place)
    parts = [part.strip() for part in _split(text[1:-1])]
    # A comma may stand behind the last.
    if parts and not parts[-1]:
        parts.pop()
    if text[0] == "[":
        return [_scalar(part, place) for part in parts]
    return dict(_pair(part, place) for part in parts)


def _pair(text: str, place: str) -> tuple[str, str]:
    match = _KEY.match(text)
    if match is None:
        raise _unread(text, place)
    return match["key"].strip(), _scalar(text[match.end() :].strip(), place)


def _scalar(text: str, place: str) -> str:
    if text[:1] == text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] == text[-1:] == '"' and len(text) > 1:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text[1:-1])
    if text[:1] in tuple("&*!|>%@`\"'[{"):
        raise _unread(text, place)
    return text


def _split(text: str) -> list[str]:
    """The parts between commas that are not inside of quotes."""
    parts = [""]
    for sign, quoted in _scanned(text):
        if sign == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _without_comment(line: str) -> str:
    """The line up to a # that is at its start or behind a blank, and not inside of quotes."""
    before = " "
    for position, (sign, quoted) in enumerate(_scanned(line)):
        if sign == "#" and not quoted and before.isspace():
            return line[:position]
        before = sign
    return line


def _scanned(text: str) -> Iterator[tuple[str, bool]]:
    """Each sign, and whether it stands inside of quotes.

    A quote opens where a value begins, and nowhere else: an apostrophe within a name is none.
    """
    quote, before, escaped = "", ",", False
    for position, sign in enumerate(text):
        yield sign, bool(quote)
        if escaped:
            escaped = False
        elif quote and sign == "\\" and quote == '"':
            escaped = True
        elif quote == "'" and text[position : position + 2] == "''":
            # Two stand for one of them.
            escaped = True
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and before in "[{,:-":
            quote = sign
        if not sign.isspace():
            before = sign


def _unread(text: str, place: str) -> DatasetError:
    return DatasetError(
        "this part of the YAML file cannot be read here",
        expected="a text, a list, or a map of numbers to names",
        got=repr(text[:60]),
        where=place,
        next_step="write it in its plain form, for example names: [cat, dog]",
    )
