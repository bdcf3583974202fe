"""Of several measures, checks and models each one counts, wherever it stands."""

from __future__ import annotations

import pytest

from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.rules import evidence, judge

_KEYS = (ModelKey("a", "float"), ModelKey("b", "float"))
_GOOD = Measure("good", 0, Limit("max", 1, "test"))
_BAD = Measure("bad", 2, Limit("max", 1, "test"))


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
