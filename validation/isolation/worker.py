"""A child process that is kept warm: it does one piece of work after another, under limits."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from validation.isolation.board import Activity, Board
from validation.isolation.child import Made, serve
from validation.isolation.crash import Crash, Ending
from validation.isolation.limits import ProcessLimits, resident_bytes
from validation.isolation.log import last_words
from validation.isolation.messages import MOST_BYTES, Garbage, Message, Note, Raised, Returned

# To wait for a message, before the limits are looked at again.
PAUSE_SECONDS = 0.05
# Between two looks at the memory of a child: it can take about 0.5 GiB meanwhile.
_LOOK_SECONDS = 0.2
# For a child that was asked to end, and for one whose pipe has closed.
_LAST_SECONDS, _ENDING_SECONDS = 5.0, 2.0


@dataclass(frozen=True)
class Crashed:
    """The process ended before the work was done.

    Args:
        crash: How.
        activity: What it was at; None where it had begun nothing.
        log: What it wrote, the work before this one too.
    """

    crash: Crash
    activity: Activity | None
    log: Path


Outcome = Returned | Raised | Crashed


class Worker:
    """One child process at a time; another takes its place where it ends.

    Args:
        make: Called in each new child: gives what does the work.
        folder: For the log and the shared memory; of this worker alone.
        limits: See `ProcessLimits`.
        on_note: Called with whatever the child sends while it works.
    """

    def __init__(
        self,
        make: Made,
        folder: Path,
        limits: ProcessLimits,
        on_note: Callable[[Any], None],
    ) -> None:
        # A fresh interpreter: TensorFlow does not survive a fork, nor do threads.
        self._context = multiprocessing.get_context("spawn")
        self._make = make
        self._limits = limits
        self._on_note = on_note
        folder.mkdir(parents=True, exist_ok=True)
        self._log, board = folder / "log.txt", folder / "board"
        self._log.touch()
        self._board, self._board_path = Board(board), board
        self._work: Any = None
        self._began_at = 0
        self._start()

    @property
    def is_idle(self) -> bool:
        """True while it has nothing to do."""
        return self._work is None

    def submit(self, work: object) -> None:
        """Hand out one piece of work; `outcome` says what became of it."""
        self._began_at = self._log.stat().st_size
        self._work = work
        self._seen, self._heard = self._board.signs(), time.monotonic()
        # It may have ended by itself: `outcome` finds that.
        with contextlib.suppress(OSError):
            self._pipe.send(work)

    def outcome(self, wait_seconds: float = 0.0) -> Outcome | None:
        """What became of the work; None while it goes on.

        Args:
            wait_seconds: For the next message, at most.
        """
        try:
            message = self._messages.get(timeout=wait_seconds) if wait_seconds else self._next()
        except queue.Empty:
            return self._ended_by_limits()
        if isinstance(message, Note):
            self._on_note(message.value)
            return None
        if message is None or isinstance(message, Garbage):
            return self._crashed(self._how_it_ended())
        self._work = None
        return message

    def close(self, *, at_once: bool = False) -> None:
        """End the child.

        Args:
            at_once: What it is at is lost; else it may end that.
        """
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        if not at_once:
            self._process.join(_LAST_SECONDS)
        self._kill()

    def _next(self) -> Message | None:
        return self._messages.get_nowait()

    def _start(self) -> None:
        self._board.clear()
        ours, theirs = self._context.Pipe()
        self._pipe: Connection = ours
        self._process = self._context.Process(
            target=serve,
            args=(self._make, theirs, self._board_path, self._log, os.getpid()),
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._messages: queue.Queue[Message | None] = queue.Queue()
        threading.Thread(target=_receive, args=(ours, self._messages), daemon=True).start()
        self._looked = 0.0

    def _how_it_ended(self) -> Crash:
        self._process.join(_ENDING_SECONDS)
        code = self._process.exitcode
        if code is None:
            # It lives on: something else wrote into the pipe, or closed it.
            return Crash(Ending.GARBAGE, 0)
        return Crash(Ending.SIGNAL, -code) if code < 0 else Crash(Ending.EXIT, code)

    def _ended_by_limits(self) -> Crashed | None:
        now = time.monotonic()
        if self._work is None or now - self._looked < _LOOK_SECONDS:
            return None
        self._looked = now
        signs = self._board.signs()
        if signs != self._seen:
            self._seen, self._heard = signs, now
        activities = self._board.activities()
        crash = self._limits.broken_by(
            now - self._heard,
            resident_bytes(self._process.pid or 0),
            activities[-1] if activities else None,
        )
        return None if crash is None else self._crashed(crash)

    def _crashed(self, crash: Crash) -> Crashed:
        activities = self._board.activities()
        self._kill()
        latest = activities[-1] if activities else None
        found = crash.placed(activities, last_words(self._log, self._began_at))
        log = self._log.with_name(f"log-{time.monotonic_ns()}.txt")
        self._log.replace(log)
        self._log.touch()
        self._work = None
        self._start()
        return Crashed(found, latest, log)

    def _kill(self) -> None:
        pid = self._process.pid
        # With all that it has started: it leads a group of its own.
        with contextlib.suppress(OSError):
            if pid is not None and self._process.is_alive():
                os.killpg(pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _receive(pipe: Connection, messages: queue.Queue[Message | None]) -> None:
    """Read messages until the child ends; in a thread, for a part of one may never end."""
    while True:
        try:
            data = pipe.recv_bytes(MOST_BYTES)
        except (EOFError, OSError, TypeError):
            # It has ended, this side was closed, or the length is beyond every message.
            messages.put(None)
            return
        try:
            message = pickle.loads(data)
        except Exception:
            message = Garbage()
        known = isinstance(message, Returned | Raised | Note)
        messages.put(message if known else Garbage())
        if not known:
            return
