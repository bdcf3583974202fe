"""A given file that a check does not pass is compared part by part; one that passes is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import operator_surgery as surgery
import pytest
from miniature_cases import given_case, make_case

from validation.checks import file_comparison
from validation.checks.registry import CHECKS
from validation.checks.running import run_row, with_files
from validation.faults import file_edits
from validation.policy.limits import Limit, Status
from validation.policy.load import load_policy
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.lines import Entry
from validation.record.types import CheckResult, Measure, ModelKey
from validation.workspace.context import CheckContext
from validation.workspace.variant_sides import GraphReference

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_CONTRACT = next(check for check in CHECKS if check.name == "reference_contract")


def _given(miniature: MiniatureFiles, path: Path) -> CheckContext:
    case = make_case(miniature, labelled=False)
    return given_case(case, path, GraphReference(case.build, case.inference))


def _own(miniature: MiniatureFiles) -> Path:
    return make_case(miniature, labelled=False).build.tflite("float")


def _status(entries: list[Entry]) -> Status:
    return next(each.status for each in entries if isinstance(each, CheckResult))


def test_a_fault_of_a_given_file_is_a_diagnosis_of_the_check(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """Of the subject, with the file's own key, though all its names are others."""
    change = surgery.several(
        surgery.anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5]), surgery.lose_names
    )
    path = file_edits.rewrite(_own(miniature), tmp_path / "detect.tflite", change)
    context = _given(miniature, path)
    entries = run_row(_CONTRACT, context)
    assert _status(entries) is Status.FAIL
    (found,) = (each for each in entries if isinstance(each, Diagnosis))
    assert (found.fault, found.key) == (FaultKind.ANCHORS, context.key)
    assert "1.5 times as long" in found.got


def test_a_file_that_passes_costs_nothing(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is asked for to compare it with."""
    context = _given(miniature, _own(miniature))

    def refuse(*_: Any) -> None:
        raise AssertionError("compared though it passes")

    monkeypatch.setattr(file_comparison, "_reference_file", refuse)
    entries = run_row(_CONTRACT, context)
    assert _status(entries) is Status.PASS
    assert not [each for each in entries if isinstance(each, Diagnosis)]


def test_a_check_that_compares_no_files_adds_nothing(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """`evidence` speaks of images and routes."""
    change = surgery.anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5])
    path = file_edits.rewrite(_own(miniature), tmp_path / "detect.tflite", change)
    row = dataclasses.replace(_CONTRACT, compares_files=False)
    entries = run_row(row, _given(miniature, path))
    assert not [each for each in entries if isinstance(each, Diagnosis)]


def test_a_check_that_compared_nothing_adds_nothing(
    miniature: MiniatureFiles, tmp_path: Path
) -> None:
    """UNKNOWN, because the session lacks what it needs, says nothing of the file."""
    change = surgery.anchors(lambda anchors: anchors * [1, 1, 1.5, 1.5])
    path = file_edits.rewrite(_own(miniature), tmp_path / "detect.tflite", change)
    context = _given(miniature, path)
    unknown = CheckResult.unknown("accuracy", context.key, "no labels")
    assert file_comparison.faults_of_file(context, [unknown]) == ()
    failed = dataclasses.replace(unknown, status=Status.FAIL)
    assert [each.fault for each in file_comparison.faults_of_file(context, [failed])] == [
        FaultKind.ANCHORS
    ]


def _said(by: DiagnosedBy, fault: FaultKind, where: str = "") -> Diagnosis:
    return Diagnosis("mini", "float", fault, Place.FILE, by, where, file="detect.tflite")


def test_what_the_comparison_finds_comes_before_other_guesses() -> None:
    """A second fault may be one that no part of the file shows, so they stay behind it."""
    result = CheckResult.unknown("accuracy", ModelKey("mini", "float"), "few labels")
    fault = _said(DiagnosedBy.FILE_DIFF, FaultKind.CHANNELS)
    stays = [
        _said(DiagnosedBy.LAYERS, FaultKind.ACTIVATION, "Conv2d_3"),
        _said(DiagnosedBy.HYPOTHESIS, FaultKind.CHANNELS),
        _said(DiagnosedBy.ABSOLUTE, FaultKind.CLASS_ORDER),
    ]
    assert with_files([result, *stays], [fault]) == [result, fault, *stays]
    assert with_files([result, *stays], []) == [result, *stays]
    assert with_files([result], [fault]) == [result, fault]


def test_a_layer_that_the_comparison_names_is_not_said_twice() -> None:
    """Of the same kind, or the same layer called by what its values tell alone."""
    fault = _said(DiagnosedBy.FILE_DIFF, FaultKind.WEIGHTS_FACTOR, "kernel of Conv2d_3/Relu6")
    goes = [
        _said(DiagnosedBy.LAYERS, FaultKind.WEIGHTS_FACTOR, "Conv2d_4/Relu6"),
        _said(DiagnosedBy.LAYERS, FaultKind.WEIGHTS, "Conv2d_3/Relu6 (tensor_7 in the file)"),
    ]
    assert with_files(goes, [fault]) == [fault]


@pytest.mark.parametrize(("count", "status"), [(0, Status.PASS), (3, Status.WARN)])
def test_parts_that_no_output_shows_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, count: int, status: Status
) -> None:
    """Of a quantised file, whose other figures all pass: how many differ, and what was done."""
    key = ModelKey("m", "int8", "detect.tflite")
    part = Diagnosis(
        "m",
        "int8",
        FaultKind.WEIGHTS_ROUNDED,
        Place.FILE,
        DiagnosedBy.FILE_DIFF,
        where="one kernel",
        expected="8 bits",
        got="4 bits",
        file=key.file,
        count=count,
    )
    found = (part,) if count else ()
    monkeypatch.setattr(file_comparison, "_reference_file", lambda _: Path("reference.tflite"))
    monkeypatch.setattr(file_comparison, "_with", lambda *_: found)
    good = Measure("box_encodings_cosine", 1.0, Limit("min", 0.99, "test"))
    context: Any = SimpleNamespace(given=object(), policy=load_policy(), key=key)
    result = file_comparison.with_differing_parts(
        context, CheckResult.judged("quantisation", key, (good,), message="near")
    )
    values = {each.name: each.value for each in result.measures}
    assert (result.status, values["differing_parts"]) == (status, count)
    assert ("4 bits" in result.message) is bool(count)
