"""Label maps of the OD API: ``item { id: 1 name: "a" }``, as people write them.

A reader of its own and not protobuf's: files that are in use have curly quotes, names without
quotes, commas behind fields and numbers in quotes, and protobuf blames the line after. What is not
needed is skipped by its brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from validation.errors import DatasetError

_FIRST_ITEM = re.compile(r"\ufeff?(?:\s|#[^\n]*\n)*item\s*:?\s*[{<]")
_QUOTES = "\"'\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2032\u2033`"
# A quote of Word or of a web page ends at any other of its kind.
_DOUBLE = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_SINGLE = "\u2018\u2019\u201a\u201b\u2032`"
_TOKEN = re.compile(
    rf"""
      (?P<space>   \s+ | \#[^\n]* )
    | (?P<string>  "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
                 | [{_DOUBLE}](?:[^"{_DOUBLE}\\\n]|\\.)*["{_DOUBLE}]
                 | [{_SINGLE}](?:[^'{_SINGLE}\\\n]|\\.)*['{_SINGLE}] )
    | (?P<mark>    [{{}}<>\[\]:;,] )
    | (?P<word>    [^\s{{}}<>\[\]:;,\#{_QUOTES}][^\s{{}}<>\[\]:;,\#]* )
    | (?P<broken>  [{_QUOTES}] )
    """,
    re.VERBOSE,
)
_CLOSERS = {"{": "}", "<": ">", "[": "]"}
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_CONTROL = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_NEEDED = ("id", "name", "display_name")


class Item(NamedTuple):
    """A class of a label map.

    Args:
        id: 0 where the item has none, as protobuf has it.
        name: display_name where there is one, else name; may be empty.
    """

    id: int
    name: str


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def is_items(text: str) -> bool:
    """True when the text begins as the OD API's label maps do, with an item."""
    return _FIRST_ITEM.match(text) is not None


def parse_items(text: str) -> tuple[Item, ...]:
    """The items in file order.

    Raises:
        DatasetError: Not items, or a field without a value that can be used; with the line.
    """
    tokens = _Tokens(text)
    items = []
    while (token := tokens.take()) is not None:
        if token.text in (",", ";"):
            continue
        if token.text != "item":
            tokens.refuse(f"{token.text!r} where an item should begin", token.line)
        items.append(_item(tokens, tokens.opening()))
    return tuple(items)


def _item(tokens: _Tokens, closer: str) -> Item:
    fields: dict[str, str] = {}
    while True:
        token = tokens.need(f"the item is never closed: no {closer!r}")
        if token.text == closer and token.kind == "mark":
            break
        if token.text in (",", ";"):
            continue
        if token.kind != "word":
            tokens.refuse(f"{token.text!r} where a field should begin", token.line)
        if token.text not in _NEEDED:
            tokens.skip_value(token)
            continue
        if token.text in fields:
            tokens.refuse(f"{token.text!r} twice in one item", token.line)
        tokens.colon(token)
        fields[token.text] = tokens.value(token)
        if token.text == "id" and _NUMBER.fullmatch(fields["id"].strip()) is None:
            tokens.refuse(f"the id {fields['id']!r}", token.line)
    return Item(
        int(fields.get("id", 0)), (fields.get("display_name") or fields.get("name", "")).strip()
    )


class _Tokens:
    """The tokens of a text, taken one by one."""

    def __init__(self, text: str) -> None:
        self._all = list(_tokens(text))
        self._next = 0

    @property
    def line(self) -> int:
        """Of the token taken last."""
        return self._all[self._next - 1].line if self._next else 1

    def peek(self, ahead: int = 0) -> _Token | None:
        index = self._next + ahead
        return self._all[index] if index < len(self._all) else None

    def take(self) -> _Token | None:
        token = self.peek()
        if token is not None:
            self._next += 1
            if token.kind == "broken":
                self.refuse("string without its closing quote", token.line)
        return token

    def need(self, otherwise: str) -> _Token:
        token = self.take()
        if token is None:
            self.refuse(otherwise, self.line)
        return token

    def opening(self) -> str:
        """Past the bracket that opens a message; its closer."""
        token = self.need("no bracket behind 'item'")
        if token.text == ":":
            token = self.need("no bracket behind 'item:'")
        if token.text not in ("{", "<"):
            self.refuse(f"{token.text!r} where '{{' was expected", token.line)
        return _CLOSERS[token.text]

    def colon(self, field: _Token) -> None:
        token = self.need(f"{field.text!r} has no value")
        if token.text != ":":
            self.refuse(f"{token.text!r} where ':' was expected", token.line)

    def value(self, field: _Token) -> str:
        """A string in its pieces, or the words of a name without quotes."""
        first = self.need(f"{field.text!r} has no value")
        if first.kind == "string":
            pieces = [first.text]
            while (token := self.peek()) is not None and token.kind == "string":
                pieces.append(token.text)
                self.take()
            return b"".join(_unquoted(piece) for piece in pieces).decode("utf-8", "replace")
        if first.kind != "word":
            self.refuse(
                f"{first.text!r} where the value of {field.text!r} was expected", first.line
            )
        words = [first.text]
        # Up to the end of the line, or to the next field on it.
        while (
            (token := self.peek()) is not None
            and token.kind == "word"
            and token.line == first.line
            and not ((mark := self.peek(1)) is not None and mark.text in (":", "{", "<"))
        ):
            words.append(token.text)
            self.take()
        return " ".join(words)

    def skip_value(self, field: _Token) -> None:
        """Past the value of a field that is not needed."""
        token = self.need(f"{field.text!r} has no value")
        colon = token.text == ":"
        if colon:
            token = self.need(f"{field.text!r} has no value")
        if token.text in _CLOSERS:
            self._skip_to(_CLOSERS[token.text])
        elif not colon or token.kind == "mark":
            self.refuse(
                f"{token.text!r} where the value of {field.text!r} was expected", token.line
            )

    def _skip_to(self, closer: str) -> None:
        open_ones = [closer]
        while open_ones:
            token = self.need(f"{open_ones[-1]!r} is missing")
            if token.kind != "mark":
                continue
            if token.text in _CLOSERS:
                open_ones.append(_CLOSERS[token.text])
            elif token.text in _CLOSERS.values() and token.text != open_ones.pop():
                self.refuse(f"{token.text!r} where another bracket is open", token.line)

    def refuse(self, got: str, line: int) -> NoReturn:
        raise DatasetError(
            "the label map cannot be parsed",
            expected="item { id: 1 name: 'a' }, one for each class",
            got=got,
            where=f"line {line}",
        )


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    # Every character begins one of the branches.
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind != "space":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")


def _unquoted(piece: str) -> bytes:
    r"""The bytes of a string; escapes may be of any encoding, such as \303\251."""
    return _ESCAPE.sub(_escaped, piece[1:-1].encode("utf-8", "surrogatepass"))


def _escaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, other = match.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    return _CONTROL.get(other, other)
