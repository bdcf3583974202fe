"""The time that one inference takes, with as many threads as the README says to run."""

from __future__ import annotations

from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.types import CheckResult, Timing
from validation.timing.sampling import Stopwatch, TimingPlan, check_latency, measure_latency
from validation.workspace.context import CheckContext

DISTURBED = (
    "latency was not measured: -n, --benchmark-disable and --benchmark-skip leave it out; "
    "run without them"
)


def latency(context: CheckContext) -> list[Entry]:
    """One inference stays within its time limits.

    The first timing is the one that is judged; the one with other threads is reported beside it.
    """
    if context.stopwatch is None:
        return [CheckResult.unknown("latency", context.key, DISTURBED)]
    judged, beside = _judged(context.policy), _beside(context.policy)
    timing = _measured(context, context.stopwatch, judged)
    others = []
    if beside.threads not in (0, judged.threads):
        others.append(_measured(context, None, beside))
    return [timing, *others, check_latency(timing, context.policy)]


def first_runs(context: CheckContext) -> None:
    """The file under test, run once with each number of threads that it is timed with."""
    plans = _judged(context.policy), _beside(context.policy)
    for threads in {plan.threads for plan in plans} - {0}:
        context.subject.timed_call(threads)()


def _judged(policy: Policy) -> TimingPlan:
    return TimingPlan(
        warmup=int(policy.setting("timing_warmup")),
        rounds=int(policy.setting("timing_rounds")),
        least_rounds=int(policy.setting("timing_least_rounds")),
        seconds=policy.setting("timing_seconds"),
        threads=int(policy.setting("timing_threads")),
    )


def _beside(policy: Policy) -> TimingPlan:
    return TimingPlan(
        warmup=int(policy.setting("timing_warmup")),
        rounds=int(policy.setting("timing_beside_rounds")),
        least_rounds=int(policy.setting("timing_beside_least_rounds")),
        seconds=policy.setting("timing_beside_seconds"),
        threads=int(policy.setting("timing_beside_threads")),
    )


def _measured(context: CheckContext, stopwatch: Stopwatch | None, plan: TimingPlan) -> Timing:
    call = context.subject.timed_call(plan.threads)
    return measure_latency(stopwatch, call, context.key, "LiteRT", plan)
