"""Frozen dataclasses become JSON and come back the same, or not at all."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import RecordError
from validation.files.plain import from_plain, to_plain


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


_FLOATS = st.floats(allow_nan=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | _FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
_INNER = st.builds(
    Inner,
    st.integers(),
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
    st.tuples(st.integers(), st.text()),
    st.lists(_INNER, max_size=2).map(tuple),
    st.none() | _INNER,
    st.dictionaries(_KEYS, st.text() | st.just("nan"), max_size=3),
    st.dictionaries(_KEYS, st.integers(), max_size=3),
)
_SAMPLE = Inner(1, 0.5, "n", True, Colour.RED, None, [1, "a"])


def _again(kind: type, value: object) -> Any:
    return from_plain(kind, json.loads(json.dumps(to_plain(value), allow_nan=False)))


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
    plain = to_plain(written)
    assert plain["share"] == {"float": str(float(special))}
    read = _again(Inner, written)
    for got in (read.share, read.size, read.anything[0]):
        assert type(got) is float
        assert got == special or (math.isnan(got) and math.isnan(special))


def test_plain_types() -> None:
    """Tuples are lists, enums their value, dataclasses tables in field order."""
    plain = to_plain(Outer((1, "a"), (_SAMPLE,), None, {"k": "v"}))
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
    }
    assert type(plain["many"][0]["colour"]) is str


def test_whole_numbers_are_floats_too() -> None:
    """JSON has one kind of number: 1 may stand where 1.0 was meant."""
    assert from_plain(Inner, to_plain(_SAMPLE) | {"share": 1}).share == 1


def _changed(**changes: object) -> Mapping[str, object]:
    plain = to_plain(_SAMPLE) | changes
    return {name: value for name, value in plain.items() if value is not ...}


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (_changed(extra=1, more=2), "Inner with fields that it does not have: got extra, more"),
        (_changed(count=..., flag=...), "Inner cannot be rebuilt: got no count, flag"),
        (_changed(count="1"), "'1' where a int belongs"),
        (_changed(count=1.0), "1.0 where a int belongs"),
        (_changed(count=True), "True where a int belongs"),
        (_changed(count=None), "None where a int belongs"),
        (_changed(share="0.5"), "'0.5' where a float belongs"),
        (_changed(share=True), "True where a float belongs"),
        (_changed(share={"float": "wide"}), "where a float belongs"),
        (_changed(name=5), "5 where a str belongs"),
        (_changed(flag=1), "1 where a bool belongs"),
        (_changed(colour="green"), "'green' is not a valid Colour"),
        (_changed(size="big"), "'big' where a float belongs"),
    ],
)
def test_inner_that_does_not_fit(plain: Mapping[str, object], message: str) -> None:
    """Fields too many, too few or of another kind are refused, never guessed at."""
    with pytest.raises(RecordError, match=message):
        from_plain(Inner, plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pair": "1a"}, "'1a' where a list belongs"),
        ({"pair": [1]}, "shorter"),
        ({"pair": [1, "a", 2]}, "longer"),
        ({"many": "abc"}, "'abc' where a list belongs"),
        ({"many": [3]}, "no Inner: expected a table of fields, got 3"),
        ({"one": []}, "no Inner"),
        ({"names": ["k"]}, "where a dict belongs"),
        ({"names": {"k": 1}}, "1 where a str belongs"),
    ],
)
def test_outer_that_does_not_fit(changes: dict[str, object], message: str) -> None:
    """A text is no list of letters, and a fixed pair has two parts."""
    plain = to_plain(Outer((1, "a"), (), None))
    with pytest.raises(RecordError, match=message):
        from_plain(Outer, plain | changes)


@pytest.mark.parametrize("plain", [None, 3, "Inner", [1]])
def test_what_is_no_table_is_no_dataclass(plain: object) -> None:
    """The outermost value is held to the same rule."""
    with pytest.raises(RecordError, match="no Inner: expected a table of fields"):
        from_plain(Inner, plain)
