"""`--until-decided`: looks at more and more images before the checks run, and where they stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from validation.checks.looks import Looker, LookWork, SessionLooks
from validation.files.temporary import scratch
from validation.isolation.messages import Returned
from validation.isolation.worker import PAUSE_SECONDS, Worker
from validation.plugin.memory_needs import budget_of
from validation.plugin.processes import item_of, plugins_named, workers_for
from validation.plugin.state import STATE, is_isolated
from validation.plugin.waiting import WAITING
from validation.policy.process_limits import limits_of
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.record.until_decided import Undecided
from validation.record.until_decided_words import describe_look
from validation.workspace.looks import LookPlan
from validation.workspace.session import Session
from validation.workspace.synthetic import GROUP

# Those whose intervals narrow with the number of images.
_SAMPLED = ("accuracy", "evidence", "operating_point")
_WHOLE = pytest.StashKey[Session]()

# Looks at some files: number of the look and files in, what is open out.
_Look = Callable[[int, Sequence[ModelKey]], tuple[Undecided, ...]]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Look, and let the session be about the images of the look at which it stops."""
    config = session.config
    if STATE not in config.stash or config.option.collectonly:
        return
    if not config.getoption("--until-decided"):
        return
    state = config.stash[STATE]
    seeded = {entry.name for entry in state.entries if entry.group == GROUP}
    items = (item_of(each) for each in session.items)
    asked = {item[1] for item in items if item is not None and item[0] in _SAMPLED}
    keys = [key for key in state.keys if key in asked and key.model not in seeded]
    if state.dataset is None or not keys:
        return
    plan = LookPlan.of(state.dataset, state.policy)
    say = config.stash[WAITING].say
    if is_isolated(config):
        with scratch() as folder:
            looking = _Children(config, state, plan, keys, folder)
            try:
                undecided = looks_until_decided(plan, keys, looking.look, say)
            finally:
                looking.close()
    else:
        looker = Looker(state, plan)
        undecided = looks_until_decided(
            plan,
            keys,
            lambda number, files: tuple(
                found for key in files if (found := looker.look(number, key)) is not None
            ),
            say,
        )
    # It has the folder of what was run.
    config.stash[_WHOLE] = state
    config.stash[STATE] = state.at_look(plan, len(undecided), plan.stopped(undecided))


def looks_until_decided(
    plan: LookPlan, keys: Sequence[ModelKey], look: _Look, say: Callable[[str], object]
) -> tuple[tuple[Undecided, ...], ...]:
    """What each look left open, up to the first that leaves nothing open or the last.

    Every look is at all files: they are judged on the same images in the end, so that what an
    earlier look decided has to hold there.

    Args:
        plan: Of all looks.
        keys: The files.
        look: See `_Look`.
        say: Takes a line for the user.
    """
    undecided: list[tuple[Undecided, ...]] = []
    for number in range(1, len(plan.looks) + 1):
        found = look(number, keys)
        undecided.append(found)
        say(describe_look(plan.looks, number, found))
        if not found:
            break
    return tuple(undecided)


class _Children:
    """The child processes that look: what native code ends is for the checks to say."""

    def __init__(
        self,
        config: pytest.Config,
        state: Session,
        plan: LookPlan,
        keys: Sequence[ModelKey],
        folder: Path,
    ) -> None:
        self._steps = state.steps
        self._waiting = config.stash[WAITING]
        self._budget = budget_of(state)
        self._ended: set[ModelKey] = set()
        make = SessionLooks(state.for_another_process(), plan, plugins_named(config))
        self._workers = [
            Worker(make, folder / str(number), limits_of(state.policy), self._noted)
            for number in range(workers_for(config, keys, self._budget))
        ]

    def look(self, number: int, keys: Sequence[ModelKey]) -> tuple[Undecided, ...]:
        """See `_Look`."""
        # Two children meet late where one begins with the last file.
        left = [key for key in keys if key not in self._ended]
        at: dict[Worker, ModelKey] = {}
        found: dict[ModelKey, Undecided | None] = {}
        while left or at:
            for place, worker in enumerate(self._workers):
                beside = [key.model for key in at.values()]
                fitting = [key for key in left if self._budget.fits(key.model, beside)]
                if fitting and worker.is_idle:
                    at[worker] = key = fitting[-1 if place else 0]
                    left.remove(key)
                    worker.submit(LookWork(number, key))
            for worker, key in list(at.items()):
                outcome = worker.outcome(PAUSE_SECONDS / len(at))
                if outcome is None:
                    self._waiting.show(str(key), *worker.at())
                    continue
                del at[worker]
                if isinstance(outcome, Returned):
                    found[key] = outcome.value
                else:
                    self._ended.add(key)
        self._waiting.clear()
        return tuple(each for key in keys if (each := found.get(key)) is not None)

    def close(self) -> None:
        """End them."""
        for worker in self._workers:
            worker.close(at_once=not worker.is_idle)

    def _noted(self, note: object) -> None:
        if isinstance(note, Step):
            self._steps.append(note)
        else:
            self._waiting.say(str(note))
