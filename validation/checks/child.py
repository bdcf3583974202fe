"""The side of a child process: the session's checks, each run when it is asked for."""

from __future__ import annotations

import contextlib
import importlib
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tqdm import tqdm

from validation.checks.check import Check
from validation.checks.running import run_row
from validation.isolation.activity import doing, remember
from validation.isolation.board import Activity
from validation.isolation.crash import Crash
from validation.record.lines import Entry
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.workspace.session import Session
from validation.workspace.settled import settle_process

# One thing to do: the name of a check, and its subject.
Item = tuple[str, ModelKey]


@dataclass(frozen=True)
class Work:
    """What a child is to do next.

    Args:
        item: Check and subject.
        only_needs: Make what the check uses, and leave the check to the session's process.
        crashes: What has ended other processes, by the key of the activity.
    """

    item: Item
    only_needs: bool = False
    crashes: Mapping[str, Crash] = field(default_factory=dict)


@dataclass(frozen=True)
class NotThere:
    """The check cannot be imported in a child, so that the session runs it itself."""


@dataclass(frozen=True)
class SessionChecks:
    """Makes what does the work in a child; travels there pickled.

    Args:
        session: What it takes part in.
        rows: Each check pickled by itself: a module that cannot be imported there costs its own
            checks the other process, and no others.
        plugins: Modules to import first, since they may replace something.
    """

    session: Session
    rows: Mapping[str, bytes]
    plugins: Sequence[str] = ()

    @classmethod
    def of(
        cls, session: Session, checks: Mapping[str, Check], plugins: Sequence[str]
    ) -> SessionChecks:
        """As they are handed to another process."""
        rows = {name: pickle.dumps(check) for name, check in checks.items()}
        return cls(session.for_another_process(), rows, plugins)

    def __call__(self, note: Callable[[Any], None]) -> Callable[[Work], list[Entry] | NotThere]:
        """Called in the child, once."""
        session = taking_part(self.session, note, self.plugins)
        return lambda work: self._done(session, work)

    def _done(self, session: Session, work: Work) -> list[Entry] | NotThere:
        remember(work.crashes)
        name, key = work.item
        try:
            check: Check = pickle.loads(self.rows[name])
        except (ImportError, AttributeError):
            return NotThere()
        with doing(Activity(f"check {name}", f"{name} {key}")):
            context = session.context(key)
            if not work.only_needs:
                return run_row(check, context)
            for need in check.needs:
                need(context)
        return []


def taking_part(session: Session, note: Callable[[Any], None], plugins: Sequence[str]) -> Session:
    """Settle this process, a child, and give the session with steps that are sent.

    Args:
        session: What the child takes part in.
        note: Sends something to the session's process.
        plugins: See `SessionChecks`.
    """
    settle_process(session.policy, note)
    # Its own takes a semaphore of the system, which stays behind where a process is killed.
    tqdm.set_lock(threading.RLock())
    for name in plugins:
        # What it does without is the business of its own checks.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    return replace(session, steps=_Sent(note))


class _Sent(list[Step]):
    """Steps that are sent as soon as they are made: a process that ends loses none."""

    def __init__(self, note: Callable[[Any], None]) -> None:
        super().__init__()
        self._note = note

    def append(self, step: Step) -> None:
        """Send it."""
        self._note(step)
