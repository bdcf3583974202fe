"""Frozen dataclasses become JSON and come back the same, or not at all."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import CatalogueError, RecordError
from validation.files.structured import (
    Positive,
    PositiveNumber,
    Text,
    read_json,
    read_toml,
    register_union,
    structure,
    unstructure,
    write_json,
)


class Colour(enum.StrEnum):
    """Two to choose from."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    """One of everything that a field may be."""

    count: int
    share: float
    name: str
    flag: bool
    colour: Colour
    size: float | None
    anything: Any


@dataclass(frozen=True)
class Outer:
    """Tables and lists of those."""

    pair: tuple[int, str]
    many: tuple[Inner, ...]
    one: Inner | None
    names: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    by_id: Mapping[int, float] = field(default_factory=dict)


_FLOATS = st.floats(allow_nan=False)
# Whole numbers of 64 bits; others are refused.
_WHOLE = st.integers(-(2**63), 2**63 - 1)
_JSON = st.recursive(
    st.none() | st.booleans() | _WHOLE | _FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
_INNER = st.builds(
    Inner,
    _WHOLE,
    _FLOATS,
    st.text(),
    st.booleans(),
    st.sampled_from(Colour),
    st.none() | _FLOATS,
    _JSON,
)
_KEYS = st.text() | st.just("float")
_OUTER = st.builds(
    Outer,
    st.tuples(_WHOLE, st.text()),
    st.lists(_INNER, max_size=2).map(tuple),
    st.none() | _INNER,
    st.dictionaries(_KEYS, st.text() | st.just("nan"), max_size=3),
    st.dictionaries(_KEYS, _WHOLE, max_size=3),
    st.dictionaries(_WHOLE, _FLOATS, max_size=3),
)
_SAMPLE = Inner(1, 0.5, "n", True, Colour.RED, None, [1, "a"])


def _again(kind: type, value: object) -> Any:
    return structure(kind, json.loads(json.dumps(unstructure(value), allow_nan=False)))


@given(_OUTER)
@settings(max_examples=60, deadline=None)
def test_round_trip(value: Outer) -> None:
    """What was written is what is read, infinities included."""
    assert _again(Outer, value) == value


@pytest.mark.parametrize(
    "special", [math.nan, math.inf, -math.inf, np.float64("nan"), np.float64("inf")]
)
def test_floats_that_json_lacks(special: float) -> None:
    """NaN and the infinities are spelt out, in float fields and inside of anything."""
    written = Inner(1, special, "n", True, Colour.RED, special, [special, 2])
    plain = unstructure(written)
    assert plain["share"] == {"float": str(float(special))}
    read = _again(Inner, written)
    for got in (read.share, read.size, read.anything[0]):
        assert type(got) is float
        assert got == special or (math.isnan(got) and math.isnan(special))


def test_plain_types() -> None:
    """Tuples are lists, enums their value, dataclasses tables in field order."""
    plain = unstructure(Outer((1, "a"), (_SAMPLE,), None, {"k": "v"}))
    assert plain == {
        "pair": [1, "a"],
        "many": [
            {
                "count": 1,
                "share": 0.5,
                "name": "n",
                "flag": True,
                "colour": "red",
                "size": None,
                "anything": [1, "a"],
            }
        ],
        "one": None,
        "names": {"k": "v"},
        "counts": {},
        "by_id": {},
    }
    assert type(plain["many"][0]["colour"]) is str


def test_whole_numbers_are_floats_too() -> None:
    """JSON has one kind of number: 1 may stand where 1.0 was meant."""
    assert structure(Inner, unstructure(_SAMPLE) | {"share": 1}).share == 1


def _changed(**changes: object) -> Mapping[str, object]:
    plain = unstructure(_SAMPLE) | changes
    return {name: value for name, value in plain.items() if value is not ...}


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (_changed(extra=1, more=2), "unknown key 'extra'; did you mean"),
        (_changed(count=..., flag=...), "the key 'count' is missing"),
        (_changed(count="1"), "count is wrong: expected a whole number, got '1'"),
        (_changed(count=1.0), "count is wrong: .*got 1.0"),
        (_changed(count=True), "count is wrong: .*got True"),
        (_changed(count=None), "count is wrong: .*got None"),
        (_changed(share="0.5"), "share is wrong: expected a number, got '0.5'"),
        (_changed(share=True), "share is wrong: .*got True"),
        (_changed(share={"float": "wide"}), "share is wrong"),
        (_changed(name=5), "name is wrong: expected a text, got 5"),
        (_changed(flag=1), "flag is wrong: expected true or false, got 1"),
        (_changed(colour="green"), r"colour is wrong: expected red \| blue, got 'green'"),
        (_changed(share=math.nan), "share is wrong: expected a finite number, got nan"),
        (_changed(size=math.inf), "size is wrong: expected a finite number, got inf"),
        (_changed(size="big"), "size is wrong: .*got 'big'"),
    ],
)
def test_inner_that_does_not_fit(plain: Mapping[str, object], message: str) -> None:
    """Fields too many, too few or of another kind are refused, never guessed at."""
    with pytest.raises(RecordError, match=message):
        structure(Inner, plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pair": "1a"}, "pair is wrong: expected a list of 2, got '1a'"),
        ({"pair": [1]}, "pair is wrong: .*a list of 2"),
        ({"pair": [1, "a", 2]}, "pair is wrong: .*a list of 2"),
        ({"many": "abc"}, "many is wrong: expected a list, got 'abc'"),
        ({"many": [3]}, "many 1 is wrong: expected a table, got 3"),
        ({"one": []}, "one is wrong: expected a table"),
        ({"names": ["k"]}, "names is wrong: expected a table"),
        ({"names": {"k": 1}}, "names k is wrong: expected a text, got 1"),
    ],
)
def test_outer_that_does_not_fit(changes: dict[str, object], message: str) -> None:
    """A text is no list of letters, and a fixed pair has two parts."""
    plain = unstructure(Outer((1, "a"), (), None))
    with pytest.raises(RecordError, match=message):
        structure(Outer, plain | changes)


@pytest.mark.parametrize("plain", [None, 3, "Inner", [1]])
def test_what_is_no_table_is_no_dataclass(plain: object) -> None:
    """The outermost value is held to the same rule."""
    with pytest.raises(RecordError, match="the value is wrong: expected a table"):
        structure(Inner, plain)


_NONE, _ONE = Text("none"), Positive(1)


@dataclass(frozen=True)
class _File:
    version: int
    entry: tuple[Inner, ...] = ()
    name: Text = _NONE
    steps: Positive = _ONE
    rate: PositiveNumber | None = None


def _toml(folder: Path, text: str) -> _File:
    path = folder / "data.toml"
    path.write_text(text)
    return read_toml(path, _File, 1)


def test_a_data_file_may_leave_defaults_out(tmp_path: Path) -> None:
    """Unlike a document that this code wrote, a file by hand says only what it must."""
    assert _toml(tmp_path, "version = 1\nrate = 2\n") == _File(1, rate=PositiveNumber(2))
    with pytest.raises(RecordError, match="the key 'entry' is missing"):
        structure(_File, {"version": 1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 2", r"another layout \(data.toml\): expected version = 1, got 2"),
        ("versoin = 1", "another layout"),
        ("version = 1\nstep = 2", r"unknown key 'step' \(data.toml\); did you mean 'steps'"),
        ("version = 1\nsteps = 0", "steps is wrong .*a whole number above 0, got 0"),
        ("version = 1\nsteps = 1.5", "steps is wrong"),
        ("version = 1\nrate = nan", "rate is wrong .*a number above 0, got nan"),
        ("version = 1\nrate = true", "rate is wrong"),
        ("version = 1\nname = ' '", "name is wrong .*a text"),
        ("version = 1\n[[entry]]\n", r"the key '\w+' is missing \(data.toml, entry 1\)"),
        ("version = 1\n[[entry]]\nname = 'b'\ncuont = 3", r"'cuont' \(data.toml, entry 'b'\)"),
        ("version =", r"the file cannot be read \(data.toml\)"),
    ],
)
def test_data_file_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    """The error names file, entry and key, and the closest key that there is."""
    with pytest.raises(CatalogueError, match=message):
        _toml(tmp_path, text)


@dataclass(frozen=True)
class Circle:
    """One of two shapes."""

    radius: int


@dataclass(frozen=True)
class Square:
    """The other."""

    side: int = 1


Shape = Circle | Square
register_union(Shape, "shape")


def test_a_table_names_the_class_of_a_union(tmp_path: Path) -> None:
    """Classes of equal or absent keys are distinguished, and each is as strict as alone."""
    path = tmp_path / "shapes.toml"
    path.write_text('rows = [{ shape = "Square" }, { shape = "Circle", radius = 2 }]')
    assert read_toml(path, dict[str, tuple[Shape, ...]]) == {"rows": (Square(), Circle(2))}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{ shape = "Oval" }', r"expected a table whose shape is Circle \| Square"),
        ("{ side = 2 }", r"expected a table whose shape is Circle \| Square"),
        ("3", r"expected a table whose shape is Circle \| Square"),
        ('{ shape = "Circle", side = 2 }', "unknown key 'side'"),
        ('{ shape = "Circle" }', "the key 'radius' is missing"),
    ],
)
def test_a_row_that_is_of_no_class_of_a_union(tmp_path: Path, row: str, message: str) -> None:
    """The message names the classes that there are, or the key that is wrong, and the row."""
    path = tmp_path / "shapes.toml"
    path.write_text(f"rows = [{row}]")
    with pytest.raises(CatalogueError, match=f"{message}.*shapes.toml, rows 1|rows 1.*{message}"):
        read_toml(path, dict[str, tuple[Shape, ...]])


@given(_OUTER)
@settings(max_examples=20, deadline=None)
def test_json_file(tmp_path_factory: pytest.TempPathFactory, value: Outer) -> None:
    """A dataclass comes back from its file."""
    path = tmp_path_factory.mktemp("json") / "facts.json"
    write_json(path, value)
    assert read_json(path, Outer) == value


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000])
def test_json_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """Torn and foreign documents are refused, NaN included."""
    path = tmp_path / "facts.json"
    path.write_text(text)
    with pytest.raises(RecordError, match=r"the file cannot be read .*facts.json"):
        read_json(path, Outer)
