"""Work on one range after another in forked children, a core each; results come in order.

Two threads of one interpreter hinder each other where each item of work is a few milliseconds; two
processes do not, and a fork has everything in memory that its parent has. To be used in a process
without other threads, which do not survive a fork. A crash of a child ends this process in the same
way, so that whoever watches it reports what it would have reported of one process.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import multiprocessing
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from validation.isolation.activity import alive, doing, watch
from validation.isolation.board import Activity, Board
from validation.isolation.child import portable
from validation.isolation.freed_memory import keep_freed_memory
from validation.isolation.messages import Raised, Returned
from validation.isolation.processes import ENDING_SIGNALS, end_with_parent, held_ending_signals

Result = TypeVar("Result")
# Does the items from the first to before the last; says of each when it is done.
DoRange = Callable[[int, int, Callable[[], None]], Result]

_LOOK_SECONDS = 0.1
_COUNT = struct.Struct("<Q")
# Few messages for many items, and at the end no child that waits long for another one.
_LARGEST_RANGE, _SMALLEST_RANGE, _ROUNDS = 250, 8, 4


def can_fork() -> bool:
    """True where a fork is a whole copy of this process: on Linux, without other threads."""
    if sys.platform != "linux":
        return False
    return len(list(Path("/proc/self/task").iterdir())) == 1


def fork_workers() -> int:
    """Children that are worth having: one for each core; 1 where this process may not be forked."""
    return len(os.sched_getaffinity(0)) if can_fork() else 1


def ranges_of(count: int, workers: int) -> Iterator[tuple[int, int]]:
    """Divide items into ranges, smaller ones at the end: first item, and the one behind the last.

    Args:
        count: Number of items.
        workers: That take one range after another.
    """
    first = 0
    while first < count:
        last = min(first + range_size(count - first, workers, _SMALLEST_RANGE), count)
        yield first, last
        first = last


def range_size(left: int, workers: int, smallest: int) -> int:
    """Items of the next range: a share of what is left, so that all workers end together.

    Args:
        left: Items that no worker has taken.
        workers: That take one range after another.
        smallest: Of a range, as long as there are as many.
    """
    return max(smallest, min(_LARGEST_RANGE, left // (_ROUNDS * workers)))


@contextlib.contextmanager
def in_forks(
    make: Callable[[], DoRange[Result]], count: int, *, workers: int
) -> Iterator[Callable[[Callable[[int], object]], Iterator[Result]]]:
    """Children that work on ranges of items while the block lasts.

    Args:
        make: Called once in each child; what it refers to is there, as it was in this process.
        count: Number of items.
        workers: Children.

    Yields:
        What gives the results of all ranges, in order, and is given what is called with the
        number of items that were done since it was called before. It raises what the first
        range that failed has raised.
    """
    ranges = list(ranges_of(count, workers))
    # A collection would write to every object, and so copy the memory that children share.
    gc.freeze()
    children: list[_Child] = []
    try:
        for _ in range(min(workers, len(ranges))):
            children.append(_Child(make, [each.pipe for each in children]))
        yield lambda on_items: _in_order(children, ranges, on_items)
    finally:
        for child in children:
            child.end()
        gc.unfreeze()


def _in_order(
    children: list[_Child],
    ranges: list[tuple[int, int]],
    on_items: Callable[[int], object],
) -> Iterator[Any]:
    waiting = iter(enumerate(ranges))
    arrived: dict[int, Returned | Raised] = {}
    following, seen = 0, 0
    with contextlib.ExitStack() as stack:
        shown = _Shown(stack)
        for child in children:
            child.take(next(waiting, None))
        while following < len(ranges):
            busy = [child for child in children if child.is_busy]
            ready = wait([child.pipe for child in busy], _LOOK_SECONDS)
            for child in busy:
                if child.pipe in ready:
                    number, message = child.answer(shown)
                    arrived[number] = message
                    # Behind an error nothing is begun: what is before it may hold another one.
                    failed = any(isinstance(each, Raised) for each in arrived.values())
                    child.take(None if failed else next(waiting, None))
            done = sum(child.items() for child in children)
            if done > seen:
                alive()
                on_items(done - seen)
                seen = done
            shown.show(_quiet(children))
            while following in arrived:
                message = arrived.pop(following)
                if isinstance(message, Raised):
                    raise message.error
                yield message.value
                following += 1


class _Child:
    """One child, from this side.

    Args:
        make: See `in_forks`.
        others: Pipes of children that are there already; not its own to hold open.
    """

    def __init__(self, make: Callable[[], DoRange[Any]], others: list[Connection]) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._board = Board()
        self._signs = 0
        self._number: int | None = None
        self.pipe, theirs = multiprocessing.Pipe()
        arguments = (theirs, [self.pipe, *others], self._board, self._memory, make, os.getpid())
        self._process = multiprocessing.get_context("fork").Process(
            target=_serve, args=arguments, daemon=True
        )
        # Not to be interrupted before it knows what to do then.
        with held_ending_signals():
            self._process.start()
        theirs.close()

    def take(self, work: tuple[int, tuple[int, int]] | None) -> None:
        """Give it a numbered range; None: there is no more, and it may end."""
        self._number, limits = work or (None, None)
        # Where it has ended by itself, `answer` finds that.
        with contextlib.suppress(OSError):
            self.pipe.send(limits)

    @property
    def is_busy(self) -> bool:
        """True where it has a range to do."""
        return self._number is not None

    def items(self) -> int:
        """How many items it has done."""
        done: int = _COUNT.unpack_from(self._memory)[0]
        return done

    def activities(self) -> tuple[Activity, ...]:
        """What it is at, the latest last."""
        return self._board.activities()

    def has_moved(self) -> bool:
        """True where it has given a sign of life since this was asked before."""
        before, self._signs = self._signs, self._board.signs()
        return self._signs != before

    def answer(self, shown: _Shown) -> tuple[int, Returned | Raised]:
        """What became of its range, by number; where it crashed, this process ends as it did."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            shown.show(next(iter(self.activities()[-1:]), None))
            _end_alike(self._process.exitcode or 0)
        assert self._number is not None
        return self._number, message

    def end(self) -> None:
        """End it, whatever it is at."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


class _Shown:
    """What a child is at, shown to whoever watches this process."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._inner = stack.enter_context(contextlib.ExitStack())
        self._activity: Activity | None = None

    def show(self, activity: Activity | None) -> None:
        if activity == self._activity:
            return
        self._inner.close()
        if activity is not None:
            self._inner.enter_context(doing(activity))
        self._activity = activity


def _quiet(children: list[_Child]) -> Activity | None:
    """What a child is at that has given no sign of life since the last look."""
    quiet = [child for child in children if not child.has_moved()]
    return next((one for child in quiet for one in child.activities()[-1:]), None)


def _serve(
    pipe: Connection,
    others: list[Connection],
    board: Board,
    memory: mmap.mmap,
    make: Callable[[], DoRange[Any]],
    parent: int,
) -> None:
    """The whole of a child."""
    end_with_parent(parent)
    keep_freed_memory()
    # What a terminal sends goes to the parent too, which ends this process.
    for each in ENDING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    watch(board)
    for other in others:
        other.close()
    done = 0

    def on_item() -> None:
        nonlocal done
        done += 1
        _COUNT.pack_into(memory, 0, done)

    do: DoRange[Any] | None = None
    while (limits := pipe.recv()) is not None:
        message: Returned | Raised
        try:
            do = do or make()
            first, last = limits
            message = Returned(do(first, last, on_item))
        except Exception as error:
            message = Raised(portable(error))
        pipe.send(message)


def _end_alike(code: int) -> NoReturn:
    """End this process as a child has ended."""
    if code < 0:
        # One core file is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code or 1)
