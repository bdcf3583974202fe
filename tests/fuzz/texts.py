"""Changes of texts: words, lines, brackets and encodings, and documents of JSON by their values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

from fuzz.mutations import Mutator, mixed, several

__all__ = ["change_json", "change_json_lines", "change_text"]

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_NUMBERS = (
    *("-1", "0", "1e999", "-1e999", "nan", "NaN", "inf", "Infinity", "0x10", "1_0", "007", "--1"),
    *("2147483648", "9223372036854775808", "18446744073709551616", "1" * 400, "1" * 5000, "0.1.2"),
    *("1e-400", "4294967295", "-9223372036854775809", "٣", "¼", "true", "null", '""', ""),
)
_STRINGS = (
    *("", " ", "\0", "\x1b[2J\x1b]0;title\x07", "\u202etxt.exe", "\ud800", "é" * 300, "a" * 70_000),
    *("../../../etc/passwd", "/dev/zero", "/dev/stdin", "C:\\x", "%s%n", "{}", "{0.__class__}"),
    *("<script>alert(1)</script>", "\r\n\r\n", "\\", "'", '"', "\N{GRINNING FACE}", "NaN"),
    *("__proto__", "file:///etc/passwd", "&amp;", "]]>", "\ufeff", "$(id)", "*", "?", "~"),
)
_DEEP = (("[", "]"), ("{", "}"), ('{"a":', "}"), ("(", ")"), ("<a>", "</a>"))
_DEPTHS = (50, 1_000, 20_000)
_ENCODINGS = ("utf-16", "utf-32", "latin-1", "utf-8-sig", "cp037", "utf-7")


def _changed(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass" if "\ud800" in text else "surrogateescape")


def _replace(pattern: re.Pattern[str], values: Sequence[str], quote: bool = False) -> Mutator:
    def change(data: bytes, random: Random) -> bytes:
        text = _changed(data)
        found = list(pattern.finditer(text))
        if not found:
            return data
        match, value = random.choice(found), random.choice(values)
        if quote:
            value = match[0][:1] + value + match[0][-1:]
        try:
            return _bytes(text[: match.start()] + value + text[match.end() :])
        except UnicodeEncodeError:
            return data

    return change


def _swap_words(data: bytes, random: Random) -> bytes:
    """A word is replaced by another one of the text: a key or a value of the wrong kind."""
    text = _changed(data)
    words = _WORD.findall(text)
    return _replace(_WORD, words)(data, random) if words else data


def _change_lines(data: bytes, random: Random) -> bytes:
    """A line is missing, doubled, moved or repeated very often."""
    lines = data.splitlines(keepends=True) or [data]
    place = random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(random.randrange(len(lines) + 1), lines[place])
        case 2:
            lines.append(lines.pop(place))
        case _:
            lines[place:place] = [lines[place]] * min(20_000, 2_000_000 // (len(lines[place]) + 1))
    return b"".join(lines)


def _change_bracket(data: bytes, random: Random) -> bytes:
    places = [place for place, byte in enumerate(data) if byte in b"{}[]()<>:,=\"'/"]
    if not places:
        return data
    place = random.choice(places)
    return (
        data[:place] + random.choice((b"", b"{", b"}", b"[", b'"', b",", b"::")) + data[place + 1 :]
    )


def _nest(data: bytes, random: Random) -> bytes:
    """Brackets in brackets, deeper than any parser that calls itself."""
    opening, closing = random.choice(_DEEP)
    depth = random.choice(_DEPTHS)
    ends = closing * depth if random.random() < 0.7 else ""
    place = random.choice((0, len(data), random.randrange(len(data) + 1)))
    return data[:place] + (opening * depth + ends).encode() + data[place:]


def _encode(data: bytes, random: Random) -> bytes:
    """The same text as another system writes it."""
    try:
        return data.decode("utf-8", "replace").encode(random.choice(_ENCODINGS), "replace")
    except UnicodeError:
        return data


_TEXT: Sequence[Mutator] = (
    _replace(_NUMBER, _NUMBERS),
    _replace(_QUOTED, _STRINGS, quote=True),
    _replace(_WORD, _STRINGS),
    _swap_words,
    _change_lines,
    _change_bracket,
    mixed(_nest, _encode),
)
change_text = several(_TEXT)


def change_json(data: bytes, random: Random) -> bytes:
    """A document with other values, still a document."""
    try:
        document = json.loads(data)
    except ValueError:
        return change_text(data, random)
    for _ in range(random.choice((1, 1, 2, 4))):
        document = _with_other_value(document, random)
    return _written(document)


def change_json_lines(data: bytes, random: Random) -> bytes:
    """One document of many lines with other values."""
    lines = data.splitlines(keepends=True) or [data]
    place = random.randrange(len(lines))
    lines[place] = change_json(lines[place], random) + b"\n"
    return b"".join(lines)


def _written(document: Any) -> bytes:
    try:
        return json.dumps(document).encode("utf-8", "surrogatepass")
    except (RecursionError, ValueError):
        return b"[" * 100_000


def _with_other_value(document: Any, random: Random) -> Any:
    """Walk down to a value by chance, and put another one there."""
    if isinstance(document, dict) and document and random.random() < 0.85:
        key = random.choice(list(document))
        match random.randrange(8):
            case 0:
                return {other: value for other, value in document.items() if other != key}
            case 1:
                return document | {random.choice(_STRINGS): document[key]}
            case _:
                return document | {key: _with_other_value(document[key], random)}
    if isinstance(document, list) and document and random.random() < 0.85:
        place = random.randrange(len(document))
        match random.randrange(8):
            case 0:
                return document[:place] + document[place + 1 :]
            case 1:
                return document + document[place : place + 1] * random.choice((1, 3_000))
            case _:
                other = list(document)
                other[place] = _with_other_value(document[place], random)
                return other
    return _value(random)


def _value(random: Random) -> Any:
    deep: Any = []
    for _ in range(random.choice((1, 40))):
        deep = [deep]
    return random.choice(
        [
            *(None, True, False, -1, 0, 2**31, 2**63, 2**64, 10**400, 1e308, 0.5, float("nan")),
            *(float("inf"), [], {}, [[]], {"a": None}, deep, "x" * 100_000, *_STRINGS),
        ]
    )
