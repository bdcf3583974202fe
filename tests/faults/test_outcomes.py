"""An outcome is what it is called: caught, not signed, missed, named right or wrongly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from validation.faults.document import document, summary_lines
from validation.faults.fault import Fault, Thinness
from validation.faults.outcome import Caught, Control, Naming, control_of, outcome_of
from validation.faults.page import page
from validation.faults.power import Count, DetectionPower, read_power, write_power
from validation.faults.running import Found
from validation.faults.table import DEFAULT_MODEL, Row, Subject
from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place

_FAULT = Fault(
    "graph-bgr",
    "the first convolution expects the channels as blue, green, red",
    Place.GRAPH,
    frozenset({FaultKind.CHANNELS}),
    lambda _: None,
    ("route_parity",),
    ("P06",),
    at=(Thinness.COMPLETE,),
)
_SUBJECT = Subject(DEFAULT_MODEL, Thinness.COMPLETE, ("float",))
_ROW = Row(_FAULT, _SUBJECT)
_CLEAN = Found({("accuracy", "float"): Status.PASS}, {}, (), Status.PASS, (), 1.0)
_LACKING = dataclasses.replace(
    _CLEAN,
    statuses={("accuracy", "float"): Status.PASS, ("evidence", "float"): Status.WARN},
    verdict=Status.WARN,
    missing=("one route to the graph",),
)


def _found(status: Status, *diagnoses: Diagnosis) -> Found:
    statuses = {("accuracy", "float"): status}
    return Found(statuses, {("accuracy", "float"): "less AP"}, diagnoses, status, (), 1.0)


def _diagnosis(kind: FaultKind, place: Place, *ties: FaultKind) -> Diagnosis:
    return Diagnosis(DEFAULT_MODEL, "float", kind, place, DiagnosedBy.ROUTES, ties=ties)


@pytest.mark.parametrize("status", [Status.FAIL, Status.UNKNOWN, Status.WARN])
def test_what_is_worse_than_of_the_clean_model_is_caught(status: Status) -> None:
    """By the check that says so."""
    outcome = outcome_of(_ROW, _found(status), _CLEAN)
    assert (outcome.caught, outcome.by) == (Caught.CAUGHT, ("accuracy",))
    assert outcome.is_good


def test_a_pass_is_a_miss() -> None:
    """Nothing is worse, and nothing is missing."""
    outcome = outcome_of(_ROW, _CLEAN, _CLEAN)
    assert outcome.caught is Caught.MISSED
    assert not outcome.is_good


def test_what_is_warned_of_in_a_clean_model_catches_nothing() -> None:
    """A verdict that is no PASS anyway, for missing evidence, is called that and not caught."""
    outcome = outcome_of(_ROW, _LACKING, _LACKING)
    assert (outcome.caught, outcome.by) == (Caught.NOT_SIGNED, ())


def test_a_warning_without_missing_evidence_signs_a_fault() -> None:
    """Where a clean model is warned of alike and nothing is said to be missing, it is a miss."""
    warned = dataclasses.replace(_LACKING, missing=())
    assert outcome_of(_ROW, warned, warned).caught is Caught.MISSED


def test_equivalent_change_is_apart() -> None:
    """Unless something is seen of it."""
    row = Row(dataclasses.replace(_FAULT, equivalent="plays a part in training only"), _SUBJECT)
    assert outcome_of(row, _CLEAN, _CLEAN).caught is Caught.EQUIVALENT
    assert outcome_of(row, _found(Status.FAIL), _CLEAN).caught is Caught.CAUGHT


@pytest.mark.parametrize(
    ("diagnosis", "naming"),
    [
        (None, Naming.NOT_NAMED),
        (_diagnosis(FaultKind.CHANNELS, Place.GRAPH), Naming.RIGHT),
        (_diagnosis(FaultKind.CHANNELS, Place.ARCHIVE), Naming.RIGHT),
        (_diagnosis(FaultKind.RESIZE, Place.GRAPH, FaultKind.CHANNELS), Naming.RIGHT),
        (_diagnosis(FaultKind.EPSILON, Place.GRAPH), Naming.OTHER_CAUSE),
        (_diagnosis(FaultKind.CHANNELS, Place.CONFIG), Naming.WRONG_PLACE),
        (_diagnosis(FaultKind.CHANNELS, Place.FILE), Naming.WRONG_PLACE),
    ],
)
def test_first_diagnosis_is_right_by_place_and_cause(
    diagnosis: Diagnosis | None, naming: Naming
) -> None:
    """Blaming what is right is worse than blaming nothing."""
    found = _found(Status.FAIL, *([] if diagnosis is None else [diagnosis]))
    outcome = outcome_of(_ROW, found, _CLEAN)
    assert outcome.naming is naming
    assert outcome.is_good == (naming is not Naming.WRONG_PLACE)


def test_parts_that_are_not_there_are_not_blamed() -> None:
    """Of an archive of a graph alone, what it is fed is right or wrong together with it."""
    row = Row(_FAULT, dataclasses.replace(_SUBJECT, thinness=Thinness.GRAPH))
    found = _found(Status.FAIL, _diagnosis(FaultKind.CHANNELS, Place.FEED))
    assert outcome_of(row, found, _CLEAN).naming is Naming.RIGHT
    labels = _found(Status.FAIL, _diagnosis(FaultKind.CLASS_ORDER, Place.LABELS))
    assert outcome_of(row, labels, _CLEAN).naming is Naming.WRONG_PLACE


def test_control_keeps_what_was_said() -> None:
    """A warning of missing evidence is no false alarm; everything else is."""
    control = control_of(_SUBJECT, _found(Status.WARN))
    assert control.warned == ("accuracy of float: less AP",)
    assert control_of(_SUBJECT, _LACKING).warned == ()
    assert control_of(_SUBJECT, _found(Status.FAIL)).failed


def _power() -> DetectionPower:
    outcomes = (
        outcome_of(_ROW, _found(Status.FAIL, _diagnosis(FaultKind.CHANNELS, Place.GRAPH)), _CLEAN),
        outcome_of(_ROW, _CLEAN, _CLEAN),
        outcome_of(_ROW, _found(Status.WARN, _diagnosis(FaultKind.SCORES, Place.FILE)), _CLEAN),
    )
    controls: tuple[Control, ...] = (control_of(_SUBJECT, _CLEAN),)
    return DetectionPower(outcomes, controls, {"python": "3"})


def test_counts_are_of_what_can_be_seen() -> None:
    """Caught, missed and named add up."""
    (group, everything) = _power().of_thinness()
    assert group == dataclasses.replace(everything, title="complete archive")
    assert (everything.rows, everything.caught, everything.missed) == (3, 2, 1)
    assert (everything.right, everything.wrong_place, everything.not_named) == (1, 1, 1)
    equivalent = dataclasses.replace(_power().outcomes[1], caught=Caught.EQUIVALENT)
    assert Count.of("", [equivalent]).rows == 0


def test_document_and_pages_name_what_was_missed(tmp_path: Path) -> None:
    """And what was blamed on what is right."""
    power = _power()
    text = document(power)
    assert "**2 of 3 faults are caught (67%)" in text
    for heading, said in (("## Missed", "blue, green, red"), ("## Blamed", "scores are converted")):
        assert said in text.partition(heading)[2].partition("\n## ")[0]
    assert "2 of 3 caught, 1 named right" in page(power)
    assert any(line.startswith("missed: ") for line in summary_lines(power))
    write_power(tmp_path / "faults.json", power)
    assert read_power(tmp_path / "faults.json") == power
