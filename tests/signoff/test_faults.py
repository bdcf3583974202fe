"""Diagnoses go with the findings of their check, and each fault is said once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from signable_run import INT8, write_signable_run

from validation.policy.limits import Limit, Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis
from validation.record.store import RECORD_NAME, load_record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.causes import grouped_findings, grouped_reasons
from validation.signoff.faults import faults_of, said_once, with_diagnoses
from validation.signoff.findings import Cause, Finding
from validation.signoff.rules import judge

_KEY, _OTHER = ModelKey("m", "float"), ModelKey("m", "int8")
_CHANNELS = Diagnosis(
    "m",
    "float",
    FaultKind.CHANNELS,
    Place.FEED,
    DiagnosedBy.HYPOTHESIS,
    expected="RGB",
    got="BGR",
    check="accuracy",
)
_DIRECT = dataclasses.replace(
    _CHANNELS, by=DiagnosedBy.ROUTES, where="first kernel", check="route_parity"
)
_ANCHORS = dataclasses.replace(_CHANNELS, fault=FaultKind.ANCHORS, place=Place.CONFIG)


def _finding(key: ModelKey, check: str, *diagnoses: Diagnosis, message: str = "") -> Finding:
    measures = (Measure(f"{check}_drop", 0.5, Limit("max", 0.1, "why")),)
    result = CheckResult.judged(check, key, measures, message=message)
    return Finding(result.status, Cause.RESULT, key, check, result, measures, diagnoses=diagnoses)


def _given(findings: tuple[Finding, ...]) -> list[tuple[Diagnosis, ...]]:
    return [each.diagnoses for each in findings]


def test_a_diagnosis_goes_with_its_check() -> None:
    """What another check gave goes with the worst finding; notes of a PASS get none."""
    note = Finding(Status.PASS, Cause.NOT_REQUIRED, _KEY, "canaries")
    findings = [_finding(_KEY, "raw_parity"), _finding(_KEY, "accuracy"), note]
    elsewhere = dataclasses.replace(_ANCHORS, check="canaries")
    given = with_diagnoses(findings, [_CHANNELS, elsewhere, _DIRECT])
    assert _given(given) == [(elsewhere, _DIRECT), (_CHANNELS,), ()]
    assert _given(with_diagnoses([note], [elsewhere])) == [()]
    assert with_diagnoses([], [_CHANNELS]) == ()


def test_a_fault_is_said_where_it_is_met_first() -> None:
    """By the most direct of its diagnoses, and not again with other files and checks."""
    other = dataclasses.replace(_CHANNELS, variant="int8")
    assert said_once([[_CHANNELS, _ANCHORS], [other, _DIRECT]]) == [(_DIRECT, _ANCHORS), ()]
    # Another model may have the same fault.
    foreign = dataclasses.replace(_CHANNELS, model="other")
    assert said_once([[_CHANNELS], [foreign]]) == [(_CHANNELS,), (foreign,)]


def test_rows_of_a_page() -> None:
    """One row a fault and place: of the worst file first, then the most direct."""
    both = [_ANCHORS, _CHANNELS, dataclasses.replace(_CHANNELS, variant="int8"), _DIRECT]
    warned = dataclasses.replace(_DIRECT, variant="dynamic", fault=FaultKind.NMS)
    statuses = {_KEY: Status.FAIL, _OTHER: Status.FAIL, warned.key: Status.WARN}
    rows = faults_of([warned, *both], statuses)
    assert [(each.diagnosis, dict(each.touched)) for each in rows] == [
        (_DIRECT, {_KEY: "route_parity"}),
        (_ANCHORS, {_KEY: "accuracy"}),
        (_CHANNELS, {_KEY: "accuracy", _OTHER: "accuracy"}),
        (warned, {warned.key: "route_parity"}),
    ]


def test_a_cause_says_the_first_and_its_next_step() -> None:
    """Once over all causes, with how many more there are."""
    lines = grouped_reasons(
        [_finding(_KEY, "raw_parity", _ANCHORS, _DIRECT), _finding(_OTHER, "accuracy", _CHANNELS)]
    )
    assert lines == [
        "m-float raw_parity: raw_parity_drop is 0.5, should be at most 0.1; "
        "diagnosis: feed: channels are in another order (BGR instead of RGB); "
        "next step: feed the channels in the order of training (RGB), or export the graph anew; "
        "1 more diagnosis",
        "m-int8 accuracy: accuracy_drop is 0.5, should be at most 0.1",
    ]


def test_what_the_check_says_itself_is_not_said_again() -> None:
    """Its message may hold the same words."""
    message = f"boxes moved: {describe_diagnosis(_CHANNELS)}"
    (line,) = grouped_reasons([_finding(_KEY, "accuracy", _CHANNELS, message=message)])
    assert line.count("channels are in another order") == 1


def test_of_a_record(tmp_path: Path) -> None:
    """The file's cause has it in the verdict on the run, on the model and on the file."""
    write_signable_run(tmp_path / "run", ap=0.16)
    record = load_record(tmp_path / "run" / RECORD_NAME)
    own = dataclasses.replace(_CHANNELS, model=INT8.model, variant=INT8.variant)
    judgement = judge(dataclasses.replace(record, diagnoses=(own,)))
    for verdict in (judgement.run, judgement.models[0].verdict, judgement.subjects[INT8]):
        worst, *others = grouped_findings(verdict.findings)
        assert worst.diagnoses == (own,)
        assert not any(each.diagnoses for each in others)


def test_a_fault_is_as_bad_as_the_worst_file_that_has_it() -> None:
    """Not as the best of them."""
    warned = dataclasses.replace(_ANCHORS, variant="dynamic", by=DiagnosedBy.ROUTES)
    statuses = {_KEY: Status.PASS, _OTHER: Status.FAIL, warned.key: Status.WARN}
    both = [_CHANNELS, dataclasses.replace(_CHANNELS, variant="int8")]
    rows = faults_of([warned, *both], statuses)
    assert [each.diagnosis.fault for each in rows] == [FaultKind.CHANNELS, FaultKind.ANCHORS]
