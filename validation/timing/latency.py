"""Latency of a model file: raw samples kept, judged by the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from validation.policy import Policy
from validation.records import CheckResult, Measure, ModelKey, Timing


class Stopwatch(Protocol):
    """pytest-benchmark's fixture, as far as it is used here."""

    stats: Any

    def pedantic(
        self, target: Callable[[], object], *, rounds: int, warmup_rounds: int, iterations: int
    ) -> object:
        """Call the target, untimed and timed."""


@dataclass(frozen=True)
class Rhythm:
    """How often to call.

    Args:
        warmup: Calls before the first sample: first invokes plan memory and fill caches.
        rounds: Samples.
        threads: Threads of the runtime, stated beside the figures.
    """

    warmup: int
    rounds: int
    threads: int


def measure_latency(
    stopwatch: Stopwatch, call: Callable[[], object], key: ModelKey, runtime: str, rhythm: Rhythm
) -> Timing:
    """Time single calls and keep every sample.

    Args:
        stopwatch: The `benchmark` fixture.
        call: One inference, feed prepared outside.
        key: Model and variant.
        runtime: Name and version of what runs.
        rhythm: See `Rhythm`.
    """
    stopwatch.pedantic(call, rounds=rhythm.rounds, warmup_rounds=rhythm.warmup, iterations=1)
    samples = [1000 * seconds for seconds in stopwatch.stats.stats.data]
    return Timing(key.model, key.variant, runtime, rhythm.threads, rhythm.warmup, tuple(samples))


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
    measures = tuple(
        Measure(name, value, policy.limit(check, name, timing.model, timing.variant))
        for name, value in values.items()
    )
    return CheckResult.judged(
        check,
        ModelKey(timing.model, timing.variant),
        measures,
        where=f"{timing.runtime}, {timing.threads} threads",
        seconds=sum(timing.samples_ms) / 1000,
    )
