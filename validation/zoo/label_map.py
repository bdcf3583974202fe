"""Class names by id, from the OD API's label maps or from plain lists of names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from validation.errors import DatasetError

# Names that stand for id 0, the background; also the first line of a plain list.
_BACKGROUND = ("???", "background")
_CLOSING = {"{": "}", "<": ">", "[": "]"}
_TOKEN = re.compile(
    r"""(?P<space>[\s,;]+|\#[^\n]*)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<mark>[{}<>\[\]:])
    |(?P<word>[^\s,;{}<>\[\]:"'\#]+)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_FIRST_ITEM = re.compile(r"\ufeff?(?:\s|#[^\n]*\n)*item\s*:?\s*[{<]")


@dataclass(frozen=True)
class _Token:
    kind: str  # text (unquoted), mark, word, or end
    text: str
    line: int

    def opens(self) -> bool:
        return self.kind == "mark" and self.text in _CLOSING

    def is_mark(self, text: str) -> bool:
        return self.kind == "mark" and self.text == text


def is_label_map(text: str) -> bool:
    """True when the text begins as the OD API's label maps do, with an item."""
    return _FIRST_ITEM.match(text) is not None


def read_label_map(path: Path) -> dict[int, str]:
    """`parse_label_map` of a file.

    Raises:
        DatasetError: The file cannot be read or is no label map.
    """
    try:
        return parse_label_map(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError("the label map cannot be read", got=error, where=path) from error
    except DatasetError as error:
        error.where = path if error.where is None else f"{path}, {error.where}"
        raise


def parse_label_map(text: str) -> dict[int, str]:
    """Class name of each id, in file order.

    Two forms are read. ``item { id: 1 name: "a" display_name: "b" }`` in protobuf text
    format, where display_name is preferred and fields that are not needed are skipped.
    Otherwise one name a line, ids from 1; a first line ``???`` or ``background`` stands for
    id 0, and ``???`` on a later line for an id that no class has.

    Args:
        text: Content of the file.

    Returns:
        Names by id, without the background.

    Raises:
        DatasetError: Not of either form, an id twice, or an id without a name.
    """
    names = _from_items(text) if is_label_map(text) else _from_lines(text)
    if not names:
        raise DatasetError("the label map names no class")
    return names


def _from_lines(text: str) -> dict[int, str]:
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        if not line or line.endswith(("{", "}")):
            raise DatasetError(
                "a label list has one name a line",
                got=repr(line) if line else "an empty line, which would shift the ids after it",
                where=f"line {number}",
            )
    first = 0 if lines and lines[0] in _BACKGROUND else 1
    return {number: name for number, name in enumerate(lines, first) if number and name != "???"}


def _from_items(text: str) -> dict[int, str]:
    names: dict[int, str] = {}
    tokens = _tokens(text.removeprefix("\ufeff"))
    for token in tokens:
        if token.kind == "end":
            break
        if token.kind != "word" or token.text != "item":
            raise _unexpected(token, "item")
        opening = next(tokens)
        if opening.is_mark(":"):
            opening = next(tokens)
        if not opening.opens() or opening.text == "[":
            raise _unexpected(opening, "{")
        found = _item(tokens, token.line, _CLOSING[opening.text])
        if found is None:
            continue
        number, name = found
        if number in names:
            raise DatasetError(
                f"label id {number} stands twice",
                got=f"{names[number]!r} and {name!r}",
                where=f"line {token.line}",
            )
        names[number] = name
    return names


def _item(tokens: Iterator[_Token], line: int, closing: str) -> tuple[int, str] | None:
    """Id and name of one item; None for the background, which is no class."""
    fields: dict[str, str] = {}
    for token in tokens:
        if token.is_mark(closing):
            break
        if token.kind != "word":
            raise _unexpected(token, "a field of the item")
        value = _value(tokens)
        if value is not None:
            fields[token.text] = value
    name = fields.get("display_name") or fields.get("name")
    # protobuf leaves a zero out, and 0 is the background's id.
    number = fields.get("id", "0")
    if re.fullmatch("[0-9]{1,9}", number) is None:
        raise DatasetError(
            "a label id is a whole number from 1 up", got=number, where=f"line {line}"
        )
    if int(number) == 0:
        if name in _BACKGROUND:
            return None
        raise DatasetError(
            "a label without an id of its own",
            expected="id from 1 up, 0 is the background",
            got=repr(name),
            where=f"line {line}",
        )
    if not name:
        raise DatasetError(f"label id {int(number)} has no name", where=f"line {line}")
    return int(number), name


def _value(tokens: Iterator[_Token]) -> str | None:
    """The scalar after a field's name; None for a message or list, which is skipped."""
    token = next(tokens)
    colon = token.is_mark(":")
    if colon:
        token = next(tokens)
    if token.opens():
        _skip(tokens, _CLOSING[token.text])
        return None
    if not colon or token.kind not in ("text", "word"):
        raise _unexpected(token, "a value")
    return token.text


def _skip(tokens: Iterator[_Token], closing: str) -> None:
    """Move behind the bracket that closes the one just read."""
    expected = [closing]
    while expected:
        token = next(tokens)
        if token.kind == "end":
            raise _unexpected(token, expected[-1])
        if token.opens():
            expected.append(_CLOSING[token.text])
        elif token.kind == "mark" and token.text != ":" and token.text != expected.pop():
            raise _unexpected(token, "the bracket that matches")


def _tokens(text: str) -> Iterator[_Token]:
    """The tokens of protobuf text format, then ``end`` for ever, so that next() never fails."""
    line = 1
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unexpected(
                _Token("text", text[position : position + 20], line), "a whole string"
            )
        kind = str(match.lastgroup)
        if kind != "space":
            found = match.group()
            yield _Token(kind, _unquoted(found) if kind == "text" else found, line)
        line += match.group().count("\n")
        position = match.end()
    while True:
        yield _Token("end", "", line)


def _unquoted(text: str) -> str:
    """Text format escapes are bytes: two octal ones may be one letter of UTF-8."""
    data = _ESCAPE.sub(_escaped, text[1:-1].encode("utf-8", "surrogatepass"))
    return data.decode("utf-8", "replace")


def _escaped(match: re.Match[bytes]) -> bytes:
    hexadecimal, octal, letter = match.groups()
    if hexadecimal or octal:
        return bytes([(int(hexadecimal, 16) if hexadecimal else int(octal, 8)) & 255])
    return _ESCAPED.get(letter, letter)


def _unexpected(token: _Token, expected: str) -> DatasetError:
    got = "the end of the file" if token.kind == "end" else repr(token.text)
    return DatasetError(
        "the label map cannot be parsed", expected=expected, got=got, where=f"line {token.line}"
    )
