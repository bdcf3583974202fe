"""Check `baseline` as the suites run it, beside facts of an earlier run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from miniature_cases import make_case

from validation.checks.baseline import baseline
from validation.policy.limits import Status
from validation.record.baseline import BaselineComparison, BaselineKind
from validation.record.baseline_facts import BaselineFacts, SubjectFacts, subject_facts
from validation.record.machine_class import MachineClass
from validation.record.types import CheckResult
from validation.workspace.given_baseline import GivenBaseline

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

    from validation.workspace.context import CheckContext


def _facts(context: CheckContext) -> SubjectFacts:
    file = context.subject.file
    return subject_facts(context.key, Status.PASS, (), file.inputs, file.outputs)


def _judged(context: CheckContext, *subjects: SubjectFacts) -> CheckResult:
    facts = BaselineFacts("earlier", "then", MachineClass("", 1, ""), {}, "", Status.PASS, subjects)
    given = GivenBaseline(BaselineKind.FILE, Path("baseline.json"), facts, b"")
    entries = baseline(dataclasses.replace(context, baseline=given))
    assert [each for each in entries if isinstance(each, BaselineComparison)]
    (result,) = [each for each in entries if isinstance(each, CheckResult)]
    return result


@pytest.fixture
def context(miniature: MiniatureFiles) -> CheckContext:
    return make_case(miniature, "float")


def test_without_a_baseline_nothing_is_known(context: CheckContext) -> None:
    """The check says so where it is run all the same."""
    (result,) = baseline(context)
    assert isinstance(result, CheckResult)
    assert result.status is Status.UNKNOWN


def test_outputs_under_other_names_fail(context: CheckContext) -> None:
    """Apps bind to them: the file is not the one of the earlier run."""
    before = _facts(context)
    assert _judged(context, before).status is not Status.FAIL
    first, *others = before.outputs
    named = dataclasses.replace(before, outputs=(dataclasses.replace(first, name="boxes"), *others))
    result = _judged(context, named)
    assert result.status is Status.FAIL
    assert [each.name for each in result.measures if each.status is Status.FAIL] == [
        "names_changed"
    ]


def test_a_file_that_the_baseline_lacks_warns(context: CheckContext) -> None:
    """It was compared with nothing, which is no pass."""
    result = _judged(context)
    assert result.status is Status.WARN
    assert [each.name for each in result.measures if each.status is Status.WARN] == ["in_baseline"]
