"""JSON and TOML into frozen dataclasses and back: the one converter of the harness, and strict.

A key that is unknown or missing, or a value of another type, is an error that names the key and
the entry. A bool is not a number, a whole number is accepted as a float, and NaN and the infinities
only pass as ``unstructure`` writes them, since neither JSON nor a data file may hold them.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
import math
import sys
import tomllib
import typing
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NewType, NoReturn, TypeVar

from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory, mapping_structure_factory
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, make_hetero_tuple_structure_fn

from validation.errors import CatalogueError, RecordError, ValidationError, did_you_mean
from validation.files.atomic import atomic_file
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes

Text = NewType("Text", str)
"""A text that is not blank."""
Positive = NewType("Positive", int)
"""A whole number above 0."""
PositiveNumber = NewType("PositiveNumber", float)
"""A number above 0."""

# A key of a JSON table is a text.
_WholeKey = NewType("_WholeKey", int)

_SPECIAL_FLOATS = ("nan", "inf", "-inf")
_Kind = TypeVar("_Kind")
_Hook = Callable[[Any, Any], Any]


class WrongValue(ValueError):
    """A value that its key cannot have.

    Args:
        expected: What would have been right.
        got: The value.
    """

    def __init__(self, expected: str, got: object) -> None:
        super().__init__(f"expected {expected}, got {got!r}")
        self.expected = expected
        self.got = got


def structure(kind: type[_Kind], value: Any, *, where: str = "") -> _Kind:
    """Make JSON types the dataclass, or any other type that a field may declare.

    Args:
        kind: The type. Every field has to be there, those with a default too.
        value: As `unstructure` gives it.
        where: File, for errors.

    Raises:
        RecordError: Keys unknown or missing, or a value of another type.
    """
    return _structure(kind, value, where, complete=True)


def unstructure(value: Any) -> Any:
    """A frozen dataclass, or anything inside one, as JSON types.

    Tuples become lists, enums their value, and floats that JSON cannot carry a table
    ``{"float": "nan"}``.
    """
    return _converter(complete=True).unstructure(value)


def read_toml(path: Path, kind: type[_Kind], version: int | None = None) -> _Kind:
    """A data file as a dataclass, whose fields with a default may be left out.

    Args:
        path: The file.
        kind: The type of the whole file.
        version: What the key ``version`` must say.

    Raises:
        CatalogueError: It cannot be read, is not TOML or has another version; or as `structure`.
    """
    try:
        data = read_bytes(path, Size.TEXT)
    except OSError as error:
        raise CatalogueError("the file cannot be read", got=error, where=path.name) from error
    return parse_toml(data, kind, version, where=path.name)


def parse_toml(data: bytes, kind: type[_Kind], version: int | None = None, *, where: str) -> _Kind:
    """The bytes of a data file as a dataclass, see `read_toml`.

    Raises:
        CatalogueError: It is not TOML or has another version; or as `structure`.
    """
    with guarded(CatalogueError, "the file cannot be read", where=where):
        values = tomllib.loads(data.decode("utf-8"))
    if version is not None and values.get("version") != version:
        raise CatalogueError(
            "the file has another layout",
            expected=f"version = {version}",
            got=values.get("version"),
            where=where,
        )
    return structure_table(kind, values, where=where)


def structure_table(kind: type[_Kind], value: Any, *, where: str) -> _Kind:
    """As `structure`, for a table of a data file: fields with a default may be left out."""
    return _structure(kind, value, where, complete=False)


def read_json(path: Path, kind: type[_Kind]) -> _Kind:
    """A file that `write_json` wrote, as the type.

    Raises:
        RecordError: It cannot be read; or as `structure`.
    """
    with guarded(RecordError, "the file cannot be read", where=path):
        value = json.loads(read_bytes(path, Size.TABLE), parse_constant=refuse_constant)
    return structure(kind, value, where=path.name)


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass as one JSON document, indented, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    text = json.dumps(unstructure(value), indent=2, allow_nan=False)
    with atomic_file(path) as file:
        file.write(f"{text}\n".encode())


def refuse_constant(name: str) -> NoReturn:
    """Pass this to ``json.loads`` as ``parse_constant``: NaN and the infinities are not JSON."""
    raise ValueError(f"{name} is not JSON")


def register(kind: Any, expected: str, parse: Callable[[Any], Any]) -> None:
    """Declare how a NewType is read from JSON or TOML, in every converter.

    Args:
        kind: The NewType.
        expected: What is right, for errors.
        parse: Returns the value to keep; ValueError and TypeError say that it is wrong.
    """

    def hook(value: Any, _: Any) -> Any:
        try:
            return parse(value)
        except (ValueError, TypeError) as error:
            raise WrongValue(expected, value) from error

    for complete in (True, False):
        _converter(complete=complete).register_structure_hook(kind, hook)


def register_union(union: Any, key: str) -> None:
    """Declare a union of dataclasses in data files: a table gives the name of its class.

    Args:
        union: The dataclasses, ``A | B``.
        key: Key of the table that holds the name.
    """
    kinds = {kind.__name__: kind for kind in typing.get_args(union)}

    def hook(value: Any, _: Any) -> Any:
        name = value.get(key) if isinstance(value, dict) else None
        if name not in kinds:
            raise WrongValue(f"a table whose {key} is {' | '.join(kinds)}", value)
        fields = {field: each for field, each in value.items() if field != key}
        return _converter(complete=False).structure(fields, kinds[name])

    _converter(complete=False).register_structure_hook(union, hook)


def _text(value: Any) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError


def _positive(value: Any) -> Any:
    if _number(_finite(value)) > 0:
        return value
    raise ValueError


@functools.cache
def _converter(*, complete: bool) -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _primitive)
    for enumeration in (enum.Enum, enum.StrEnum):
        # Both: a StrEnum is a str first.
        converter.register_structure_hook(enumeration, _enum)
        converter.register_unstructure_hook(enumeration, lambda value: value.value)
    # Only a document that this code wrote may hold NaN, in the form that it has there.
    read = _revived if complete else _finite
    converter.register_structure_hook(float, lambda value, _: _number(read(value)))
    converter.register_structure_hook_func(lambda kind: kind is Any, lambda value, _: read(value))
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_mapping, _mapping_hook)
    converter.register_structure_hook_factory(
        dataclasses.is_dataclass, functools.partial(_dataclass_hook, complete=complete)
    )
    converter.register_unstructure_hook(
        float, lambda value: value if math.isfinite(value) else {"float": str(float(value))}
    )
    return converter


def _primitive(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise WrongValue(_NAMES[kind], value)
    return _finite(value)


def _positive_whole(value: Any) -> Any:
    return _primitive(_positive(value), int)


_NAMES = {str: "a text", int: "a whole number", bool: "true or false"}


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue("a number", value)
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise WrongValue("a number that a float holds", value)
    return value


def _finite(value: Any) -> Any:
    """Any value of JSON or TOML but NaN, the infinities, and numbers that no array holds."""
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _finite(item)
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongValue("a finite number", value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise WrongValue("a whole number of 64 bits", f"one of {len(str(abs(value)))} digits")
    return value


def _revived(value: Any) -> Any:
    """As `_finite`, with the floats that `unstructure` spelt out."""
    if isinstance(value, list):
        return [_revived(item) for item in value]
    if isinstance(value, dict) and value.keys() == {"float"} and value["float"] in _SPECIAL_FLOATS:
        return float(value["float"])
    return _finite(value)


def _enum(value: Any, kind: type[enum.Enum]) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise WrongValue(" | ".join(str(each.value) for each in kind), value) from error


def _is_tuple(kind: Any) -> bool:
    return typing.get_origin(kind) is tuple


def _tuple_hook(kind: Any, converter: Converter) -> _Hook:
    arguments = typing.get_args(kind)
    if arguments[-1] is Ellipsis:
        return _only(list, "a list", homogenous_tuple_structure_factory(kind, converter))
    inner = make_hetero_tuple_structure_fn(kind, converter)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, list) or len(value) != len(arguments):
            raise WrongValue(f"a list of {len(arguments)}", value)
        return inner(value, kind)

    return hook


def _is_mapping(kind: Any) -> bool:
    origin = typing.get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _mapping_hook(kind: Any, converter: Converter) -> _Hook:
    key, _ = typing.get_args(kind)
    inner = mapping_structure_factory(kind, converter, key_type=_WholeKey if key is int else key)
    return _only(dict, "a table", inner)


def _only(base: type, expected: str, inner: _Hook) -> _Hook:
    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, base):
            raise WrongValue(expected, value)
        return inner(value, kind)

    return hook


def _dataclass_hook(kind: type, converter: Converter, *, complete: bool) -> _Hook:
    fields = dataclasses.fields(kind)
    names = frozenset(field.name for field in fields)
    absent = dataclasses.MISSING
    needed = frozenset(
        field.name
        for field in fields
        if complete or (field.default is absent and field.default_factory is absent)
    )
    inner: _Hook = make_dict_structure_fn(kind, converter)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise WrongValue("a table", value)
        keys = value.keys()
        if not needed <= keys <= names:
            raise _WrongKeys(keys, names, needed)
        return inner(value, kind)

    return hook


class _WrongKeys(ValueError):
    def __init__(
        self, keys: Collection[str], known: frozenset[str], needed: frozenset[str]
    ) -> None:
        super().__init__()
        self.unknown = next((key for key in keys if key not in known), None)
        self.missing = min(needed.difference(keys), default=None)
        self.known = sorted(known)


def _structure(kind: type[_Kind], value: Any, where: str, *, complete: bool) -> _Kind:
    try:
        return _converter(complete=complete).structure(value, kind)
    except (BaseValidationError, WrongValue, _WrongKeys) as first:
        error = RecordError if complete else CatalogueError
        raise _first_error(first, value, where, error) from None


def _first_error(
    cause: BaseException, value: Any, where: str, error: type[ValidationError]
) -> ValidationError:
    """The first thing that is wrong, by the path that cattrs noted on the way up to it."""
    parts = [where] if where else []
    steps: list[str] = []
    while isinstance(cause, BaseValidationError):
        cause = cause.exceptions[0]
        for note in getattr(cause, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                steps.append(note.name)
                value = value[note.name]
            elif isinstance(note, IterableValidationNote):
                value = value[note.index]
                steps[-1:] = [f"{''.join(steps[-1:])} {_label(note.index, value)}".strip()]
    if isinstance(cause, _WrongKeys):
        at = ", ".join(parts + steps) or None
        if cause.unknown is not None:
            advice = did_you_mean(cause.unknown, cause.known)
            return error(f"unknown key {cause.unknown!r}", where=at, next_step=advice)
        return error(f"the key {cause.missing!r} is missing", where=at)
    if isinstance(cause, ValidationError):
        del cause.__notes__
        cause.where = cause.where or ", ".join(parts + steps) or None
        return cause
    key = steps.pop() if steps else "the value"
    at = ", ".join(parts + steps) or None
    if isinstance(cause, WrongValue):
        return error(f"{key} is wrong", expected=cause.expected, got=repr(cause.got), where=at)
    return error(f"{key} is wrong", got=cause, where=at)


def _label(index: int | str, value: Any) -> str:
    """How an entry is called: by its name, else by its number from 1, else by its key."""
    if isinstance(index, str):
        return index
    name = value.get("name") if isinstance(value, Mapping) else None
    return repr(name) if name else str(index + 1)


register(Text, "a text", _text)
register(_WholeKey, "a whole number", int)
register(Positive, "a whole number above 0", _positive_whole)
register(PositiveNumber, "a number above 0", _positive)
