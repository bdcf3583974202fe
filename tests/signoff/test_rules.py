"""The judge: what each kind of record amounts to, and that no fault slips through."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from validation.errors import GraphError
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff import findings
from validation.signoff.causes import grouped_reasons
from validation.signoff.findings import Verdict, full_reason
from validation.signoff.rules import evidence, judge, keys_under_test

REQUIRED = {"raw_parity": ("float",), "accuracy": ("float",)}
A_FLOAT = ModelKey("a", "float")
AT_MOST_ONE = Limit("max", 1.0, "why", warn=0.5)


def policy(required: Mapping[str, tuple[str, ...]] | None = None) -> Policy:
    return Policy((), {}, REQUIRED if required is None else required, "0" * 64)


def result(check: str, value: Any = 0.1, key: ModelKey = A_FLOAT, **fields: str) -> CheckResult:
    return CheckResult.judged(check, key, (Measure("value", value, AT_MOST_ONE),), **fields)


def record(
    *results: CheckResult,
    selection: tuple[ModelKey, ...] = (A_FLOAT,),
    ended: bool = True,
    exit_code: int = 0,
) -> Record:
    return Record(
        Header("r1", "now", selection, {}, {}, {}, "0" * 64),
        results=results,
        footer=Footer("later", 1.0, len(results), exit_code) if ended else None,
    )


def reasons(verdict: Verdict) -> tuple[str, ...]:
    return tuple(map(full_reason, verdict.findings))


GOOD = (result("raw_parity"), result("accuracy"))


def test_all_good() -> None:
    """Every required check made and inside its limit: PASS without reasons, at each level."""
    judgement = judge(record(*GOOD), policy())
    (model,) = judgement.models
    assert judgement.run == model.verdict == model.subjects[A_FLOAT] == Verdict(Status.PASS)


@pytest.mark.parametrize(
    ("results", "status", "reason"),
    [
        (
            (result("raw_parity", 3.0), GOOD[1]),
            Status.FAIL,
            "raw_parity: value is 3, should be at most 1",
        ),
        (
            (GOOD[0], result("accuracy", 0.75)),
            Status.WARN,
            "accuracy: value is 0.75, inside its limit (at most 1) but beyond 0.5",
        ),
        (
            (GOOD[0], result("accuracy", math.nan)),
            Status.FAIL,
            "accuracy: value is nan, should be at most 1",
        ),
        ((GOOD[0],), Status.UNKNOWN, "accuracy: required, but left no result"),
        (
            (GOOD[0], CheckResult.unknown("accuracy", A_FLOAT, "no images were given")),
            Status.UNKNOWN,
            "accuracy: no images were given",
        ),
        (
            (*GOOD, CheckResult.failed("export", A_FLOAT, "no\n such  node", where="graph.pb")),
            Status.FAIL,
            "export: no such node (graph.pb)",
        ),
        (
            (GOOD[0], CheckResult.judged("accuracy", A_FLOAT, ())),
            Status.FAIL,
            "accuracy: the check compared nothing: no measure had a limit",
        ),
        (
            (result("raw_parity", 2.0, message="boxes are off", where="row 3"), GOOD[1]),
            Status.FAIL,
            "raw_parity: boxes are off; value is 2, should be at most 1 (row 3)",
        ),
        (
            (result("raw_parity", 1.0000001), GOOD[1]),
            Status.FAIL,
            "raw_parity: value is 1.0000001, should be at most 1.0",
        ),
    ],
    ids=["fail", "warn", "nan", "missing", "unknown", "failed", "vacuous", "message", "close"],
)
def test_one_thing_decides(results: tuple[CheckResult, ...], status: Status, reason: str) -> None:
    """One result decides the variant, the model and the run, and its reason is given."""
    judgement = judge(record(*results), policy())
    (model,) = judgement.models
    assert model.subjects[A_FLOAT].status is status
    assert [findings.reason(each) for each in model.subjects[A_FLOAT].findings] == [reason]
    for verdict in (model.verdict, judgement.run):
        assert (verdict.status, reasons(verdict)) == (status, (f"a-float: {reason}",))
        assert [each.status for each in verdict.findings] == [status]


def test_fail_outranks_missing_and_warn() -> None:
    """The worst finding decides and stands first; the others are still listed."""
    judgement = judge(record(result("latency", 0.75), result("raw_parity", 9.0)), policy())
    assert judgement.run.status is Status.FAIL
    assert [(each.status, each.check) for each in judgement.run.findings] == [
        (Status.FAIL, "raw_parity"),
        (Status.UNKNOWN, "accuracy"),
        (Status.WARN, "latency"),
    ]


def test_optional_unknown_does_not_block() -> None:
    """A check that is not required may be without evidence; the PASS carries a note."""
    latency = CheckResult.unknown("latency", A_FLOAT, "other processes ran")
    judgement = judge(record(*GOOD, latency), policy())
    assert judgement.run.status is Status.PASS
    assert reasons(judgement.run) == ()
    assert reasons(judgement.models[0].subjects[A_FLOAT]) == (
        "a-float: latency: other processes ran (not required)",
    )


def test_only_unknown_is_no_evidence() -> None:
    """A variant of which nothing is known is UNKNOWN, even when nothing is required."""
    latency = CheckResult.unknown("latency", A_FLOAT, "other processes ran")
    judgement = judge(record(latency), policy({}))
    assert judgement.run.status is Status.UNKNOWN
    assert reasons(judgement.run) == ("a-float: no check gave evidence",)


def test_unfinished_never_passes() -> None:
    """A run without end is UNKNOWN at each level, and says so once."""
    judgement = judge(record(*GOOD, ended=False), policy())
    reason = ("the run did not end: its record has no footer",)
    assert (judgement.run.status, reasons(judgement.run)) == (Status.UNKNOWN, reason)
    assert reasons(judgement.models[0].verdict) == reason
    assert judgement.models[0].subjects[A_FLOAT].status is Status.UNKNOWN


def test_unfinished_may_fail() -> None:
    """A run that failed before it broke off has failed."""
    judgement = judge(record(result("raw_parity", 9.0), ended=False), policy())
    assert judgement.run.status is Status.FAIL


def test_nothing_selected_fails() -> None:
    """An empty run is a failure, not a success of nothing."""
    judgement = judge(record(selection=()), policy())
    assert judgement.run.status is Status.FAIL
    assert reasons(judgement.run) == ("nothing was selected, so nothing was tested",)
    assert judgement.models == ()


def test_no_results_fails() -> None:
    """A selection of which no check left a result is a failure."""
    judgement = judge(record(), policy())
    assert judgement.run.status is Status.FAIL
    assert reasons(judgement.run)[0] == "no check left a result, so nothing was tested"
    assert judgement.models[0].subjects[A_FLOAT].status is Status.UNKNOWN


def test_interrupted_run_is_unknown() -> None:
    """What was done says nothing against the model, and is not all."""
    judgement = judge(record(*GOOD, exit_code=2), policy())
    assert judgement.run.status is Status.UNKNOWN
    assert reasons(judgement.run) == ("the run was interrupted",)


def test_seeded_weights_are_judged_by_structure() -> None:
    """Accuracy is not asked of a model that nobody trained, and the verdict says so."""
    found = record(result("raw_parity"), CheckResult.unknown("accuracy", A_FLOAT, "no images"))
    found = dataclasses.replace(
        found, header=dataclasses.replace(found.header, structure_only=("a",))
    )
    rules = dataclasses.replace(policy(), of_trained_weights=("accuracy",))
    judgement = judge(found, rules)
    assert judgement.run.describe() == "PASS (structure only)"
    assert judgement.models[0].verdict.structure_only
    trained = dataclasses.replace(
        found, header=dataclasses.replace(found.header, structure_only=())
    )
    assert judge(trained, rules).run.describe() == "UNKNOWN"


def test_exit_code_without_cause_fails() -> None:
    """A session that ended badly fails although every check passed."""
    judgement = judge(record(*GOOD, exit_code=3), policy())
    assert judgement.run.status is Status.FAIL
    assert reasons(judgement.run) == ("the session ended with exit code 3, and no check says why",)


def test_exit_code_with_cause_is_not_listed_twice() -> None:
    """A failing check explains the exit code."""
    judgement = judge(record(result("raw_parity", 9.0), GOOD[1], exit_code=1), policy())
    assert len(reasons(judgement.run)) == 1


def test_selected_without_result_is_unknown() -> None:
    """A selected variant that no check has touched blocks the signature."""
    keys = (A_FLOAT, ModelKey("a-b", "uint8-raw"), ModelKey("a", "float16"))
    judgement = judge(record(*GOOD, selection=keys), policy())
    assert judgement.run.status is Status.UNKNOWN
    assert "a-b-uint8-raw: selected, but no check left a result" in reasons(judgement.run)
    assert [model.model for model in judgement.models] == ["a", "a-b"]
    assert list(judgement.models[0].subjects) == [keys[0], keys[2]]
    assert list(judgement.models[1].subjects) == [keys[1]]
    assert list(judgement.subjects) == [keys[0], keys[2], keys[1]]


def test_a_given_file_is_no_variant() -> None:
    """A float file that was given fails by itself; the float variant keeps its PASS."""
    given = dataclasses.replace(A_FLOAT, file="detect.tflite")
    judgement = judge(record(*GOOD, result("raw_parity", 9.0, given)), policy())
    (model,) = judgement.models
    verdicts = [(key, verdict.status) for key, verdict in model.subjects.items()]
    assert verdicts == [(A_FLOAT, Status.PASS), (given, Status.FAIL)]
    assert judgement.run.status is Status.FAIL
    assert reasons(judgement.run)[0].startswith("a-detect.tflite: raw_parity: value is 9")


def test_error_is_named_with_its_class() -> None:
    """A check that an error ended says which, with everything that the error knows."""
    error = GraphError("no such node", got="3 nodes", where="graph.pb", next_step="freeze it")
    judgement = judge(record(*GOOD, CheckResult.stopped("export", A_FLOAT, error)), policy())
    assert reasons(judgement.run) == (
        "a-float: export: GraphError: no such node (graph.pb): got 3 nodes; freeze it",
    )


def test_one_line_a_cause() -> None:
    """What happened to several is listed once, with the first two of them."""
    keys = tuple(ModelKey("a", variant) for variant in ("float", "raw", "int8", "float16"))
    failed = [CheckResult.failed("export", key, "broken: no graph") for key in keys[:3]]
    findings = judge(record(*failed, selection=keys, ended=False), policy({})).run.findings
    assert grouped_reasons(findings) == [
        "a-float export, a-raw export and 1 more: broken: no graph",
        "a-float16: selected, but no check left a result",
        "the run did not end: its record has no footer",
    ]


def test_alike_ids_stay_apart() -> None:
    """Two keys that print alike are judged each on its own."""
    one, other = ModelKey("a", "b-c"), ModelKey("a-b", "c")
    both = record(result("x", key=one), result("x", 9.0, key=other), selection=(one, other))
    assert set(keys_under_test(both)) == {one, other}
    assert judge(both, policy()).run.status is Status.FAIL


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"measures": (Measure("value", 9.0, AT_MOST_ONE),)},
            "raw_parity: recorded as pass, but value is 9, should be at most 1",
        ),
        ({"measures": ()}, "raw_parity: recorded as pass, but no measure was judged"),
        (
            {"measures": (Measure("value", 0.1),)},
            "raw_parity: recorded as pass, but no measure was judged",
        ),
    ],
    ids=["broken limit", "no measures", "no limit"],
)
def test_doctored_pass(change: dict[str, Any], reason: str) -> None:
    """A PASS that its own measures contradict is a FAIL."""
    forged = dataclasses.replace(GOOD[0], message="all is well", **change)
    judgement = judge(record(forged, GOOD[1]), policy())
    assert judgement.run.status is Status.FAIL
    assert reasons(judgement.run) == (f"a-float: {reason}",)


_RANKS = [Status.PASS, Status.WARN, Status.UNKNOWN, Status.FAIL]
_values = st.sampled_from([0.1, 0.75, 3.0, math.nan, None])


@st.composite
def records(draw: st.DrawFn) -> Record:
    results = []
    for model in ("a", "b"):
        for check in draw(st.sets(st.sampled_from(["raw_parity", "accuracy", "latency"]))):
            key = ModelKey(model, draw(st.sampled_from(["float", "int8"])))
            value = draw(_values)
            if value is None:
                results.append(CheckResult.unknown(check, key, "no evidence"))
            else:
                results.append(result(check, value, key))
    return record(*results, ended=draw(st.booleans()), exit_code=draw(st.sampled_from([0, 1])))


@settings(max_examples=60, deadline=None)
@given(records())
def test_order_of_verdicts(drawn: Record) -> None:
    """A run is never better than a model, a model never than a variant, nor that than a check."""
    judgement = judge(drawn, policy())
    for model in judgement.models:
        assert _RANKS.index(judgement.run.status) >= _RANKS.index(model.verdict.status)
        for subject in model.subjects.values():
            assert _RANKS.index(model.verdict.status) >= _RANKS.index(subject.status)
    by_key = {
        key: verdict.status for model in judgement.models for key, verdict in model.subjects.items()
    }
    for one in drawn.results:
        if evidence(one) is Status.FAIL:
            assert by_key[one.key] is Status.FAIL
    assert judgement.run.status is Status.PASS or reasons(judgement.run)
    if drawn.footer is None:
        assert judgement.run.status in (Status.UNKNOWN, Status.FAIL)
    assert all("\n" not in reason for reason in reasons(judgement.run))
