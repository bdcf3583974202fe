"""Calls of two files by turns: order, numbers and bounds, on a clock of the test's own."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.record.baseline import Clock
from validation.timing.turns import TurnsPlan, time_by_turns

_PLAN = TurnsPlan(blocks=36, least_blocks=12, calls=3, warmup=5, seconds=6.0, interpreters=3)


class _Bench:
    """A clock, and files whose calls take some of its time.

    Args:
        seconds: Of a call of the baseline's file and of today's.
    """

    def __init__(self, baseline: float, today: float) -> None:
        self.now = 0.0
        self.made: list[str] = []
        self._seconds = {"baseline": baseline, "today": today}

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def maker(self, name: str) -> Callable[[], Callable[[], object]]:
        """Makes interpreters of one file."""

        def call() -> None:
            self.now += self._seconds[name]

        def make() -> Callable[[], object]:
            self.made.append(name)
            return call

        return make


def _timed(bench: _Bench, plan: TurnsPlan = _PLAN):  # type: ignore[no-untyped-def]
    return time_by_turns(bench.maker("baseline"), bench.maker("today"), plan, bench.clock).blocks


def test_each_arm_has_its_own_calls() -> None:
    """The baseline's file is timed twice, in interpreters of its own, and this run's once."""
    bench = _Bench(0.001, 0.002)
    blocks = _timed(bench)
    assert Counter(bench.made) == {"baseline": 6, "today": 3}
    for block in blocks:
        assert block.baseline_ms == pytest.approx([1.0] * 3)
        assert block.again_ms == pytest.approx([1.0] * 3)
        assert block.today_ms == pytest.approx([2.0] * 3)


def test_places_are_shared_fairly() -> None:
    """Each arm goes first, second and third equally often, with each making of interpreters."""
    blocks = _timed(_Bench(0.001, 0.001))
    assert len(blocks) == _PLAN.blocks
    for making in range(_PLAN.interpreters):
        own = [block for block in blocks if block.interpreters == making]
        places = Counter((arm, block.order.index(arm)) for block in own for arm in range(3))
        assert set(places.values()) == {len(own) // 3}


@given(st.floats(1e-5, 3.0), st.floats(0.5, 2.0))
@settings(max_examples=60, deadline=None)
def test_time_is_bounded(seconds: float, ratio: float) -> None:
    """As many blocks as the budget has room for, and never fewer than the least."""
    bench = _Bench(seconds, seconds * ratio)
    blocks = _timed(bench)
    assert _PLAN.least_blocks <= len(blocks) <= _PLAN.blocks
    spent = sum(
        sum(arm) for block in blocks for arm in (block.baseline_ms, block.today_ms, block.again_ms)
    )
    slowest = 1000 * seconds * max(ratio, 1)
    least = _PLAN.least_blocks * 3 * slowest
    # Rounding of sums of thousands of calls.
    assert spent <= max(1000 * _PLAN.seconds, least) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("seconds", "wall_calls", "clock"),
    [(0.001, 10, Clock.WALL), (0.1, 10, Clock.CPU), (0.1, 0, Clock.WALL)],
)
def test_slow_calls_are_timed_by_cpu_time(seconds: float, wall_calls: int, clock: Clock) -> None:
    """What waits for a core has none of its time; calls that are many stay with the wall."""
    bench = _Bench(seconds, seconds)
    plan = dataclasses.replace(_PLAN, calls=20, wall_calls=wall_calls)
    makers = bench.maker("baseline"), bench.maker("today")
    # Half of the time of this machine goes to others.
    turns = time_by_turns(*makers, plan, bench.clock, lambda: bench.now / 2)
    assert turns.clock is clock
    taken = seconds * (500 if clock is Clock.CPU else 1000)
    assert turns.blocks[0].today_ms[0] == pytest.approx(taken)


def test_a_clock_that_stands_still() -> None:
    """Calls that take no time are as many as the plan has."""
    assert len(_timed(_Bench(0.0, 0.0))) == _PLAN.blocks
