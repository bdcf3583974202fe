"""Raw samples are kept, and the policy judges what they amount to."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_benchmark.fixture import BenchmarkFixture

from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import ModelKey, Timing
from validation.timing.sampling import TimingPlan, check_latency, measure_latency

_KEY = ModelKey("m", "float")
_POLICY = load_policy()


class _FakeStopwatch:
    """Calls the target as told and pretends to have measured given seconds."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=list(seconds)))
        self.asked: dict[str, int] = {}

    def pedantic(
        self, target: Callable[[], object], *, rounds: int, warmup_rounds: int, iterations: int
    ) -> object:
        self.asked = {"rounds": rounds, "warmup_rounds": warmup_rounds, "iterations": iterations}
        for _ in range(rounds + warmup_rounds):
            target()
        return None


def _measured(
    stopwatch: _FakeStopwatch, call: Callable[[], object], seconds: float, plan: TimingPlan
) -> Timing:
    """With a clock by which the second call takes so long."""
    return measure_latency(stopwatch, call, _KEY, "LiteRT", plan, iter([0.0, seconds]).__next__)


def _timing(samples_ms: Sequence[float]) -> Timing:
    return Timing("m", "float", "LiteRT", 2, 10, tuple(samples_ms))


def test_every_sample_is_kept_in_milliseconds() -> None:
    """One call a sample, after the warm-up, in the order measured."""
    calls: list[int] = []
    stopwatch = _FakeStopwatch([0.003, 0.001, 0.002])
    timing = _measured(stopwatch, lambda: calls.append(1), 0.0, TimingPlan(5, 3, 1, 10, 4))
    assert timing == Timing("m", "float", "LiteRT", 4, 5, (3.0, 1.0, 2.0))
    assert stopwatch.asked == {"rounds": 3, "warmup_rounds": 3, "iterations": 1}
    assert len(calls) == 8


def test_without_a_stopwatch_calls_are_timed_alike() -> None:
    """pytest-benchmark's fixture times one thing a test: what comes second has the same samples."""
    calls: list[int] = []
    # Two calls of the warm-up, then a start and an end for each of three samples.
    clock = iter([0.0, 0.0, 1.0, 1.003, 2.0, 2.001, 3.0, 3.002]).__next__
    plan = TimingPlan(5, 3, 1, 10, 2)
    timing = measure_latency(None, lambda: calls.append(1), _KEY, "LiteRT", plan, clock)
    assert (timing.threads, timing.warmup) == (2, 5)
    assert timing.samples_ms == pytest.approx((3.0, 1.0, 2.0))
    assert len(calls) == 8


def test_a_slow_model_gets_fewer_rounds() -> None:
    """What the second call took decides; the first, which plans memory, does not."""
    stopwatch = _FakeStopwatch([2.0] * 20)
    timing = _measured(stopwatch, lambda: None, 2.0, TimingPlan(10, 50, 20, 10, 2))
    assert stopwatch.asked == {"rounds": 20, "warmup_rounds": 2, "iterations": 1}
    assert timing.warmup == 4


@given(
    st.integers(0, 20),
    st.integers(1, 100),
    st.integers(1, 100),
    st.floats(0.1, 60),
    st.floats(1e-6, 100),
)
def test_pace(warmup: int, rounds: int, least: int, seconds: float, call: float) -> None:
    """Never more rounds than asked for; more than the least only where the time is enough."""
    paced = TimingPlan(warmup, rounds, least, seconds, 1).paced(call)
    assert min(least, rounds) <= paced.rounds <= rounds
    assert paced.rounds * call <= seconds * (1 + 1e-9) or paced.rounds == min(least, rounds)
    assert paced.warmup <= warmup
    if rounds * call < seconds * (1 - 1e-9):
        assert (paced.warmup, paced.rounds) == (warmup, rounds)


def test_stopwatch_is_what_pytest_benchmark_offers() -> None:
    """The real fixture takes the same words, so the fake cannot drift from it."""
    asked = inspect.signature(BenchmarkFixture.pedantic).parameters
    assert {"target", "rounds", "warmup_rounds", "iterations"} <= set(asked)


@pytest.mark.parametrize(
    ("samples", "broken"),
    [
        ([5.0] * 50, []),
        ([5.0] * 19, ["samples"]),
        ([5000.0] * 50, ["p50_ms", "p95_ms"]),
        ([5.0] * 40 + [9000.0] * 10, ["p95_ms"]),
    ],
)
def test_limits(samples: list[float], broken: list[str]) -> None:
    """Too few samples, a slow median or a slow tail each fail by themselves."""
    result = check_latency(_timing(samples), _POLICY)
    assert [one.name for one in result.measures if one.status is Status.FAIL] == broken
    assert result.status is (Status.FAIL if broken else Status.PASS)


def test_what_is_told() -> None:
    """Where: runtime and threads. What: the number of samples and two percentiles."""
    result = check_latency(_timing([10.0, 30.0, 20.0] * 10), _POLICY)
    assert (result.check, result.key) == ("latency", _KEY)
    assert result.where == "LiteRT, 2 threads"
    alone = Timing("m", "float", "LiteRT", 1, 10, (10.0,) * 20)
    assert check_latency(alone, _POLICY).where == "LiteRT, 1 thread"
    assert {one.name: one.value for one in result.measures} == {
        "samples": 30,
        "p50_ms": 20.0,
        "p95_ms": 30.0,
    }


@given(st.lists(st.floats(0.01, 900), min_size=20, max_size=60), st.randoms())
@settings(max_examples=30, deadline=None)
def test_order_of_samples_plays_no_part(samples: list[float], random: object) -> None:
    """Percentiles stand between the extremes, however the samples came."""
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = _timing(samples), _timing(shuffled)
    assert (first.p50_ms, first.p95_ms) == (second.p50_ms, second.p95_ms)
    assert min(samples) <= first.p50_ms <= first.p95_ms <= max(samples)
