"""A second process that makes products before they are asked for.

It goes through the session's checks stage by stage, but from the last model backwards, and makes
what they need; the session then finds it in the work folder and judges. Two processes never
make one product, see `work`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection

from validation.record.run import Step
from validation.record.types import ModelKey
from validation.specs.variants import variant_of
from validation.workspace import promises
from validation.workspace.accuracy import accuracy
from validation.workspace.context import CheckContext
from validation.workspace.guide import guide
from validation.workspace.memory import without_pools
from validation.workspace.quantisation import quantisation
from validation.workspace.session import Session

# Where the second process hangs, nobody should wait for ever: its products are made again.
_LONGEST_WAIT_SECONDS = 120.0


def _export(context: CheckContext) -> None:
    context.build.exported()
    context.build.summary(add_postprocessing_op=not context.is_raw)


def _file(context: CheckContext) -> None:
    context.build.tflite(context.key.variant)


def _second_route(context: CheckContext) -> None:
    count = promises.parity_images(context)
    context.inference.session_raw_outputs(count)
    context.inference.session_raw_outputs(count, context.build.built_export())


def _run(context: CheckContext) -> None:
    context.build.tflite(variant_of(context.key.variant).raw_variant)
    context.inference.candidate(context.key.variant)


def _both_runs(context: CheckContext) -> None:
    context.inference.reference()
    context.inference.candidate(context.key.variant)


# The checks that need products, each with what makes them. Latency is not among them: it is
# measured when nothing else works.
_MAKERS: dict[str, Callable[[CheckContext], object]] = {
    "export_contract": _export,
    "tflite_contract": _file,
    "guide": guide,
    "route_parity": _second_route,
    "postprocess_parity": _run,
    "quantisation": quantisation,
    "end_to_end_parity": _both_runs,
    "accuracy": accuracy,
}

# One thing to do: the name of a check, and what it is tried on.
Item = tuple[str, ModelKey]


class Prefetcher:
    """The second process of a session.

    Args:
        session: What it takes part in.
        items: The session's checks in the order in which they will be run.
    """

    def __init__(self, session: Session, items: Sequence[Item]) -> None:
        # A fresh interpreter: TensorFlow does not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._items = list(items)
        self._pipe, theirs = context.Pipe()
        self._received: list[Step] = []
        self._made: set[tuple[str, str]] = set()
        self._process = context.Process(
            target=_prefetch,
            args=(session.for_another_process(), self._items, theirs),
            daemon=True,
        )
        self._process.start()
        theirs.close()

    def reached(self, item: Item) -> None:
        """Tell what the session does now; the second process leaves it, and all before it."""
        if item in self._items:
            self._send(self._items.index(item))

    def merged(self, steps: Sequence[Step]) -> list[Step]:
        """The session's own steps and those made here since the last call.

        What the session found because it was just made here is told once, with its time.
        """
        self._receive()
        theirs, self._received = self._received, []
        self._made |= {(step.model, step.step) for step in theirs}
        found = {(step.model, step.step) for step in steps if step.cached} & self._made
        return [*theirs, *(step for step in steps if (step.model, step.step) not in found)]

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

    def _send(self, place: int) -> None:
        # It may have ended by itself.
        with contextlib.suppress(OSError):
            self._pipe.send(place)

    def _receive(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while self._pipe.poll():
                self._received.append(self._pipe.recv())


def next_items(items: Sequence[Item], reached: Callable[[], int]) -> Iterator[Item]:
    """What to do next while another goes through the items from the first on.

    Args:
        items: In the order of the other, checks of one name together.
        reached: Gives the place of the item that the other is at.

    Yields:
        Of each check in turn the last item first, as far as the other has not come.
    """
    for check in dict.fromkeys(name for name, _ in items):
        places = [place for place, (name, _) in enumerate(items) if name == check]
        for place in reversed(places):
            if place <= reached():
                break
            yield items[place]


def _prefetch(session: Session, items: Sequence[Item], pipe: Connection) -> None:
    """The whole of the second process."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    without_pools()
    place = -1

    def reached() -> int:
        nonlocal place
        try:
            while pipe.poll():
                place = pipe.recv()
        except (EOFError, OSError):  # the session is gone
            place = len(items)
        return place

    for check, key in next_items(items, reached):
        make = _MAKERS.get(check)
        if make is not None:
            # What goes wrong here goes wrong in the session as well, and is told there.
            with contextlib.suppress(Exception):
                make(session.context(key))
        with contextlib.suppress(OSError):
            for step in session.drain_steps():
                if not step.cached:
                    pipe.send(step)
