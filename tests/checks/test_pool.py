"""Checks in child processes: each once, ahead of the session, whatever becomes of a child."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pool_work import StandIn

from validation.checks.child import Item, NotThere, SessionChecks
from validation.checks.memory_budget import UNBOUNDED, MemoryBudget
from validation.checks.pool import CheckPool, Waiting, next_item, without_repeats
from validation.errors import ProcessEnded
from validation.isolation.crash import Crashed
from validation.policy.load import load_policy
from validation.policy.process_limits import limits_of
from validation.record.run import Stage, Step
from validation.record.types import ModelKey

Made = Callable[..., CheckPool]


def _items(*stages: tuple[str, int]) -> list[Item]:
    return [
        (check, ModelKey(f"m{model}", "float"))
        for check, models in stages
        for model in range(models)
    ]


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Made]:
    """Makes a pool, which is closed at the end."""
    made: list[CheckPool] = []

    def make(
        ahead: Sequence[Item] = (),
        workers: int = 1,
        say: Callable[[str], object] = print,
        waiting: Waiting = print,
        budget: MemoryBudget = UNBOUNDED,
        **how: Any,
    ) -> CheckPool:
        checks = cast(SessionChecks, StandIn(**how))
        kept: list[Crashed] = []

        def keep(item: Item, crashed: Crashed) -> str:
            kept.append(crashed)
            return f"crashes/{item[0]}"

        one = CheckPool(
            checks,
            ahead,
            workers=workers,
            budget=budget,
            folder=tmp_path / str(len(made)),
            limits=limits_of(load_policy()),
            keep=keep,
            say=say,
            waiting=waiting,
        )
        made.append(one)
        return one

    yield make
    for each in made:
        each.close(at_once=True)


@given(st.lists(st.integers(0, 4), max_size=4), st.data())
def test_two_children_meet_late_and_leave_nothing(stages: list[int], data: st.DataObject) -> None:
    """Whoever is faster: check by check, one from the beginning, one from the end."""
    items = _items(*((f"check {number}", models) for number, models in enumerate(stages)))
    left, taken = list(items), []
    while left:
        from_the_end = data.draw(st.booleans())
        item = next_item(left, from_the_end=from_the_end)
        assert item[0] == left[0][0]
        same = [each for each in left if each[0] == item[0]]
        assert item == (same[-1] if from_the_end else same[0])
        left.remove(item)
        taken.append(item)
    assert sorted(map(str, taken)) == sorted(map(str, items))


def test_results_are_taken_in_any_order_and_made_once(pool: Made) -> None:
    """Two children do all of them; asking again gives the same result."""
    items = _items(("one", 3), ("two", 3))
    two = pool(items, workers=2, seconds=0.05)
    found = {item: two.entries(item) for item in reversed(items)}
    assert [found[item][0][:2] for item in items] == [(name, key.model) for name, key in items]
    assert len({found[item][0][2] for item in items}) == 2
    assert {item: two.entries(item) for item in items} == found
    steps = two.drain_steps()
    assert len(steps) == len(items)
    assert two.drain_steps() == []


def test_two_large_models_are_never_at_once(pool: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be too much waits; a small model is worked on beside a large one meanwhile."""
    at_once: list[list[str]] = []
    submit = CheckPool._submit

    def watched(self: CheckPool, worker: Any, work: Any) -> None:
        submit(self, worker, work)
        at_once.append(sorted(each.item[1].model for each in self._at.values()))

    monkeypatch.setattr(CheckPool, "_submit", watched)
    items = _items(("one", 4), ("two", 4))
    budget = MemoryBudget(8, {"m0": 6, "m1": 1, "m2": 1, "m3": 6})
    two = pool(items, workers=2, seconds=0.05, budget=budget)
    assert [two.entries(item)[0][1] for item in items] == [key.model for _, key in items]
    assert ["m0", "m3"] not in at_once
    assert any(len(models) == 2 and set(models) & {"m0", "m3"} for models in at_once)


def test_nothing_is_run_ahead_of_what_is_asked(pool: Made) -> None:
    """Where the session does not know what it will be given."""
    one = pool()
    item = ("one", ModelKey("m", "float"))
    assert one.entries(item)[0][:2] == ("one", "m")
    assert len(one.drain_steps()) == 1


def test_crash_is_the_result_of_its_check_alone(pool: Made) -> None:
    """Named with its step and what was kept; others are run, the same thing is not begun again."""
    items = _items(("one", 2), ("crash", 2), ("crash again", 1), ("two", 2))
    one = pool(items)
    for item in items:
        if not item[0].startswith("crash"):
            assert one.entries(item)[0][:2] == (item[0], item[1].model)
    with pytest.raises(ProcessEnded, match=r"SIGABRT.*\(crash\).*crashes/crash"):
        one.entries(items[2])
    with pytest.raises(ProcessEnded, match="not tried again"):
        one.entries(("crash again", ModelKey("m0", "float")))


def test_two_children_at_one_file_do_not_both_end_in_it(pool: Made, tmp_path: Path) -> None:
    """The one that waits for the other is begun again, and says what ended the first."""
    items = [(name, ModelKey("m", "float")) for name in ("share one", "share two")]
    both = pool(items, workers=2, folder=tmp_path)
    ended = []
    for item in items:
        with pytest.raises(ProcessEnded) as raised:
            both.entries(item)
        ended.append(str(raised.value))
    assert len((tmp_path / "tries").read_text().splitlines()) == 1
    assert sorted("not tried again" in each for each in ended) == [False, True]


def test_error_of_a_check_is_raised_each_time(pool: Made) -> None:
    """As the check raised it."""
    one = pool()
    for _ in range(2):
        with pytest.raises(ValueError, match="m0"):
            one.entries(("raise", ModelKey("m0", "float")))


def test_check_that_no_child_can_import_is_left_to_the_session(pool: Made) -> None:
    """The answer says so."""
    assert isinstance(pool().entries(("absent", ModelKey("m", "float"))), NotThere)


def test_machine_is_quiet_after_preparing(pool: Made) -> None:
    """What ran ahead has ended and nothing new has begun; afterwards it goes on."""
    items = _items(("one", 6))
    both = pool(items, workers=2, seconds=0.1)
    both.entries(items[0])
    both.prepare(("quiet", ModelKey("m0", "float")))
    assert not both._at
    assert both.entries(items[-1])[0][:2] == ("one", "m5")
    with pytest.raises(ProcessEnded, match="SIGABRT"):
        both.prepare(("crash", ModelKey("m0", "float")))


def test_processes_that_do_not_start_end_all_checks(pool: Made, tmp_path: Path) -> None:
    """Each with the same reason, after a few processes and no more."""
    starts = tmp_path / "starts"
    items = _items(("one", 4))
    one = pool(items, starts=starts, failing_starts=100)
    for item in items:
        with pytest.raises(ProcessEnded, match=r"3 processes.*did not start.*exit code 3"):
            one.entries(item)
    with pytest.raises(ProcessEnded, match="did not start"):
        one.prepare(items[0])
    assert len(starts.read_text().splitlines()) == 3


def test_start_that_fails_once_is_tried_again(pool: Made, tmp_path: Path) -> None:
    """The check had no part in it."""
    items = _items(("one", 1))
    one = pool(items, starts=tmp_path / "starts", failing_starts=2)
    assert one.entries(items[0])[0][:2] == ("one", "m0")
    one.prepare(items[0])


def test_what_is_waited_for_is_said(pool: Made) -> None:
    """What a child says, and what it is doing."""
    said: list[str] = []
    shown: list[tuple[str, str, float]] = []
    item = ("note", ModelKey("m", "float"))
    one = pool(say=said.append, waiting=lambda *what: shown.append(what), seconds=0.5)
    one.entries(item)
    assert said == ["waiting for a lock"]
    assert {subject for subject, _, _ in shown} == {"m-float"}


def test_product_is_listed_once_with_the_time_that_it_took() -> None:
    """Whichever process found it again, and one that was there before the session too."""
    made = Step("m", Stage.CONVERT, "convert float", 2.0, cached=False)
    again = Step("m", Stage.CONVERT, "convert float", 0.1, cached=True)
    other = Step("n", Stage.CONVERT, "convert float", 0.1, cached=True)
    seen: set[tuple[str, str]] = set()
    assert without_repeats([made, again, other], seen) == [made, other]
    assert without_repeats([again, other], seen) == []
