"""What is the same in several files is one row, with the worst of their figures and the range."""

from __future__ import annotations

import dataclasses

from validation.policy.limits import Limit, Status
from validation.record.baseline import Aspect, Outcome
from validation.record.types import CheckResult, Measure, ModelKey
from validation.signoff.change_groups import grouped_changes, of_outcome
from validation.signoff.changes import Change
from validation.signoff.findings import Cause, Finding


def _slow(model: str, p95: float) -> Change:
    key = ModelKey(model, "float")
    measures = (Measure("p95_ms", p95, Limit("max", 40.0, "why")),)
    result = CheckResult.judged("latency", key, measures)
    finding = Finding(Status.FAIL, Cause.RESULT, key, "latency", result, measures)
    said = f"p95_ms is {p95}"
    return Change(str(key), "latency", "pass", "fail", Outcome.WORSE, said, Aspect.CHECK, finding)


def _ap(model: str, move: float) -> Change:
    return Change(
        model, "AP of x", "0.5", f"{0.5 + move}", Outcome.WORSE, f"{move:+}", Aspect.AP, move=move
    )


def test_one_check_of_several_files_is_one_group() -> None:
    """Whatever their figures; another status is another group."""
    changes = (_slow("a", 45.0), _slow("b", 90.0), _slow("c", 50.0))
    other = dataclasses.replace(_slow("d", 45.0), before="warn")
    group, alone = grouped_changes([*changes, other])
    assert group.subjects == ("a-float", "b-float", "c-float")
    assert group.reason == (
        "worst of 3 files b-float: p95_ms is 90, should be at most 40; p95_ms 45.00 ms to 90.00 ms"
    )
    assert (alone.subjects, alone.reason) == (("d-float",), "p95_ms is 45.0")


def test_figures_of_few_files_stay_apart() -> None:
    """Of many the one that moved furthest is shown, and the range."""
    few = [_ap(name, -0.1) for name in "abc"]
    assert len(grouped_changes(few)) == 3
    (group,) = grouped_changes([*few, _ap("d", -0.25)])
    assert group.shown.subject == "d"
    assert group.reason == "d moved furthest: -0.25; -0.2500 to -0.1000 in 4 files"


def test_the_run_itself_is_no_file() -> None:
    """Its verdict is a row of its own, though a file moved alike."""
    moved = Change("run", "verdict", "pass", "fail", Outcome.WORSE, "x", Aspect.VERDICT)
    assert len(grouped_changes([moved, dataclasses.replace(moved, subject="a-float")])) == 2


def test_changes_of_one_outcome() -> None:
    """All of them, and no other."""
    better = dataclasses.replace(_ap("b", 0.1), outcome=Outcome.BETTER)
    changes = (_ap("a", -0.1), better, _ap("c", -0.2))
    assert of_outcome(changes, Outcome.WORSE) == (changes[0], changes[2])
    assert of_outcome(changes, Outcome.BETTER) == (better,)
