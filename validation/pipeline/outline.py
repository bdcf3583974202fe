"""Where each field of a proto text stands, the fields that no message knows among them.

`google.protobuf.text_format` parses, but it stops at the first unknown field and
cannot say how far that field reaches. The outline says it, so that a field can be
taken out of the text before it is parsed. It judges no value and leaves every
other complaint to the parser: where it meets what it does not understand, it
looks no further into that message.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from validation.errors import ConfigError

# One token of the text format; the last branch is a quote that its line does not close.
_TOKEN = re.compile(
    r"""
      (?P<space>   [\s]+ | \#[^\n]* )
    | (?P<string>  "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<mark>    [{}<>\[\]:;,] )
    | (?P<word>    [^\s{}<>\[\]:;,#"']+ )
    | (?P<broken>  ["'] )
    """,
    re.VERBOSE,
)
_CLOSERS = {"{": "}", "<": ">", "[": "]"}


@dataclass(frozen=True)
class UnknownField:
    """A field that its message does not have.

    Args:
        name: As written; an extension is in brackets.
        path: Dotted names of the messages around it, from the root.
        owners: Types of those messages (descriptors), the root first.
        line: Of the name, from 1.
        start: Offset of the name in the text.
        end: Offset behind the value and the separator that follows it.
        inner: Name and line of every field inside its value.
    """

    name: str
    path: str
    owners: tuple[Any, ...]
    line: int
    start: int
    end: int
    inner: tuple[tuple[str, int], ...]

    @property
    def dotted(self) -> str:
        """Path of the field itself."""
        return f"{self.path}.{self.name}" if self.path else self.name


@dataclass(frozen=True)
class RepeatedField:
    """A field that is set again in one message though it has room for one value.

    Args:
        name: Dotted path from the root.
        line: Where it is set again, from 1: the value that holds.
        earlier: Line of the value before it.
        is_message: Both are merged, where a plain value is replaced.
    """

    name: str
    line: int
    earlier: int
    is_message: bool

    def describe(self) -> str:
        """One clause, with both lines."""
        what = "both are merged" if self.is_message else "the last one is read"
        return f"line {self.line}: {self.name} is set again, after line {self.earlier}; {what}"


@dataclass(frozen=True)
class Outline:
    """What the text holds.

    Args:
        lines: Line of the first field of each dotted path; of one set again, of its last.
        unknown: In the order of the text.
        repeated: Fields that are set again, in the order of the text.
        rivals: Fields that exclude one set before: dotted path, name of the other, line.
        unclosed: Line of the first brace that is never closed; None if all are.
    """

    lines: dict[str, int]
    unknown: tuple[UnknownField, ...]
    repeated: tuple[RepeatedField, ...]
    rivals: tuple[tuple[str, str, int], ...]
    unclosed: int | None


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


class _Field(NamedTuple):
    """Indices of tokens: name in [name, value), value in [value, end), all in [name, after)."""

    name: int
    value: int
    end: int
    after: int
    text: str


def outline(text: str, root: Any, source: str) -> Outline:
    """Find every field of a text.

    Args:
        text: Proto text, also an invalid one.
        root: Descriptor of the message that the text stands for.
        source: Name of the text, for errors.

    Raises:
        ConfigError: A string that does not end in its line, or a brace that closes nothing.
    """
    newlines = [match.start() for match in re.finditer("\n", text)]

    def line(token: _Token) -> int:
        return bisect.bisect_left(newlines, token.start) + 1

    tokens = list(_tokens(text))
    for token in tokens:
        if token.kind == "broken":
            raise ConfigError(
                "a string without its closing quote", where=f"{source}, line {line(token)}"
            )
    pairs, open_index, stray = _matched(tokens)
    if stray is not None:
        inside = "nothing is open"
        if open_index is not None:
            opener = tokens[open_index]
            inside = f"{opener.text!r} of line {line(opener)} is open"
        raise ConfigError(
            f"{tokens[stray].text!r} where {inside}",
            where=f"{source}, line {line(tokens[stray])}",
            next_step="remove it, or close what is open first",
        )
    lines: dict[str, int] = {}
    unknown: list[UnknownField] = []
    repeated: list[RepeatedField] = []
    rivals: list[tuple[str, str, int]] = []
    waiting: list[tuple[int, int, str, tuple[Any, ...]]] = [(0, len(tokens), "", (root,))]
    while waiting:
        low, high, path, owners = waiting.pop()
        own: dict[str, int] = {}
        chosen: dict[str, str] = {}
        for field in _fields(tokens, pairs, low, high):
            name = tokens[field.name]
            here = f"{path}.{field.text}" if path else field.text
            lines[here] = min(lines.get(here, line(name)), line(name))
            known = owners[-1].fields_by_name.get(field.text)
            if known is not None:
                if known.name in own and not _is_list(known):
                    is_message = known.message_type is not None
                    again = RepeatedField(here, line(name), own[known.name], is_message)
                    repeated.append(again)
                    lines[here] = lines[here] if is_message else again.line
                group = known.containing_oneof
                rival = None if group is None else chosen.setdefault(group.name, known.name)
                if rival not in (None, known.name):
                    rivals.append((here, str(rival), line(name)))
                own[known.name] = line(name)
            if known is None:
                inner = _names(tokens, pairs, field.value, field.end)
                last = tokens[field.after - 1]
                unknown.append(
                    UnknownField(
                        field.text,
                        path,
                        owners,
                        line(name),
                        name.start,
                        last.end,
                        tuple((token.text, line(token)) for token in inner),
                    )
                )
            elif known.message_type is not None:
                for start, end in _bodies(tokens, pairs, field.value, field.end):
                    waiting.append((start, end, here, (*owners, known.message_type)))
    unknown.sort(key=lambda field: field.start)
    repeated.sort(key=lambda field: field.line)
    unclosed = None if open_index is None else line(tokens[open_index])
    return Outline(lines, tuple(unknown), tuple(repeated), tuple(rivals), unclosed)


def _is_list(field: Any) -> bool:
    """True for a field of the schema that may have several values."""
    # Until protobuf 6 a label said so, which protobuf 7 no longer has.
    is_repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if is_repeated is None else is_repeated)


def blanked(text: str, fields: Iterable[UnknownField]) -> str:
    """The text without some fields, everything else at its line and column."""
    pieces = []
    position = 0
    for field in sorted(fields, key=lambda field: field.start):
        pieces.append(text[position : field.start])
        pieces.append(re.sub(r"[^\r\n]", " ", text[field.start : field.end]))
        position = field.end
    return "".join([*pieces, text[position:]])


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind != "space":
            yield _Token(kind, match.group(), match.start(), match.end())


def _matched(tokens: Sequence[_Token]) -> tuple[dict[int, int], int | None, int | None]:
    """Opening index -> closing index, an opening one left over, the first stray closing one."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        if token.text in _CLOSERS:
            opened.append(index)
        elif token.text in _CLOSERS.values():
            if not opened or _CLOSERS[tokens[opened[-1]].text] != token.text:
                return pairs, opened[-1] if opened else None, index
            pairs[opened.pop()] = index
    # What is never closed reaches to the end: so the fields behind the gap are seen
    # inside the wrong message, and that tells where the brace is missing.
    pairs.update({index: len(tokens) for index in opened})
    return pairs, opened[0] if opened else None, None


def _fields(
    tokens: Sequence[_Token], pairs: dict[int, int], low: int, high: int
) -> Iterator[_Field]:
    """The fields between two token indices, none of those inside their values."""
    index = low
    while index < high:
        name = index
        if tokens[name].kind == "word":
            index = name + 1
        elif tokens[name].text == "[":
            index = min(pairs[name] + 1, high)
        else:
            return
        text = "".join(token.text for token in tokens[name:index])
        if index < high and tokens[index].text == ":":
            index += 1
        value = index
        index = _behind_value(tokens, pairs, value, high)
        end = index
        if index < high and tokens[index].text in {",", ";"}:
            index += 1
        yield _Field(name, value, end, index, text)


def _behind_value(tokens: Sequence[_Token], pairs: dict[int, int], index: int, high: int) -> int:
    if index >= high:
        return high
    if index in pairs:
        return min(pairs[index] + 1, high)
    if tokens[index].kind == "mark":
        return index
    if tokens[index].text == "-":
        return min(index + 2, high)
    behind = index + 1
    # Neighbouring strings are one value.
    while tokens[index].kind == "string" and behind < high and tokens[behind].kind == "string":
        behind += 1
    return behind


def _bodies(
    tokens: Sequence[_Token], pairs: dict[int, int], low: int, high: int
) -> Iterator[tuple[int, int]]:
    """Token ranges inside the braces of a value: one message, or a list of them."""
    if low in pairs and tokens[low].text == "[":
        low, high = low + 1, min(pairs[low], high)
    index = low
    while index < high:
        if index in pairs:
            yield index + 1, pairs[index]
            index = pairs[index]
        index += 1


def _names(
    tokens: Sequence[_Token], pairs: dict[int, int], low: int, high: int
) -> Iterator[_Token]:
    """Words inside a value that stand where a field's name does."""
    for index in range(low + 1, min(high, len(tokens) - 1)):
        follows = tokens[index + 1].text
        if tokens[index].kind == "word" and (follows == ":" or index + 1 in pairs):
            yield tokens[index]
