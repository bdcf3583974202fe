"""Figures that do not follow from what the run kept are contradictions, each by its name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from drawn_matches import drawn_matches
from signable_run import INT8, Files

from validation.coco.matches import write_matches
from validation.coco.precision import mean_present, precision
from validation.policy.limits import Status
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.coco_figures import CocoFigures
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.record.run import Evidence, EvidenceContent, Header
from validation.record.store import Record, parse_record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey
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


def test_an_interval_of_nothing_is_another_one(record: Record, sound: Files) -> None:
    """A record whose difference in AP has no interval lets no measure have one."""
    assert "interval of ap_drop of person-int8" in _said(record, (), sound)


def test_figures_of_every_file_are_made_again(record: Record, sound: Files) -> None:
    """Of the first and of the last entry: each that no matches give is said."""
    entries = tuple(
        ApDifference("person", variant, "x", 24, 1000, 1, False, (_AP,))
        for variant in ("float", "int8")
    )
    changed = dataclasses.replace(record, ap_differences=entries)
    said = [each.what for each in contradictions(changed, sound, redraw=True)]
    assert {f"differences in AP of person-{each}" for each in ("float", "int8")} <= set(said)


@pytest.mark.parametrize(
    ("measure", "value"),
    [("ap_gain", 0.005), ("ap_gain", -0.005), ("ap_drop", -0.005), ("ap", 0.5), ("images", 25)],
)
def test_a_measure_of_accuracy_that_the_figures_do_not_give(
    record: Record, sound: Files, measure: str, value: float
) -> None:
    """Of the int8 file, which lost 0.005 AP and gained none."""

    def forged(result: CheckResult) -> CheckResult:
        if result.key != INT8 or result.check != "accuracy":
            return result
        kept = [each for each in result.measures if each.name != measure]
        return dataclasses.replace(result, measures=(*kept, Measure(measure, value)))

    changed = dataclasses.replace(record, results=tuple(map(forged, record.results)))
    said = [each.what for each in contradictions(changed, sound, redraw=False)]
    assert f"{measure} of person-int8" in said


def test_a_file_that_gained_nothing_says_so(record: Record, sound: Files) -> None:
    """A gain of 0 and a loss of 0.005 follow from the figures."""

    def added(result: CheckResult) -> CheckResult:
        if result.key != INT8 or result.check != "accuracy":
            return result
        return dataclasses.replace(result, measures=(*result.measures, Measure("ap_gain", 0.0)))

    changed = dataclasses.replace(record, results=tuple(map(added, record.results)))
    assert list(contradictions(changed, sound, redraw=False)) == []


@pytest.mark.parametrize("off", [0.0, 1e-3, -1e-3])
def test_an_ap_that_the_matches_do_not_give(tmp_path: Path, off: float) -> None:
    """Evidence that was kept says what AP is; a lost image of it is another finding."""
    matches = drawn_matches(2)
    write_matches(tmp_path / "m.npz", matches)
    files = {"evidence/m.npz": (tmp_path / "m.npz").read_bytes()}
    ap = mean_present(precision(matches)[..., matches.areas.index("all")]) + off
    images = len(matches.image_ids)
    evidence = Evidence("m", "int8", "evidence/m.npz", "0", 1, images, EvidenceContent.MATCHES)
    run = Record(
        Header("r", "now", (ModelKey("m", "int8"),), {}, {}, {}, ""),
        accuracies=(Accuracy("m", "int8", "x", CocoFigures(*[ap] * 12), images, (1,), 9, 0.0),),
        evidence=(evidence,),
    )
    said = [each.what for each in contradictions(run, files, redraw=False)]
    assert said == (["AP of m-int8"] if off else [])
    fewer = dataclasses.replace(run, evidence=(dataclasses.replace(evidence, images=images - 1),))
    assert "images of m-int8" in [each.what for each in contradictions(fewer, files, redraw=False)]


def test_a_figure_of_other_flags_is_a_figure_too(record: Record, sound: Files) -> None:
    """The first entry of a file and the last one: a measure is one of theirs."""
    own = [each for each in record.accuracies if each.key == INT8]
    other = dataclasses.replace(own[0], figures=dataclasses.replace(own[0].figures, ap=0.5))
    for entries in ((own[0], other), (other, own[0])):
        rest = tuple(each for each in record.accuracies if each.key != INT8)
        changed = dataclasses.replace(record, accuracies=(*rest, *entries))
        wrong = [each.what for each in contradictions(changed, sound, redraw=False)]
        assert "ap of person-int8" not in wrong
