"""Figures that do not follow from what the run kept are contradictions, each by its name."""

from __future__ import annotations

import dataclasses

import pytest
from signable_run import INT8, Files

from validation.policy.limits import Status
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.record.store import Record, parse_record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.recomputed import contradictions
from validation.specs.references import ReferenceKind

_AP = Difference(Figure.AP, 0.195, 0.19, 216, -0.009, -0.001, 0.002, 1000)


@pytest.fixture
def record(sound: Files) -> Record:
    """Of a run whose int8 file has an interval of what it lost."""
    return parse_record(sound["record.jsonl"], "record.jsonl")


def _said(record: Record, differences: tuple[Difference, ...], files: Files) -> list[str]:
    entry = ApDifference(
        "person", "int8", "int8 .tflite", 24, 1000, 1, not differences, differences
    )
    changed = dataclasses.replace(record, ap_differences=(entry,))
    return [each.what for each in contradictions(changed, files, redraw=True)]


def test_run_as_it_was_left(record: Record, sound: Files) -> None:
    """There is nothing to say of it."""
    assert list(contradictions(record, sound, redraw=True)) == []


@pytest.mark.parametrize(
    ("differences", "is_other"),
    [((_AP,), False), ((dataclasses.replace(_AP, low=-0.007),), True), ((), True)],
)
def test_interval_of_a_measure(
    record: Record, sound: Files, differences: tuple[Difference, ...], is_other: bool
) -> None:
    """A limit is held against the interval of the difference, and against no other."""
    (interval,) = [
        measure.interval
        for result in record.results
        for measure in result.measures
        if (result.key, measure.name) == (INT8, "ap_drop")
    ]
    assert interval == pytest.approx((0.001, 0.009))
    exact = dataclasses.replace(_AP, low=-interval[1], high=-interval[0])
    given = tuple(
        exact if each == _AP else dataclasses.replace(each, high=exact.high) for each in differences
    )
    said = _said(record, given, sound)
    assert ("interval of ap_drop of person-int8" in said) is is_other


def test_difference_without_matches(record: Record, sound: Files) -> None:
    """Intervals are made again from evidence; where there is none they prove nothing."""
    assert "differences in AP of person-int8" in _said(record, (_AP,), sound)


def test_difference_that_is_played_down(record: Record, sound: Files) -> None:
    """Measures of a given file's contract are those of the differences that the record lists."""
    key = ModelKey("person", "float", "detect.tflite")
    scales = ReferenceDifference(
        DifferenceKind.SCALES, 2, (Fact("scales", [10, 10, 5, 5], [10, 10, 4, 4]),)
    )
    compared = (DifferenceKind.SCALES, DifferenceKind.NMS)
    found = ReferenceDifferences(
        key.model, key.variant, ReferenceKind.GRAPH, (scales,), compared, file=key.file
    )
    for value, said in ((2, []), (0, ["scales of person-detect.tflite"])):
        measures = (Measure("scales", value), Measure("nms", 0))
        result = CheckResult("reference_contract", "person", "float", Status.FAIL, measures)
        changed = dataclasses.replace(
            record,
            results=(dataclasses.replace(result, file=key.file),),
            reference_differences=(found,),
        )
        wrong = contradictions(changed, sound, redraw=False)
        assert [each.what for each in wrong if "detect.tflite" in each.what] == said
