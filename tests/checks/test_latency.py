"""What the check times: the threads that the README says to run, and others beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from validation.checks.latency import latency
from validation.policy.load import load_policy
from validation.record.types import CheckResult, ModelKey, Timing
from validation.workspace.context import CheckContext


class _Stopwatch:
    """Says that every call took 3 ms, and may be used once, as pytest-benchmark's fixture."""

    stats: Any = None

    def pedantic(
        self, target: Callable[[], object], *, rounds: int, warmup_rounds: int, iterations: int
    ) -> None:
        assert self.stats is None, "used twice"
        for _ in range(warmup_rounds + rounds * iterations):
            target()
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[0.003] * rounds))


def _timed(**settings: float) -> tuple[list[Timing], CheckResult, list[int]]:
    """The timings, the result, and with how many threads the file was opened."""
    opened: list[int] = []

    def timed_call(threads: int) -> Callable[[], object]:
        opened.append(threads)
        return lambda: None

    policy = load_policy()
    policy = dataclasses.replace(policy, settings={**policy.settings, **settings})
    context = SimpleNamespace(
        key=ModelKey("m", "float"),
        policy=policy,
        subject=SimpleNamespace(timed_call=timed_call),
        stopwatch=_Stopwatch(),
    )
    *timings, result = latency(cast(CheckContext, context))
    return cast("list[Timing]", timings), cast(CheckResult, result), opened


def test_one_thread_is_judged_and_two_are_told() -> None:
    """The first timing is what limits judge; the other has fewer samples and no limit."""
    (judged, beside), result, opened = _timed()
    assert opened == [judged.threads, beside.threads] == [1, 2]
    assert len(judged.samples_ms) == 50 > len(beside.samples_ms) == 20
    assert result.where == "LiteRT, 1 thread"
    values = {each.name: each.value for each in result.measures}
    assert values == {"samples": 50, "p50_ms": 3.0, "p95_ms": 3.0}


@pytest.mark.parametrize(
    "settings", [{"timing_beside_threads": 0}, {"timing_threads": 2}], ids=["none", "the same"]
)
def test_nothing_is_timed_twice(settings: dict[str, float]) -> None:
    """No other threads asked for, or as many as are judged: one timing."""
    timings, _, opened = _timed(**settings)
    assert len(timings) == len(opened) == 1
