"""The time that one inference takes."""

from __future__ import annotations

from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.timing.sampling import TimingPlan, check_latency, measure_latency
from validation.workspace.context import CheckContext

DISTURBED = "not timed beside other work: run the timing suite without -n and --benchmark-disable"


def latency(context: CheckContext) -> list[Entry]:
    """One inference stays within its time limits."""
    if context.stopwatch is None:
        return [CheckResult.unknown("latency", context.key, DISTURBED)]
    plan = TimingPlan(
        warmup=int(context.policy.setting("timing_warmup")),
        rounds=int(context.policy.setting("timing_rounds")),
        least_rounds=int(context.policy.setting("timing_least_rounds")),
        seconds=context.policy.setting("timing_seconds"),
        threads=int(context.policy.setting("timing_threads")),
    )
    call = context.inference.timed_call(context.key.variant, plan.threads)
    timing = measure_latency(context.stopwatch, call, context.key, "LiteRT", plan)
    return [timing, check_latency(timing, context.policy)]
