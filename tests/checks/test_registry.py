"""The table of checks: what its rows say, and that they say it all."""

from __future__ import annotations

import ast
import inspect
import pickle
from pathlib import Path

import pytest
from miniature_cases import VARIANTS, MiniatureFiles, make_case

from validation.checks import registry
from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.policy.load import load_policy
from validation.record.run import Step
from validation.record.types import CheckResult, ModelKey
from validation.specs.variants import VARIANTS as FORMS

_ROOT = Path(__file__).parents[2]
_NAMES = [check.name for check in CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_row(check: Check) -> None:
    """It is defined in a module of its name, says what a PASS means and can be pickled."""
    assert check.run.__module__ == f"validation.checks.{check.name}"
    meaning = (inspect.getdoc(check.run) or "").partition("\n")[0]
    assert len(meaning.split()) > 4
    assert meaning.endswith(".")
    assert pickle.loads(pickle.dumps(check)) == check


def test_every_check_is_in_the_table() -> None:
    """A function of its module's name is a check: one row a module, one place in the table."""
    folder = Path(registry.__file__).parent
    checks = [
        path.stem
        for path in folder.glob("*.py")
        if f"\ndef {path.stem}(context: CheckContext) -> list[Entry]:" in path.read_text()
    ]
    assert sorted(checks) == sorted(_NAMES)
    assert len(set(_NAMES)) == len(_NAMES)


def test_each_check_has_one_suite() -> None:
    """A check that no suite records would never be run."""
    named = [
        ast.literal_eval(node.args[0])
        for path in (_ROOT / "suites").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.check"
    ]
    assert sorted(named) == sorted(_NAMES)


def test_checks_on_a_quiet_machine_come_last() -> None:
    """Nothing is left by then that a child process could do."""
    assert [check.quiet for check in CHECKS] == sorted(check.quiet for check in CHECKS)


@pytest.mark.parametrize(
    ("subjects", "covered"),
    [
        (("*",), {"float", "raw", "int8", "int8-raw"}),
        (("raw",), {"raw"}),
        (("raw", "int*"), {"raw", "int8", "int8-raw"}),
        (("float", "r?w"), {"float", "raw"}),
    ],
)
def test_subjects_are_patterns_of_variants(subjects: tuple[str, ...], covered: set[str]) -> None:
    """One pattern or several, compared whole."""
    check = Check("own", lambda _: [], subjects)
    forms = ("float", "raw", "int8", "int8-raw")
    assert {each for each in forms if check.covers(ModelKey("m", each))} == covered


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_limits_reach_every_form_of_a_given_file(check: Check) -> None:
    """A measure with a limit for one form that a check is given has one for all of them."""
    forms = [form for form in FORMS if check.covers(ModelKey("m", form, "detect.tflite"))]
    rules = [rule for rule in load_policy().rules if rule.check == check.name]
    without = {
        (rule.measure, form)
        for rule in rules
        for form in forms
        if not any(each.covers(check.name, rule.measure, "m", form) for each in rules)
    }
    assert without == set()


@pytest.mark.parametrize(
    ("check", "variant"),
    [
        (check, variant)
        for check in CHECKS
        for variant in VARIANTS
        if check.covers(ModelKey("m", variant))
    ],
    ids=lambda each: each.name if isinstance(each, Check) else each,
)
def test_check_gives_one_result_of_its_subject(
    miniature: MiniatureFiles, check: Check, variant: str
) -> None:
    """Under its own name."""
    context = make_case(miniature, variant)
    results = [each for each in check.run(context) if isinstance(each, CheckResult)]
    assert [(each.check, each.key) for each in results] == [(check.name, context.key)]


@pytest.mark.parametrize(
    "check", [each for each in CHECKS if each.quiet], ids=lambda each: each.name
)
def test_needs_of_a_quiet_check_name_all_that_it_uses(
    miniature: MiniatureFiles, check: Check
) -> None:
    """It asks for no product that its needs have not asked for: a child has made all of them."""
    prepared: list[Step] = []
    context = make_case(miniature, "float", steps=prepared)
    for need in check.needs:
        need(context)
    steps: list[Step] = []
    check.run(make_case(miniature, "float", steps=steps))
    assert check.needs
    assert {step.step for step in steps} <= {step.step for step in prepared}
