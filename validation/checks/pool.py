"""Child processes that run the checks of a session, ahead of it where they can.

Each check is run once, by whichever child is free: one goes through the list from its beginning,
the others through each check's subjects from the end. pytest takes the results in its own order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from validation.checks.child import Item, NotThere, SessionChecks, Work
from validation.checks.memory_budget import UNBOUNDED, MemoryBudget
from validation.isolation.crash import Crash, Crashed, ended_in, never_started
from validation.isolation.limits import ProcessLimits
from validation.isolation.messages import Raised, Returned
from validation.isolation.worker import PAUSE_SECONDS, Worker
from validation.record.lines import Entry
from validation.record.run import Step

# A start may fail for lack of memory; what fails again and again will not get better.
_MOST_STARTS = 3

# Keeps what a crash leaves: of an item, gives the folder where it lies now.
Keep = Callable[[Item, Crashed], str]
# Is called while a result is waited for: subject, step and seconds that it has taken.
Waiting = Callable[[str, str, float], None]


class CheckPool:
    """The child processes of one session.

    Args:
        checks: What they run, and of which session.
        ahead: Items that may be run before they are asked for, in the order of the session.
        workers: How many children.
        budget: Of memory: what would be too much beside what others are at is left for later.
        folder: Of this pool alone, for logs.
        limits: Of each child.
        keep: See `Keep`.
        say: Takes a line that a child has for the user.
        waiting: See `Waiting`.
    """

    def __init__(
        self,
        checks: SessionChecks,
        ahead: Sequence[Item],
        *,
        workers: int,
        budget: MemoryBudget = UNBOUNDED,
        folder: Path,
        limits: ProcessLimits,
        keep: Keep,
        say: Callable[[str], object] = lambda _: None,
        waiting: Waiting = lambda *_: None,
    ) -> None:
        self._open = list(dict.fromkeys(ahead))
        self._budget = budget
        self._keep, self._say, self._waiting = keep, say, waiting
        self._failed_starts = 0
        # The outcome of all that is left, once no child can be started.
        self._given_up: Raised | None = None
        self._steps: list[Step] = []
        self._crashes: dict[str, Crash] = {}
        self._outcomes: dict[Item, Returned | Raised] = {}
        self._at: dict[Worker, Work] = {}
        self._workers = [
            Worker(checks, folder / str(number), limits, self._noted) for number in range(workers)
        ]

    def entries(self, item: Item) -> list[Entry] | NotThere:
        """What a check found; it is run now, was run before, or is waited for.

        Raises:
            ProcessEnded: The process ended before the check did.
            BaseException: Whatever the check raised.
        """
        if item not in self._outcomes and all(item != work.item for work in self._at.values()):
            self._open = [item, *(each for each in self._open if each != item)]
        while item not in self._outcomes:
            if self._given_up is not None:
                return _entries(self._given_up)
            self._hand_out()
            self._listen()
        return _entries(self._outcomes[item])

    def prepare(self, item: Item) -> None:
        """Make what a check uses that the session runs itself, and leave the machine quiet.

        Raises:
            ProcessEnded, BaseException: As `entries`.
        """
        self._rest()
        if self._given_up is not None:
            _entries(self._given_up)
        worker = self._workers[0]
        self._submit(worker, Work(item, only_needs=True, crashes=dict(self._crashes)))
        while worker in self._at:
            self._listen()
        _entries(self._outcomes.pop(item))

    def drain_steps(self) -> list[Step]:
        """The steps that the children took since the last call."""
        steps, self._steps[:] = list(self._steps), []
        return steps

    def close(self, *, at_once: bool = False) -> None:
        """End the children; with ``at_once`` without waiting for what they are at."""
        for worker in self._workers:
            worker.close(at_once=at_once or not worker.is_idle)

    def _rest(self) -> None:
        """Wait until nothing is being run; nothing new is begun."""
        while self._at:
            self._listen()

    def _hand_out(self) -> None:
        for number, worker in enumerate(self._workers):
            if not worker.is_idle:
                continue
            beside = [work.item[1].model for work in self._at.values()]
            fitting = [each for each in self._open if self._budget.fits(each[1].model, beside)]
            if fitting:
                item = next_item(fitting, from_the_end=number > 0)
                self._open.remove(item)
                self._submit(worker, Work(item, crashes=dict(self._crashes)))

    def _submit(self, worker: Worker, work: Work) -> None:
        self._at[worker] = work
        worker.submit(work)

    def _listen(self) -> None:
        for worker, work in list(self._at.items()):
            outcome = worker.outcome(PAUSE_SECONDS / len(self._at))
            if outcome is None:
                self._waiting(str(work.item[1]), *worker.at())
                continue
            del self._at[worker]
            if isinstance(outcome, Crashed) and not outcome.had_started:
                self._failed_starts += 1
                if self._failed_starts < _MOST_STARTS:
                    self._submit(worker, work)
                    continue
                outcome = self._given_up = self._never_started(work.item, outcome)
            elif isinstance(outcome, Crashed):
                crashed, outcome = outcome, self._kept(work.item, outcome)
                self._spare_others(crashed)
            else:
                self._failed_starts = 0
            self._outcomes[work.item] = outcome

    def _never_started(self, item: Item, crashed: Crashed) -> Raised:
        crash = replace(crashed.crash, kept=self._keep(item, crashed))
        return Raised(never_started(crash, _MOST_STARTS))

    def _noted(self, note: object) -> None:
        if isinstance(note, Step):
            self._steps.append(note)
        else:
            self._say(str(note))

    def _kept(self, item: Item, crashed: Crashed) -> Raised:
        crash = replace(crashed.crash, kept=self._keep(item, crashed))
        if crashed.activity is not None:
            self._crashes[crashed.activity.key] = crash
        return Raised(ended_in("this check", crash))

    def _spare_others(self, crashed: Crashed) -> None:
        """Begin again the work of children at what ended this one, which is not tried again."""
        for worker, work in list(self._at.items()):
            if worker.shares(crashed.activities):
                worker.begin_again(replace(work, crashes=dict(self._crashes)))


def next_item(items: Sequence[Item], *, from_the_end: bool) -> Item:
    """The first item; or the last one of the same check, so that two meet late.

    Args:
        items: What is left, at least one, in the order of the session.
        from_the_end: Which of the two.
    """
    first = items[0]
    if not from_the_end:
        return first
    return [each for each in items if each[0] == first[0]][-1]


def _entries(outcome: Returned | Raised) -> list[Entry] | NotThere:
    if isinstance(outcome, Raised):
        # Without the trace of the last time: each would make the next one longer.
        raise outcome.error.with_traceback(None)
    entries: list[Entry] | NotThere = outcome.value
    return entries


def without_repeats(steps: Sequence[Step], seen: set[tuple[str, str]]) -> list[Step]:
    """Steps of several processes, each product once: not where it was found again.

    Args:
        steps: In the order in which they were made known.
        seen: Model and step of earlier ones; added to.
    """
    kept: list[Step] = []
    for step in steps:
        key = (step.model, step.step)
        if not (step.cached and key in seen):
            kept.append(step)
        seen.add(key)
    return kept
