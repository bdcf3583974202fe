"""Latency of a model file: raw samples kept, judged by the policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from validation.policy.load import Policy
from validation.record.formatting import plural
from validation.record.types import CheckResult, Measure, ModelKey, Timing


class Stopwatch(Protocol):
    """pytest-benchmark's fixture, as far as it is used here."""

    stats: Any

    def pedantic(
        self, target: Callable[[], object], *, rounds: int, warmup_rounds: int, iterations: int
    ) -> object:
        """Call the target, untimed and timed."""


@dataclass(frozen=True)
class TimingPlan:
    """How often to call.

    Args:
        warmup: Calls before the first sample: first invokes plan memory and fill caches.
        rounds: Samples.
        least_rounds: Samples of a model that is too slow for all of them.
        seconds: That all samples may take, as long as there are enough.
        threads: Threads of the runtime, stated beside the figures.
    """

    warmup: int
    rounds: int
    least_rounds: int
    seconds: float
    threads: int

    def paced(self, call_seconds: float) -> TimingPlan:
        """The plan for calls that take so long: warm-up and samples shrink alike.

        Args:
            call_seconds: Of one call, above 0.
        """
        affordable = int(min(self.rounds, self.seconds / call_seconds))
        rounds = max(affordable, min(self.least_rounds, self.rounds))
        return replace(self, warmup=-(-self.warmup * rounds // self.rounds), rounds=rounds)


def measure_latency(
    stopwatch: Stopwatch | None,
    call: Callable[[], object],
    key: ModelKey,
    runtime: str,
    plan: TimingPlan,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time single calls and keep every sample.

    The first call plans memory; the second one sets the number of samples. Both belong to the
    warm-up.

    Args:
        stopwatch: The `benchmark` fixture, which times one thing a test; None: a plain loop.
        call: One inference, feed prepared outside.
        key: Model and variant.
        runtime: Name and version of what runs.
        plan: See `TimingPlan`.
        clock: Seconds.
    """
    call()
    began = clock()
    call()
    # A clock may stand still for a call that takes no time at all.
    paced = plan.paced(max(clock() - began, 1e-9))
    more = max(paced.warmup - 2, 0)
    if stopwatch is None:
        seconds = _timed(call, paced.rounds, more, clock)
    else:
        stopwatch.pedantic(call, rounds=paced.rounds, warmup_rounds=more, iterations=1)
        seconds = stopwatch.stats.stats.data
    samples = tuple(1000 * each for each in seconds)
    return Timing(key.model, key.variant, runtime, plan.threads, more + 2, samples, file=key.file)


def _timed(
    call: Callable[[], object], rounds: int, warmup: int, clock: Callable[[], float]
) -> list[float]:
    """Seconds of single calls, as `Stopwatch.pedantic` takes them."""
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(rounds):
        began = clock()
        call()
        seconds.append(clock() - began)
    return seconds


def check_latency(timing: Timing, policy: Policy, check: str = "latency") -> CheckResult:
    """Judge the samples by the policy.

    Args:
        timing: At least one sample.
        policy: Its limits: samples, p50_ms and p95_ms.
        check: Name in the record.
    """
    values = {
        "samples": len(timing.samples_ms),
        "p50_ms": timing.p50_ms,
        "p95_ms": timing.p95_ms,
    }
    measures = Measure.limited(values, policy, check, timing.key)
    return CheckResult.judged(
        check,
        timing.key,
        measures,
        where=f"{timing.runtime}, {plural(timing.threads, 'thread')}",
    )
