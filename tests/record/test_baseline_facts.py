"""The document of a baseline: read back as it was written, and refused where it is another."""

from __future__ import annotations

import dataclasses
import json

import pytest
from baseline_entries import FACTS
from hypothesis import given, settings

from validation.errors import RecordError, RecordVersionError
from validation.policy.limits import Status
from validation.record.baseline_facts import (
    BASELINE_VERSION,
    BaselineFacts,
    SubjectFacts,
    baseline_bytes,
    parse_baseline,
)
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey

_NONE = BaselineFacts(
    "run", "now", MachineClass("CPU", 2, "x86_64"), {"harness": "1"}, "", Status.PASS, ()
)


@given(FACTS)
@settings(max_examples=60, deadline=None)
def test_round_trip(facts: BaselineFacts) -> None:
    """Nothing is lost, and the same facts have the same bytes."""
    data = baseline_bytes(facts)
    read = parse_baseline(data, "baseline.json")
    assert read == facts
    assert baseline_bytes(read) == data


@given(FACTS)
@settings(max_examples=20, deadline=None)
def test_a_line_for_each_file(facts: BaselineFacts) -> None:
    """A diff of two baselines shows which files moved."""
    lines = baseline_bytes(facts).decode().splitlines()
    assert sum(line.startswith('  {"model": ') for line in lines) == len(facts.subjects)


def test_a_given_file_is_found_whatever_its_form() -> None:
    """One that was float and is int8 now is the same file; a variant of that name is not."""
    subject = SubjectFacts("m", "float", Status.PASS, "", 0, (), (), (), None, "", (), "d.tflite")
    facts = dataclasses.replace(_NONE, subjects=(subject,))
    assert facts.of(ModelKey("m", "int8", "d.tflite")) is subject
    assert facts.of(ModelKey("m", "float")) is None
    assert facts.of(ModelKey("m", "d.tflite")) is None


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"[]", b"{}", b'{"subjects": [}', b"NaN", b"[" * 100_000]
)
def test_anything_else_is_no_baseline(data: bytes) -> None:
    """Whatever the bytes are, the error is one of the harness and names the file."""
    with pytest.raises(RecordError, match=r"the file is no baseline.*\(mine\.json\)"):
        parse_baseline(data, "mine.json")


@pytest.mark.parametrize("version", [0, BASELINE_VERSION + 1, None, "1"])
def test_another_layout(version: object) -> None:
    """A baseline of another harness is refused, and how to have one of this is said."""
    document = json.loads(baseline_bytes(_NONE)) | {"version": version}
    with pytest.raises(RecordVersionError, match="--update-baseline"):
        parse_baseline(json.dumps(document).encode(), "mine.json")


def test_a_field_too_many() -> None:
    """What this harness does not write is not read past."""
    document = json.loads(baseline_bytes(_NONE)) | {"colour": "red"}
    with pytest.raises(RecordError, match=r"unknown key 'colour' \(mine\.json\)"):
        parse_baseline(json.dumps(document).encode(), "mine.json")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"processor": "CPU", "cores": "2", "architecture": "x86_64"}, ("CPU", 2, "x86_64")),
        ({"cores": "None"}, ("", 0, "")),
        ({}, ("", 0, "")),
    ],
)
def test_machine_class_of_a_header(header: dict[str, str], expected: tuple[str, int, str]) -> None:
    """What the system did not say is left empty."""
    assert MachineClass.of(header) == MachineClass(*expected)
