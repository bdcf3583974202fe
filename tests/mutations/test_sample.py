"""The sample: the same mutants each time, some of every kind of every module."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mutations.changes import Change, code_changes
from mutations.sample import sampled
from mutations.session import Functions, Outcome
from mutations.summary import Summary
from mutations.targets import Known

_TEXT = "def judge(a, b):\n    return [a < 1, a < 2, a < 3, b and a, max(a, b)]\n"


@pytest.fixture
def changes(tmp_path: Path) -> list[Change]:
    """Of two modules alike."""
    found: list[Change] = []
    for name in ("one", "other"):
        path = tmp_path / f"{name}.py"
        path.write_text(_TEXT, encoding="utf-8")
        found += code_changes(path, tmp_path, Functions([path]))
    return found


def _kinds(changes: list[Change]) -> Counter[tuple[str, str]]:
    return Counter((each.module, each.kind) for each in changes)


def test_one_of_each_kind_of_each_module(changes: list[Change]) -> None:
    """In the order in which they are given."""
    found = sampled(changes, whole=(), seed=0)
    assert _kinds(found) == dict.fromkeys(_kinds(changes), 1)
    assert found == [each for each in changes if each in found]


def test_modules_that_decide_are_tried_in_whole(changes: list[Change]) -> None:
    """And the others are sampled as they are without them."""
    found = sampled(changes, whole=("one.py",), seed=0)
    whole = [each for each in changes if each.module == "one.py"]
    assert [each for each in found if each.module == "one.py"] == whole
    alone = sampled(changes, whole=(), seed=0)
    assert [each for each in found if each not in whole] == [
        each for each in alone if each not in whole
    ]


def test_the_seed_alone_chooses(changes: list[Change]) -> None:
    """The same ones each time, and in time all of them."""
    assert sampled(changes, whole=(), seed=3) == sampled(changes[::-1], whole=(), seed=3)[::-1]
    names = {each.name for seed in range(40) for each in sampled(changes, whole=(), seed=seed)}
    assert names == {each.name for each in changes}


def test_what_is_gone_is_always_tried() -> None:
    """A check, a limit or a requirement has no sample."""
    gone: Any = Change("limit ignored", "a.b", "", "policy.toml", lambda: None, lambda _: set())
    more: Any = Change("limit ignored", "a.c", "", "policy.toml", lambda: None, lambda _: set())
    assert [*sampled([gone, more], whole=(), seed=0)] == [gone, more]


def test_an_entry_speaks_of_what_is_alike(changes: list[Change]) -> None:
    """Module, function and code, and the operator where it names one."""
    (first, *_) = changes
    assert first.mutant is not None
    known = Known(first.module, "judge", first.mutant.before, "because it is", first.kind)
    assert [each for each in changes if each.mutant and known.covers(each.mutant)] == [first]


def test_what_ended_by_a_signal_is_named(changes: list[Change]) -> None:
    """Nothing went red: the time of the process was over."""
    summary = Summary(
        killed=[
            (changes[0], Outcome("t", 1, 0.0)),
            (changes[1], Outcome("signal 24", 1, 0.0, True)),
        ],
        survivors=[(changes[2], Outcome("", 5, 0.0))],
    )
    lines = summary.as_text().splitlines()
    assert "all | 3 | 2 | 0 | 0 | 1" in lines
    assert [each for each in lines if each.startswith("SURVIVED ")] != []
    assert f"ended by a signal: {changes[1].label}" in lines
    assert f"ended by a signal: {changes[0].label}" not in lines
