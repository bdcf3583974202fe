"""Operators and places: what is changed, and that nothing else is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mutations.operators import BOUNDARY, OPERATORS
from mutations.sites import PROBE, Source


def source(tmp_path: Path, body: str, **more: object) -> Source:
    path = tmp_path / "judge.py"
    path.write_text(body, encoding="utf-8")
    return Source(path, tmp_path, **more)  # type: ignore[arg-type]


def changes(tmp_path: Path, body: str) -> set[tuple[str, str]]:
    return {
        (each.operator, each.after)
        for each in source(tmp_path, f"def judge(a, b):\n    {body}\n").mutants()
    }


@pytest.mark.parametrize(
    ("body", "operator", "after"),
    [
        ("return a < b", "comparison turned", "a >= b"),
        ("return a <= b", "comparison turned", "a > b"),
        ("return a == b", "comparison turned", "a != b"),
        ("return a is not b", "comparison turned", "a is b"),
        ("return max(a, default=b)", "opposite function", "min(a, default=b)"),
        ("return a.all()", "opposite function", "a.any()"),
        ("return abs(a - b)", "sign kept", "a - b"),
        ("return a and b", "and for or", "a or b"),
        ("return not a", "not left out", "a"),
        ("return 1 if a else 2", "condition turned", "1 if not a else 2"),
        ("if a: return b", "guard left out", "pass"),
        ("return [x for x in a if x]", "filter left out", "for x in a"),
        ("return [x for x in a]", "first one only", "for x in [*a][:1]"),
        ("return [x for x in a]", "first one lost", "for x in [*a][1:]"),
        ("return zip(a, b, strict=True)", "lengths not compared", "zip(a, b)"),
        ("return math.isfinite(a)", "NaN is fine", "(a == a) | True"),
        ("return a.is_finite", "NaN is fine", "True"),
        ("return Status.UNKNOWN", "status is PASS", "Status.PASS"),
        ("return min(a, default=None)", "nothing is 0", "default=0"),
        ("return a / b if b else None", "nothing is 0", "a / b if b else 0"),
        ("low, high = a", "pair exchanged", "high, low = a"),
        ("return a, b", "pair exchanged", "return (b, a)"),
    ],
)
def test_operator(tmp_path: Path, body: str, operator: str, after: str) -> None:
    """Each mistake where it can be made."""
    assert (operator, after) in changes(tmp_path, body)


def test_every_operator_is_tried_above() -> None:
    """Operators without an example may do nothing."""
    (mark,) = [each for each in test_operator.pytestmark if each.name == "parametrize"]  # type: ignore[attr-defined]
    assert {row[1] for row in mark.args[1]} == set(OPERATORS) - {"result is PASS"}


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError(a < b)",
        "return f'{a < b}'",
        "return a + b",
        "return zip(a, b, strict=False)",
    ],
)
def test_words_and_sums_are_left_alone(tmp_path: Path, body: str) -> None:
    """What an error or a message says is no judgement."""
    assert changes(tmp_path, body) == set()


def test_functions_of_words_are_left_alone(tmp_path: Path) -> None:
    """By what they are annotated to return."""
    assert source(tmp_path, "def say(a) -> str:\n    return a if a > 1 else ''\n").mutants() == []


def test_one_place_is_changed(tmp_path: Path) -> None:
    """Of two alike, each has a mutant of its own that leaves the other one."""
    text = "def judge(a):\n    return [1 < a, 1 < a]\n"
    own = source(tmp_path, text)
    found = []
    for mutant in own.mutants():
        names: dict[str, object] = {}
        exec(own.compiled(mutant), names)
        found.append(names["judge"](2))  # type: ignore[operator]
    assert found == [[False, True], [True, False]]
    assert len({each.name for each in own.mutants()}) == 2


def test_a_result_without_evidence_passes(tmp_path: Path) -> None:
    """`CheckResult.unknown` gives a result of that check and subject."""
    from validation.policy.limits import Status
    from validation.record.types import CheckResult, ModelKey

    own = source(tmp_path, "def judge(key):\n    return CheckResult.unknown('x', key, 'why')\n")
    (mutant,) = own.mutants()
    names: dict[str, object] = {"CheckResult": CheckResult}
    exec(own.compiled(mutant), names)
    result = names["judge"](ModelKey("m", "raw"))  # type: ignore[operator]
    assert (result.check, result.variant, result.status) == ("x", "raw", Status.PASS)
    assert mutant.operator == "result is PASS"


def test_bounds_are_tried_where_asked(tmp_path: Path) -> None:
    """`<` becomes `<=`."""
    own = source(tmp_path, "def judge(a):\n    return a < 1\n", operators=BOUNDARY)
    assert [each.after for each in own.mutants()] == ["a <= 1"]


def test_probes_say_which_lines_ran(tmp_path: Path) -> None:
    """Lines of branches that are not taken are not said."""
    text = (
        "def judge(a):\n    if a:\n        return 1\n    return [\n        2 for _ in 'x'\n    ]\n"
    )
    own = source(tmp_path, text)
    seen: list[tuple[str, int]] = []
    names: dict[str, object] = {PROBE: seen.append}
    exec(own.with_probes(), names)
    assert names["judge"](0) == [2]  # type: ignore[operator]
    assert [line for _, line in seen] == [2, 4]


def test_compiled_modules_keep_their_lines(tmp_path: Path) -> None:
    """Functions are found again by name and first line."""
    text = Path(ast.__file__).read_text(encoding="utf-8")
    own = source(tmp_path, text)
    first = own.mutants()[0]
    original = compile(text, str(own.path), "exec")
    mutated = own.compiled(first)
    lines = [
        [each.co_firstlineno for each in code.co_consts if hasattr(each, "co_code")]
        for code in (original, mutated)
    ]
    assert lines[0] == lines[1]
