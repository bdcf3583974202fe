"""A diagnosis is one sentence, with as much as is known, and a next step."""

from __future__ import annotations

import dataclasses

import pytest

from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import by_directness, describe_diagnosis, next_step
from validation.record.lines import from_line, to_line

_DIAGNOSIS = Diagnosis(
    "ssd",
    "float",
    FaultKind.BOX_SCALES,
    Place.FILE,
    DiagnosedBy.CONTRACT,
    expected=[10.0, 10.0, 5.0, 5.0],
    got=[1.0, 1.0, 1.0, 1.0],
    measure="AP",
    before=0.002,
    after=0.695,
)


@pytest.mark.parametrize("fault", FaultKind)
@pytest.mark.parametrize("values", [{}, {"where": "a {b} c", "expected": 10, "got": [1.5, "x{"]}])
def test_every_fault_has_words(fault: FaultKind, values: dict[str, object]) -> None:
    """With values, whatever letters they have, and without any."""
    diagnosis = Diagnosis("m", "float", fault, Place.FILE, DiagnosedBy.LAYERS, **values)
    said = describe_diagnosis(diagnosis)
    assert said.startswith(".tflite: ")
    assert len(said) > len(".tflite: ")
    assert "|" not in said
    assert next_step(diagnosis)
    if not values:
        assert "{" not in said + next_step(diagnosis)


def test_with_all_that_is_known() -> None:
    """Values, further places, figures, and what explains it as well."""
    many = dataclasses.replace(_DIAGNOSIS, count=3, ties=(FaultKind.ANCHORS,))
    assert describe_diagnosis(many) == (
        ".tflite: box scales are others: 1, 1, 1, 1 instead of 10, 10, 5, 5 and 2 more places"
        "; AP 0.002, undone 0.695 (or: anchors are others)"
    )


def test_without_the_values_no_gap_is_left() -> None:
    """The sentence ends before what it would have said of them."""
    bare = dataclasses.replace(_DIAGNOSIS, expected=None, measure="")
    assert describe_diagnosis(bare) == ".tflite: box scales are others"


def test_what_looks_at_the_fault_comes_first() -> None:
    """Before what tries it out; of one kind the order stays."""
    tried = dataclasses.replace(_DIAGNOSIS, by=DiagnosedBy.HYPOTHESIS)
    other = dataclasses.replace(tried, fault=FaultKind.ANCHORS)
    assert by_directness([tried, other, _DIAGNOSIS]) == (_DIAGNOSIS, tried, other)


def test_a_line_of_the_record() -> None:
    """Read back as it was."""
    assert from_line(to_line(_DIAGNOSIS)) == _DIAGNOSIS
