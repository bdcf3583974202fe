"""A second process that makes products before they are asked for.

It goes through the session's checks stage by stage, but from the last model backwards, and makes
what they need; the session then finds it in the work folder and judges. Two processes never
make one product, see `products`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection

from validation.record.run import Step
from validation.record.types import ModelKey
from validation.workspace.context import Need
from validation.workspace.memory import collect_seldom, without_pools
from validation.workspace.session import Session

# Where the second process hangs, the session does not wait for ever: it makes the products itself.
_LONGEST_WAIT_SECONDS = 120.0

# One thing to do: the name of a check, and its subject.
Item = tuple[str, ModelKey]


class Prefetcher:
    """The second process of a session.

    Args:
        session: What it takes part in.
        items: The session's checks in the order in which they will be run.
        needs: What to make for each check, by its name; module-level functions.
    """

    def __init__(
        self, session: Session, items: Sequence[Item], needs: Mapping[str, Sequence[Need]]
    ) -> None:
        # A fresh interpreter: TensorFlow does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._items = list(items)
        # One by one: a module that cannot be imported there costs one check its head start.
        pickled = {name: pickle.dumps(tuple(each)) for name, each in needs.items()}
        self._pipe, theirs = context.Pipe()
        self._received: list[Step] = []
        self._made: set[tuple[str, str]] = set()
        self._process = context.Process(
            target=_prefetch,
            args=(session.for_another_process(), self._items, pickled, theirs),
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def reached(self, item: Item) -> None:
        """Say what the session does now; the second process leaves it, and all before it."""
        if item in self._items:
            self._send(self._items.index(item))

    def merged(self, steps: Sequence[Step]) -> list[Step]:
        """The session's own steps and those made here since the last call.

        A product that the session finds because it was just made here is listed once, with the
        time that it took.
        """
        self._receive()
        theirs, self._received = self._received, []
        self._made |= {(step.model, step.step) for step in theirs}
        twice = {(step.model, step.step) for step in steps if step.cached} & self._made
        return [*theirs, *(step for step in steps if (step.model, step.step) not in twice)]

    def finish(self, *, at_once: bool = False) -> None:
        """Let it end what it is at and wait for it: the machine is then quiet.

        Args:
            at_once: Do not wait; what it is at is lost.
        """
        self._send(len(self._items))
        latest = time.monotonic() + (0 if at_once else _LONGEST_WAIT_SECONDS)
        while self._process.is_alive() and time.monotonic() < latest:
            # A full pipe would hold it for ever.
            self._receive()
            self._process.join(0.1)
        self._process.kill()
        self._process.join()

    def _send(self, index: int) -> None:
        # It may have ended by itself.
        with contextlib.suppress(OSError):
            self._pipe.send(index)

    def _receive(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._received.append(self._pipe.recv())


def next_items(items: Sequence[Item], reached: Callable[[], int]) -> Iterator[Item]:
    """What to do next while another goes through the items from the first on.

    Args:
        items: In the order of the other, checks of one name together.
        reached: Gives the index of the item that the other is at.

    Yields:
        Of each check in turn the last item first, as far as the other has not come.
    """
    for check in dict.fromkeys(name for name, _ in items):
        indexes = [index for index, (name, _) in enumerate(items) if name == check]
        for index in reversed(indexes):
            if index <= reached():
                break
            yield items[index]


def _prefetch(
    session: Session, items: Sequence[Item], pickled: Mapping[str, bytes], pipe: Connection
) -> None:
    """The whole of the second process."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    without_pools()
    collect_seldom()
    latest = -1

    def reached() -> int:
        nonlocal latest
        try:
            while pipe.poll():
                latest = pipe.recv()
        except (EOFError, OSError):  # the session is gone
            latest = len(items)
        return latest

    for check, key in next_items(items, reached):
        if check in pickled:
            # What goes wrong here goes wrong in the session as well, and is reported there.
            with contextlib.suppress(Exception):
                for need in pickle.loads(pickled[check]):
                    need(session.context(key))
        with contextlib.suppress(OSError):
            for step in session.drain_steps():
                if not step.cached:
                    pipe.send(step)
