"""What has changed since the baseline of a run, counted and in the lines of a terminal."""

from __future__ import annotations

import dataclasses

from validation.policy.limits import Limit, Status
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineComparison,
    BaselineKind,
    BaselineSubject,
    Outcome,
)
from validation.record.machine_class import MachineClass
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.rules import judge
from validation.signoff.since import Since, since_baseline, since_lines

_KEY = ModelKey("m", "int8", "d.tflite")
_MACHINE = MachineClass("CPU", 2, "x86_64")
_BASELINE = Baseline(
    BaselineKind.RUN,
    "r0",
    "r0",
    "2026-01-01T03:04:05+00:00",
    _MACHINE,
    {},
    Status.PASS,
    (BaselineSubject("m", "float", Status.PASS, "d.tflite"),),
    "baseline/baseline.json",
    "0" * 64,
    10,
)
_SAME = BaselineComparison(
    "m", "int8", (AspectChange(Aspect.NAMES, Outcome.SAME),), file="d.tflite"
)


def _since(baseline: Baseline = _BASELINE, *compared: BaselineComparison) -> Since:
    machine = {"processor": "CPU", "cores": "2", "architecture": "x86_64"}
    result = CheckResult.judged("c", _KEY, (Measure("x", 0.5, Limit("max", 1.0, "why")),))
    record = Record(
        Header("r", "now", (_KEY,), {}, {}, machine, "0" * 64),
        results=(result,),
        baseline=baseline,
        baseline_comparisons=compared,
        footer=Footer("now", 1.0, 1, 0),
    )
    found = since_baseline(record, judge(record))
    assert found is not None
    return found


def test_another_policy_is_said() -> None:
    """A check that is worse may be so by its limit alone."""
    found = _since(dataclasses.replace(_BASELINE, limits="abc"), _SAME)
    assert any(each.name == "policy" and each.before == "abc" for each in found.circumstances)


def _with(*names: str) -> Baseline:
    subjects = [BaselineSubject("m", name, Status.PASS) for name in names]
    return dataclasses.replace(_BASELINE, subjects=(*_BASELINE.subjects, *subjects))


def test_a_given_file_of_another_form_is_not_gone() -> None:
    """It is known by its name, and what its verdict was is compared."""
    found = _since(_BASELINE, _SAME)
    assert found.gone == ()
    (subject,) = found.subjects
    assert any(each.aspect is Aspect.VERDICT for each in subject.changes)


def test_what_was_not_tested_is_counted() -> None:
    """A file that is gone is in the first line, beside those in which nothing may have changed."""
    head, *lines = since_lines(_since(_with("float"), _SAME))
    assert "(1 file compared, 1 not tested)" in head
    assert "  not tested in this run: m-float" in lines


def test_nothing_compared_is_not_nothing_changed() -> None:
    """As where each test ended before it could compare."""
    assert ": nothing was compared (0 files compared)" in since_lines(_since(_BASELINE))[0]
