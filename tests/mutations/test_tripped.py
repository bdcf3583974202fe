"""Every check and every limit is tripped by a fault; one that nothing turns red fails the build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mutations.changes import passing
from mutations.targets import ROOT, known_survivors, read_groups
from mutations.tripped import TRIPPED, Tripped, read_tripped, unknown_tests, written

from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey


def _limits() -> list[str]:
    return sorted({f"{rule.check}.{rule.measure}" for rule in load_policy().rules})


def test_every_check_has_a_test_that_sees_it_pass_blindly() -> None:
    """A new check comes with a fault that trips it: see the head of the table."""
    tripped = read_tripped()
    known = {*tripped.checks, *tripped.reasons}
    assert [each.name for each in CHECKS if each.name not in known] == []
    assert set(tripped.checks) <= {each.name for each in CHECKS}


def test_every_limit_has_a_test_that_sees_it_ignored() -> None:
    """A new measure of the policy comes with a fault that trips it, or with a reason."""
    tripped = read_tripped()
    known = {*tripped.limits, *tripped.reasons}
    assert [each for each in _limits() if each not in known] == []
    assert set(tripped.limits) <= set(_limits())


def test_reasons_are_of_what_has_no_test() -> None:
    """Each says something of a check or limit that is there and has no test."""
    tripped = read_tripped()
    known = {*_limits(), *(each.name for each in CHECKS)}
    for name, reason in tripped.reasons.items():
        assert name in known
        assert name not in {*tripped.checks, *tripped.limits}
        assert len(reason.split()) > 3


def test_named_tests_are_there() -> None:
    """A test that was renamed is named anew: run the tool with --update."""
    assert unknown_tests(read_tripped()) == []


def test_a_missing_test_is_seen() -> None:
    """Neither a missing file nor a missing function counts."""
    names = ("tests/nowhere/test_x.py::test_y", "tests/mutations/test_tripped.py::test_y")
    assert unknown_tests(Tripped({"a": names[0]}, {"a.b": names[1]})) == list(names)


def test_table_is_as_the_tool_writes_it() -> None:
    """By hand only the reasons are changed."""
    assert TRIPPED.read_text(encoding="utf-8") == written(read_tripped())


def test_targets_and_equivalents_are_there() -> None:
    """Patterns match files, and no module is of two groups."""
    paths: list[Path] = []
    for group in read_groups():
        for pattern in (*group.modules, *group.without, *group.tests):
            assert list(ROOT.glob(pattern)), pattern
        own = [path.relative_to(ROOT).as_posix() for path in group.paths]
        assert {*group.boundary, *group.whole} <= set(own)
        paths += group.paths
    assert len(set(paths)) == len(paths)


def test_known_survivors_have_reasons() -> None:
    """Each is of a module that is tried, and listed once; whether it is there the tool says."""
    known = known_survivors()
    tried = {path.relative_to(ROOT).as_posix() for each in read_groups() for path in each.paths}
    assert {each.module for each in known if (ROOT / each.module).exists()} <= tried
    assert [each for each in known if len(each.reason.split()) < 4] == []
    places = [(each.module, each.function, each.before, each.operator) for each in known]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_blind_check_passes(check: Check) -> None:
    """What takes the place of a check gives a result that passes, and does not end by an error."""
    code = check.run.__code__
    try:
        passing(check, ROOT).apply()
        (result,) = check.run(SimpleNamespace(key=ModelKey("m", "float")))  # type: ignore[arg-type]
    finally:
        check.run.__code__ = code
    assert isinstance(result, CheckResult)
    assert (result.check, result.status) == (check.name, Status.PASS)


def test_listed_tests_go_red() -> None:
    """A check that passes blindly turns its test of the table red, each in a fork of its own."""
    done = subprocess.run(
        [sys.executable, "tests/mutations", "--listed", "--only", "check passes"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"check passes | {len(CHECKS)} | {len(CHECKS)} | 0 | 0" in done.stdout
