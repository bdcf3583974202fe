"""Two files timed by turns in one process, the baseline's twice."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from validation.record.baseline import Clock, LatencyBlock

Call = Callable[[], object]

# Who goes first, second and third: each arm in each place as often, after each other one as often.
_ORDERS: tuple[tuple[int, int, int], ...] = (
    (0, 1, 2),
    (2, 1, 0),
    (1, 2, 0),
    (0, 2, 1),
    (2, 0, 1),
    (1, 0, 2),
)
_BASELINE, _TODAY, _AGAIN = range(3)


@dataclass(frozen=True)
class TurnsPlan:
    """How often to call.

    Args:
        blocks: Pairs, where there is time for all of them.
        least_blocks: Of files that are too slow for that.
        calls: Of each arm in a block.
        warmup: Calls of each interpreter before the first block.
        seconds: That the blocks may take on a quiet machine, as long as there are enough.
        interpreters: How often all three interpreters are made anew: each lies elsewhere in memory.
        wall_calls: With fewer calls of each arm in a block than this, CPU time is taken. Calls that
            take long are interrupted wherever other processes want the cores, and of few not one
            is left alone. 0: always wall time.
    """

    blocks: int
    least_blocks: int
    calls: int
    warmup: int
    seconds: float
    interpreters: int
    wall_calls: int = 0

    def affordable(self, call_seconds: float) -> tuple[int, int]:
        """Blocks and calls a block, for calls that take so long.

        Calls are given up before blocks: the rank test counts these.

        Args:
            call_seconds: Of one call, above 0.
        """
        blocks = self.blocks
        calls = int(self.seconds / (blocks * len(_ORDERS[0]) * call_seconds))
        if calls >= 1:
            return blocks, min(calls, self.calls)
        fitting = int(self.seconds / (len(_ORDERS[0]) * call_seconds))
        return max(min(fitting, blocks), min(self.least_blocks, blocks)), 1


@dataclass(frozen=True)
class Turns:
    """Calls by turns.

    Args:
        blocks: In the order in which they were measured.
        clock: What all of their calls were timed by.
    """

    blocks: tuple[LatencyBlock, ...]
    clock: Clock


def time_by_turns(
    make_baseline: Callable[[], Call],
    make_today: Callable[[], Call],
    plan: TurnsPlan,
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.thread_time,
) -> Turns:
    """Blocks of calls, each of all three interpreters, in an order that turns from block to block.

    Args:
        make_baseline: An interpreter of the baseline's file with its feed: one inference a call.
        make_today: Of this run's file.
        plan: See `TurnsPlan`.
        clock: Seconds.
        cpu_clock: Seconds of the processor that this thread has had.
    """
    makers = (make_baseline, make_today, make_baseline)
    blocks: list[LatencyBlock] = []
    wanted, calls, kind = plan.blocks, plan.calls, Clock.WALL
    orders = itertools.cycle(_ORDERS)
    for making in range(plan.interpreters):
        arms: list[Call] = [_nothing] * len(makers)
        for arm in _ORDERS[making % len(_ORDERS)]:
            arms[arm] = makers[arm]()
        call_seconds = max(_warmed_up(arm, plan.warmup, clock) for arm in arms)
        if making == 0:
            wanted, calls = plan.affordable(call_seconds)
            kind = Clock.CPU if calls < plan.wall_calls else Clock.WALL
        until = -(-wanted * (making + 1) // plan.interpreters)
        while len(blocks) < until:
            timer = cpu_clock if kind is Clock.CPU else clock
            blocks.append(_block(arms, next(orders), calls, making, timer))
    return Turns(tuple(blocks), kind)


def _nothing() -> None:
    """No interpreter yet."""


def _warmed_up(call: Call, warmup: int, clock: Callable[[], float]) -> float:
    """Seconds of the quickest call but the first one, which plans memory."""
    call()
    seconds = []
    for _ in range(max(warmup - 1, 1)):
        began = clock()
        call()
        seconds.append(clock() - began)
    # A clock may stand still for a call that takes no time at all.
    return max(min(seconds), 1e-9)


def _block(
    arms: Sequence[Call],
    order: tuple[int, int, int],
    calls: int,
    making: int,
    clock: Callable[[], float],
) -> LatencyBlock:
    samples: list[tuple[float, ...]] = [()] * len(arms)
    for arm in order:
        call, own = arms[arm], []
        for _ in range(calls):
            began = clock()
            call()
            own.append(1000 * (clock() - began))
        samples[arm] = tuple(own)
    return LatencyBlock(order, samples[_BASELINE], samples[_TODAY], samples[_AGAIN], making)
