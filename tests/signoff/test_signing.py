"""Only a run that is whole, that agrees with itself and that passed is signed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from signable_run import FLOAT, INT8, JANE, Files

from validation.policy.limits import Status
from validation.record.run import Artefact, Evidence
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey, Timing
from validation.signoff.signing import Proposal, propose

Make = Callable[..., Files]


def _reason(proposal: Proposal) -> str:
    assert proposal.statement is None
    return " | ".join(proposal.reasons)


def _of(entry: Any, key: ModelKey, check: str) -> bool:
    return isinstance(entry, CheckResult) and (entry.key, entry.check) == (key, check)


@pytest.mark.parametrize(
    ("otherwise", "verdict", "result"),
    [
        ({}, "PASS", "PASSED"),
        ({"ap": 0.183}, "WARN", "WARNED"),
        ({"own_policy": True}, "PASS", "PASSED"),
    ],
)
def test_what_is_signed(run_with: Make, otherwise: Any, verdict: str, result: str) -> None:
    """PASS and WARN are, each by its own name."""
    statement = propose(run_with(**otherwise), JANE).statement
    assert statement is not None
    assert (statement.facts.verdict, statement.result) == (verdict, result)
    assert statement.facts.without_evidence == (
        "person-float: canaries",
        "person-int8: canaries",
    )
    assert ("policy/own.toml" in statement.policies) is bool(otherwise.get("own_policy"))


@pytest.mark.parametrize(
    ("otherwise", "reason", "waiver"),
    [
        (
            {"ap": 0.16},
            "person-int8: accuracy: ap_drop is 0.035 (95 % interval 0.031 to 0.039), "
            "should be at most 0.02",
            'model = "person", variant = "int8", check = "accuracy", measure = "ap_drop"',
        ),
        (
            {"images": 4},
            "person-int8: accuracy: images is 4, should be at least 20",
            'model = "person", variant = "float", check = "accuracy", measure = "images"',
        ),
    ],
)
def test_fail_and_unknown_are_not(run_with: Make, otherwise: Any, reason: str, waiver: str) -> None:
    """The reason is the finding's own, and the waiver that would accept it is written out."""
    proposal = propose(run_with(**otherwise), JANE)
    assert reason in _reason(proposal)
    assert waiver in [each.as_waiver() for each in proposal.acceptable]


@pytest.mark.parametrize(
    ("otherwise", "reason"),
    [
        ({"ended": False}, "the record has no footer: the run did not end (record.jsonl"),
        ({"exit_code": 2}, "the run was interrupted"),
        ({"exit_code": 3}, "the session ended with exit code 3, and no check says why"),
    ],
)
def test_run_that_went_wrong(run_with: Make, otherwise: Any, reason: str) -> None:
    """No waiver accepts it."""
    proposal = propose(run_with(**otherwise), JANE)
    assert reason in _reason(proposal)
    assert proposal.acceptable == ()


def _status(entry: Any) -> Any:
    if not _of(entry, INT8, "accuracy"):
        return entry
    return dataclasses.replace(entry, status=Status.PASS)


def _limit(entry: Any) -> Any:
    if not _of(entry, INT8, "accuracy"):
        return entry
    measures = tuple(
        dataclasses.replace(each, limit=dataclasses.replace(each.limit, bound=0.1, warn=None))
        if each.name == "ap_drop"
        else each
        for each in entry.measures
    )
    return CheckResult.judged("accuracy", INT8, measures)


def _invented_limit(entry: Any) -> Any:
    if not _of(entry, FLOAT, "tflite_contract"):
        return entry
    (outputs,) = entry.measures
    (images, *_) = Measure("a", 1, dataclasses.replace(outputs.limit, relation="max")), None
    return CheckResult.judged("tflite_contract", FLOAT, (outputs, images))


def _figure(entry: Any) -> Any:
    if not isinstance(entry, Accuracy) or entry.key != INT8:
        return entry
    return dataclasses.replace(entry, figures=dataclasses.replace(entry.figures, ap=0.194))


def _samples(entry: Any) -> Any:
    return dataclasses.replace(entry, samples_ms=(1.0,)) if isinstance(entry, Timing) else entry


def _count(entry: Any) -> Any:
    return dataclasses.replace(entry, images=99) if isinstance(entry, Evidence) else entry


def _other_file(entry: Any) -> Any:
    return dataclasses.replace(entry, sha256="0" * 64) if isinstance(entry, Artefact) else entry


def _unkept(entry: Any) -> Any:
    return dataclasses.replace(entry, path="") if isinstance(entry, Artefact) else entry


def _outside(entry: Any) -> Any:
    return dataclasses.replace(entry, path="../it.npz") if isinstance(entry, Evidence) else entry


@pytest.mark.parametrize(
    ("change", "otherwise", "reason"),
    [
        (
            _status,
            {"ap": 0.16},
            "the status is not that of the measures (record.jsonl: person-int8, accuracy): "
            "expected fail, by ap_drop, got pass",
        ),
        (
            _limit,
            {"ap": 0.16},
            "the limit is not the policy's (record.jsonl: person-int8, accuracy, ap_drop)",
        ),
        (_invented_limit, {}, "the limit is not the policy's (record.jsonl: person-float"),
        (
            _figure,
            {},
            "ap_drop of person-int8 is not what the COCO figures gives (record.jsonl)",
        ),
        (
            _samples,
            {},
            "p95_ms of person-float is not what the raw samples of latency gives (record.jsonl): "
            "expected 1.0, got 13.2",
        ),
        (_count, {}, "images of person-reference is not what evidence/"),
        (_other_file, {}, "is not the one that the record names (files/person-float.tflite)"),
        (_unkept, {}, "the judged file of person-float is not in the run's folder (files/)"),
        (_outside, {}, "the record names a file outside of the run's folders"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_record_that_does_not_agree_with_itself(
    run_with: Make, change: Any, otherwise: Any, reason: str
) -> None:
    """Edited by hand, however consistent the lines are: named by check and measure."""
    assert reason in _reason(propose(run_with(change=change, **otherwise), JANE))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda files: files.update({"files/person-int8.tflite": b"TFL3"}),
            "the file is not the one that the record names (files/person-int8.tflite)",
        ),
        (
            lambda files: files.pop("files/person-int8.tflite"),
            "the file is missing (files/person-int8.tflite)",
        ),
        (
            lambda files: files.update({"files/more.tflite": b"TFL3"}),
            "the record knows nothing of this file (files/more.tflite)",
        ),
        (
            lambda files: files.update({"evidence/.x.npz.tmp": b""}),
            "the record knows nothing of this file (evidence/.x.npz.tmp)",
        ),
        (
            lambda files: files.pop(next(each for each in files if each.endswith(".npz"))),
            "the file is missing (evidence/",
        ),
        (
            lambda files: files.pop("policy/policy.toml"),
            "the policy of the run is missing (policy/policy.toml)",
        ),
        (
            lambda files: files.update(
                {"policy/policy.toml": files["policy/policy.toml"].replace(b"0.02", b"0.50")}
            ),
            "the policy is not the one that the run was judged by (policy/policy.toml)",
        ),
        (
            lambda files: files.update({"policy/own.toml": b"version = 1\n"}),
            "the record knows nothing of this file (policy/own.toml)",
        ),
        (lambda files: files.pop("record.jsonl"), "the run has no record (record.jsonl)"),
    ],
)
def test_folder_that_is_not_as_the_run_left_it(sound: Files, change: Any, reason: str) -> None:
    """Each file has to be there, to be the one that was judged, and to be known."""
    files = dict(sound)
    change(files)
    assert reason in _reason(propose(files, JANE))


def test_own_limits_are_those_of_the_file(run_with: Make) -> None:
    """Limits in the header that the user's file does not have are named by field."""
    files = run_with(own_policy=True)
    record = files["record.jsonl"]
    changed = record.replace(b'"reason": "one frame at 25', b'"reason": "two frames at 25', 1)
    assert changed != record
    reason = _reason(propose({**files, "record.jsonl": changed}, JANE))
    assert "the record has other limits than policy/own.toml" in reason
    assert "policy_overlay limits 1, rule, limit, reason" in reason
