"""Label files that are documents: JSON, what Python prints, and the ``names:`` of a data.yaml."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from validation.errors import DatasetError, first_few

# Under these keys a document has its classes; the first one that is there holds.
_HOLDERS = (
    "categories", "names", "class_names", "id2label", "label2id", "label_map", "labels", "classes",
    "items", "item",
)  # fmt: skip
_NAME_KEYS = ("display_name", "name", "label", "title", "class_name", "class", "category")
_NUMBER_KEYS = ("id", "class_id", "label_id", "category_id", "index")
_NAMES_LINE = re.compile(
    r"""^["']?(?:names|class_names|classes|labels)["']?[ \t]*[:=]"""
    # A number of classes names none.
    r"(?![ \t]*\d+[ \t]*$)[ \t]*(?P<rest>.*)$",
    re.MULTILINE,
)
_ASSIGNED = re.compile(r"\A[A-Za-z_]\w*\s*=\s*(?=[\[{])")
_COUNT_LINE = re.compile(r"^nc\s*:\s*(\d{1,9})\s*(?:#.*)?$", re.MULTILINE)
_REMARK = re.compile(r"(?:^|\s)#.*$")
_ENTRY = re.compile(r"""["']?(?P<number>\d{1,9})["']?\s*:(?:\s+(?P<name>.*)|$)""")
_WHOLE = re.compile(r"\s*\d{1,9}\s*")
# Python takes a hundred bytes for each character that it parses.
_MOST_LITERAL = 1 << 20
# What a parser raises on a text of any kind.
_NOT_PYTHON = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


class Document(NamedTuple):
    """The names of a document.

    Args:
        names: In the document's order.
        numbers: Of each name; empty where it is a list of names alone.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...] = ()


def is_document(text: str) -> bool:
    """True for what begins as JSON does, or has a key for names, as a data.yaml has."""
    return _value(text)[:1] in ("{", "[") or _NAMES_LINE.search(text) is not None


def parse_document(text: str) -> Document:
    """The classes of a JSON document, a Python literal or a data.yaml.

    Raises:
        DatasetError: None of them, or nothing in it that names classes.
    """
    value = _value(text)
    if value[:1] in ("{", "["):
        return _classes(_literal(value), "the document")
    found = _from_yaml(text)
    count = _COUNT_LINE.search(text)
    if count is not None and int(count[1]) != len(found.names):
        raise DatasetError(
            "the file contradicts itself",
            expected=f"{count[1]} names, as nc says",
            got=f"{len(found.names)} below names",
        )
    return found


def _value(text: str) -> str:
    """Without the variable that a list was copied with: ``LABELS = [...]``."""
    return _ASSIGNED.sub("", text.strip(), count=1)


def _literal(text: str) -> Any:
    """JSON, or what Python prints of a list or a dict."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        try:
            return _one_a_line(text) or _python(text)
        except _NOT_PYTHON:
            line = getattr(error, "lineno", None)
            raise DatasetError(
                "the label file cannot be parsed as JSON",
                expected="names by id, a list of names, or COCO's categories",
                got=error,
                where=None if line is None else f"line {line}",
            ) from error


def _one_a_line(text: str) -> list[Any] | None:
    """JSON Lines: an object on each line."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or not all(line.strip().startswith("{") for line in lines):
        return None
    try:
        return [json.loads(line, object_pairs_hook=_once) for line in lines]
    except (ValueError, RecursionError):
        return None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand there once each."""
    table = dict(pairs)
    if len(table) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise DatasetError(f"the key {twice!r} is used twice")
    return table


def _python(text: str) -> Any:
    if len(text) > _MOST_LITERAL:
        raise ValueError
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            if len(set(keys)) < len(keys):
                raise DatasetError("a key is used twice", where=f"line {node.lineno}")
    return ast.literal_eval(tree)


def _classes(value: Any, where: str) -> Document:
    if isinstance(value, list | tuple):
        return _from_list(value, where)
    if not isinstance(value, dict):
        raise _no_classes(value, where)
    if value and all(_is_number(key) for key in value):
        names = {int(key): _name(each, where) for key, each in value.items()}
        if len(names) < len(value):
            raise DatasetError("two keys are one number", where=where)
        for key, each in value.items():
            if isinstance(each, dict) and _number(each) not in (None, int(key)):
                raise DatasetError(
                    "an entry contradicts its key", got=f"{key}: {each}", where=where
                )
        return Document(tuple(names.values()), tuple(names))
    holder = next((key for key in _HOLDERS if isinstance(value.get(key), list | dict)), None)
    if holder is not None:
        return _classes(value[holder], f"key {holder!r}")
    numbers = [each if _is_number(each) else _number(each) for each in value.values()]
    if value and None not in numbers:
        return Document(
            tuple(map(str, value)), tuple(int(each) for each in numbers if each is not None)
        )
    raise _no_classes(first_few(value), where)


def _from_list(values: Sequence[Any], where: str) -> Document:
    names = tuple(_name(each, where) for each in values)
    if not any(isinstance(each, dict) for each in values):
        return Document(names)
    numbers = [_number(each) for each in values]
    if all(number is None for number in numbers):
        return Document(names)
    if None in numbers:
        raise DatasetError(
            "some classes have an id and others have none",
            got=repr(names[numbers.index(None)]),
            where=where,
        )
    return Document(names, tuple(number for number in numbers if number is not None))


def _name(value: Any, where: str) -> str:
    if isinstance(value, dict):
        named = next((value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)), None)
        if named is not None:
            return str(named).strip()
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _no_classes(value, where)


def _number(value: Any) -> int | None:
    if not isinstance(value, Mapping):
        return None
    return next((int(value[key]) for key in _NUMBER_KEYS if _is_number(value.get(key))), None)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _WHOLE.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def _no_classes(got: Any, where: str) -> DatasetError:
    return DatasetError(
        "the label file names no classes",
        expected="names by id, a list of names, or COCO's categories",
        got=repr(got)[:80],
        where=where,
    )


def _from_yaml(text: str) -> Document:
    found = _NAMES_LINE.search(text)
    assert found is not None
    rest = _REMARK.sub("", found["rest"]).strip()
    if rest[:1] in ("[", "{"):
        return _flow(text[found.start("rest") :])
    if rest:
        raise DatasetError(
            "the file names no classes itself",
            expected="names: with a list below it",
            got=rest,
            next_step="name the file that it points to",
        )
    names: list[str] = []
    numbers: list[int] = []
    for line in text[found.end() :].split("\n")[1:]:
        bare = _REMARK.sub("", line) if not re.search("[\"']", line) else line
        entry = bare.strip()
        if not entry or entry.startswith("#"):
            continue
        if entry == "-" or entry.startswith("- "):
            names.append(_scalar(entry[1:].strip()))
        elif (numbered := _ENTRY.fullmatch(entry)) is not None and line[:1] in (" ", "\t"):
            numbers.append(int(numbered["number"]))
            names.append(_scalar((numbered["name"] or "").strip()))
        elif line[:1] in (" ", "\t"):
            raise _no_classes(entry, "key 'names'")
        else:
            break
    if not names or (numbers and len(numbers) != len(names)):
        raise _no_classes(first_few(names), "key 'names'")
    return Document(tuple(names), tuple(numbers))


def _scalar(text: str) -> str:
    """A YAML scalar as text: quotes and what follows them taken off."""
    for quote, escaped in (("'", "''"), ('"', '\\"')):
        if text.startswith(quote):
            body = re.match(rf"{quote}((?:{re.escape(escaped)}|[^{quote}])*){quote}", text)
            if body is not None:
                return body[1].replace(escaped, quote)
    return _REMARK.sub("", text).strip()


def _flow(text: str) -> Document:
    """``[a, b]`` or ``{0: a, 1: b}``, on one line or several."""
    closer = {"[": "]", "{": "}"}[text.lstrip()[0]]
    end = _end_of_flow(text, closer)
    body = text[:end].strip()
    try:
        return _classes(_literal(re.sub(r"\n\s*", " ", body)), "key 'names'")
    except DatasetError:
        pieces = [piece.strip() for piece in _split(body[1:-1])]
    pieces = [piece for piece in pieces if piece]
    if closer == "]":
        return Document(tuple(map(_scalar, pieces)))
    entries = [_ENTRY.fullmatch(piece) for piece in pieces]
    if not all(entries):
        raise _no_classes(body, "key 'names'")
    matches = [entry for entry in entries if entry is not None]
    return Document(
        tuple(_scalar((match["name"] or "").strip()) for match in matches),
        tuple(int(match["number"]) for match in matches),
    )


_PIECE = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^,'"]+|['"]|(,)""", re.DOTALL)


def _split(text: str) -> list[str]:
    """At the commas that are in no quotes."""
    pieces = [""]
    for match in _PIECE.finditer(text):
        if match[1]:
            pieces.append("")
        else:
            pieces[-1] += match[0]
    return pieces


def _end_of_flow(text: str, closer: str) -> int:
    for match in re.finditer(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[\]}]""", text, re.DOTALL):
        if match[0] == closer:
            return match.end()
    raise DatasetError("the list is never closed", expected=closer, where="key 'names'")
