"""Of several measures, checks and models each one counts, wherever it stands."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.baseline import Baseline
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.findings import Cause
from validation.signoff.rules import evidence, judge, required_of

_KEYS = (ModelKey("a", "float"), ModelKey("b", "float"))
_GOOD = Measure("good", 0, Limit("max", 1, "test"))
_BAD = Measure("bad", 2, Limit("max", 1, "test"))
_DOUBTFUL = Measure("doubtful", 0.9, Limit("max", 1, "test", warn=0.5))
_ANYTHING = Policy((), {}, {}, "")


def _record(*results: CheckResult, **fields: Any) -> Record:
    header = Header("run", "now", _KEYS, {}, {}, {}, "")
    footer = Footer("then", 1.0, len(results), 0)
    return dataclasses.replace(Record(header, results, footer=footer), **fields)


def _one_each(*measures: Measure, check: str = "latency") -> tuple[CheckResult, ...]:
    """A result of each model with a measure of its own."""
    return tuple(
        CheckResult.judged(check, key, (measure,))
        for key, measure in zip(_KEYS, measures, strict=True)
    )


@pytest.mark.parametrize("measures", [(_GOOD, _BAD), (_BAD, _GOOD), (_GOOD, _GOOD, _BAD)])
def test_one_broken_measure_contradicts_a_pass(measures: tuple[Measure, ...]) -> None:
    """Whichever of them it is."""
    result = CheckResult("latency", "a", "float", Status.PASS, measures)
    assert evidence(result) is Status.FAIL


@pytest.mark.parametrize("status", [Status.PASS, Status.WARN])
def test_what_judged_nothing_is_no_evidence(status: Status) -> None:
    """Neither as a PASS nor as a WARN."""
    assert evidence(CheckResult("latency", "a", "float", status)) is Status.FAIL


@pytest.mark.parametrize(
    ("seeded", "of_the_run"), [(("a",), False), (("b",), False), (("a", "b"), True)]
)
def test_a_run_is_of_structure_alone_where_every_model_is(
    seeded: tuple[str, ...], of_the_run: bool
) -> None:
    """One model with trained weights is enough to speak of accuracy."""
    results = tuple(CheckResult.judged("latency", key, (_GOOD,)) for key in _KEYS)
    header = Header("run", "now", _KEYS, {}, {}, {}, "", structure_only=seeded)
    record = Record(header, results, footer=Footer("then", 1.0, 2, 0))
    verdicts = judge(record, Policy((), {}, {}, ""))
    assert verdicts.run.structure_only is of_the_run
    assert list(verdicts.subjects) == list(_KEYS)


def test_every_required_check_is_missed() -> None:
    """The first one and the last one."""
    results = tuple(CheckResult.judged("latency", key, (_GOOD,)) for key in _KEYS)
    header = Header("run", "now", _KEYS, {}, {}, {}, "")
    record = Record(header, results, footer=Footer("then", 1.0, 2, 0))
    required = dict.fromkeys(("accuracy", "canaries"), ("*",))
    findings = judge(record, Policy((), {}, required, "")).subjects[_KEYS[0]].findings
    assert [each.check for each in findings] == ["accuracy", "canaries"]


def test_every_broken_measure_is_named() -> None:
    """A finding has all that are beyond their limits, in the order of the result, and no other."""
    other = dataclasses.replace(_BAD, name="other")
    result = CheckResult.judged("latency", _KEYS[0], (_GOOD, _BAD, _DOUBTFUL, other))
    (finding,) = judge(_record(result), _ANYTHING).subjects[_KEYS[0]].findings
    assert finding.measures == (_BAD, other)


def test_a_check_without_evidence_does_not_hide_the_others() -> None:
    """Evidence of one check is enough where nothing else is required, whichever comes first."""
    unknown = CheckResult.unknown("canaries", _KEYS[0], "no canaries")
    results = (unknown, *_one_each(_GOOD, _GOOD))
    assert judge(_record(*results), _ANYTHING).run.status is Status.PASS


def test_each_subject_has_its_own_diagnoses() -> None:
    """A diagnosis of the second one is said there and not of the first."""
    diagnoses = tuple(
        Diagnosis(
            key.model,
            key.variant,
            fault,
            Place.FEED,
            DiagnosedBy.HYPOTHESIS,
            expected="",
            got="",
            check="latency",
        )
        for key, fault in zip(_KEYS, (FaultKind.CHANNELS, FaultKind.ANCHORS), strict=True)
    )
    subjects = judge(_record(*_one_each(_BAD, _BAD), diagnoses=diagnoses), _ANYTHING).subjects
    for key, diagnosis in zip(_KEYS, diagnoses, strict=True):
        assert [each.diagnoses for each in subjects[key].findings] == [(diagnosis,)]


def test_a_failure_of_any_model_explains_the_exit_code() -> None:
    """Also where the findings begin with a WARN: the session's end is no finding of its own."""
    record = _record(*_one_each(_DOUBTFUL, _BAD), footer=Footer("then", 1.0, 2, 1))
    causes = [each.cause for each in judge(record, _ANYTHING).run.findings]
    assert causes == [Cause.RESULT, Cause.RESULT]


def test_a_run_that_a_signal_ended_says_so() -> None:
    """Whatever exit code pytest would have had, and with how many checks were not run."""
    footer = Footer("then", 1.0, 2, 0, interrupted_by="SIGTERM", not_run=("x", "y"))
    run = judge(_record(*_one_each(_GOOD, _GOOD), footer=footer), _ANYTHING).run
    (finding,) = run.findings
    assert run.status is Status.UNKNOWN
    assert (finding.cause, finding.interrupted_by, finding.not_run) == (
        Cause.INTERRUPTED,
        "SIGTERM",
        2,
    )


@pytest.mark.parametrize(
    ("baseline", "required"),
    [
        (None, ("accuracy",)),
        (SimpleNamespace(accepted=""), ("accuracy", "baseline")),
        (SimpleNamespace(accepted="a newer runtime"), ("accuracy",)),
    ],
    ids=["without", "compared", "accepted"],
)
def test_the_baseline_is_required_where_it_judges(
    baseline: Baseline | None, required: tuple[str, ...]
) -> None:
    """Not of a run without one, nor of one whose changes were accepted."""
    policy = Policy((), {}, dict.fromkeys(("accuracy", "baseline"), ("*",)), "")
    assert required_of(_record(baseline=baseline), _KEYS[0], policy) == required
