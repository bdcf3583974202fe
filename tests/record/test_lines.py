"""Every entry of a record survives its line of JSON, and a wrong line is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import write_record_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from record_entries import ENTRIES

from validation.errors import RecordError, RecordVersionError
from validation.policy.limits import Limit, Status
from validation.record.lines import Entry, from_line, to_line
from validation.record.run import (
    RECORD_VERSION,
    Header,
    Stage,
    Step,
)
from validation.record.types import (
    CheckResult,
    Measure,
    ModelKey,
)

_HEADER = Header("run", "now", (ModelKey("m", "float"),), {}, {}, {}, "00")
_STEP = Step("m", Stage.EXPORT, "export", 1.0, True)


def _again(entry: Entry) -> Entry:
    return from_line(json.loads(json.dumps(to_line(entry), allow_nan=False)))


@pytest.mark.parametrize("kind", ENTRIES)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_round_trip(kind: str, data: st.DataObject) -> None:
    """Each kind of entry is read back as it was written, under its own name."""
    entry = data.draw(ENTRIES[kind])
    assert to_line(entry)["kind"] == kind
    assert _again(entry) == entry


_SCHEMA = Draft202012Validator(write_record_schema.schema())


@pytest.mark.parametrize("kind", ENTRIES)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_lines_fit_the_schema(kind: str, data: st.DataObject) -> None:
    """What is written is what the published schema allows."""
    _SCHEMA.validate(to_line(data.draw(ENTRIES[kind])))


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "step", "model": "m", "stage": "export", "step": "export", "seconds": 1.0},
        to_line(_STEP) | {"colour": "red"},
        to_line(_STEP) | {"stage": "dream"},
        to_line(_STEP) | {"seconds": {"float": "many"}},
        to_line(_STEP) | {"kind": "footer"},
        to_line(_HEADER) | {"version": RECORD_VERSION + 1},
    ],
    ids=["missing", "left over", "word", "number", "kind", "version"],
)
def test_schema_refuses_what_the_reader_refuses(line: dict[str, Any]) -> None:
    """A program that has only the schema is not looser than this one."""
    assert not _SCHEMA.is_valid(line)
    with pytest.raises(RecordError):
        from_line(line)


def test_every_kind_of_entry_is_tried() -> None:
    """A new kind of entry needs a round trip of its own."""
    assert len(Entry.__args__) == len(ENTRIES)


@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
def test_undefined_measures_stay_undefined(special: float) -> None:
    """A NaN that was measured is a NaN in the record, and still fails there."""
    limit = Limit("max", 1.0, "test")
    result = CheckResult.judged("c", ModelKey("m", "float"), (Measure("x", special, limit),))
    read = _again(result)
    assert isinstance(read, CheckResult)
    (measure,) = read.measures
    assert str(measure.value) == str(special)
    assert measure.status is Status.FAIL


@pytest.mark.parametrize("line", [{}, {"kind": None}, {"kind": "verdict"}, {"kind": "Header"}])
def test_unknown_kind(line: dict[str, object]) -> None:
    """A line says what it is, in one of the known words."""
    with pytest.raises(RecordError, match=r"unknown kind of record line: expected header \| check"):
        from_line(line)


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (RECORD_VERSION + 1, "install the newer harness"),
        (RECORD_VERSION - 1, "run the suites again"),
        (None, "run the suites again"),
        ("1.5", "run the suites again"),
    ],
)
def test_other_layout(version: object, advice: str) -> None:
    """Newer and older records are refused, each with advice that helps."""
    line = to_line(_HEADER) | {"version": version}
    with pytest.raises(
        RecordVersionError, match=f"expected version {RECORD_VERSION}, got version {version}; .*"
    ) as caught:
        from_line(line)
    assert advice in str(caught.value)


def test_version_is_looked_at_first() -> None:
    """Fields of another layout are no fault of the record's writer."""
    line = to_line(_HEADER) | {"version": RECORD_VERSION + 1, "surprise": 1}
    with pytest.raises(RecordVersionError, match="another layout"):
        from_line(line)


@given(st.sampled_from(sorted(to_line(_HEADER))))
@settings(max_examples=15, deadline=None)
def test_a_lost_field_is_refused(name: str) -> None:
    """Also one that has a default: nothing is filled in on reading."""
    line = to_line(_HEADER)
    del line[name]
    with pytest.raises(RecordError, match=r"unknown kind|another layout|the key '\w+' is missing"):
        from_line(line)


def test_a_field_too_many_is_refused() -> None:
    """What the dataclass does not have was written by something else."""
    line = to_line(_STEP) | {"colour": "red"}
    with pytest.raises(RecordError, match=r"unknown key 'colour' \(step\)"):
        from_line(line)


def test_the_line_is_left_as_it_was() -> None:
    """Reading takes nothing out of the caller's table."""
    line = to_line(_HEADER)
    from_line(line)
    assert line == to_line(_HEADER)
