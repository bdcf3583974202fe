"""A child process that is kept warm: it does one piece of work after another, under limits."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, cast

from validation.errors import ValidationError
from validation.isolation.board import Activity, Board
from validation.isolation.child import Made, serve
from validation.isolation.crash import Crash, Crashed, Ending, described
from validation.isolation.limits import LOOK_SECONDS, ProcessLimits, Silence, resident_bytes
from validation.isolation.log import last_words
from validation.isolation.messages import (
    MOST_BYTES,
    Garbage,
    Message,
    Note,
    Raised,
    Ready,
    Returned,
)
from validation.isolation.processes import held_ending_signals

# To wait for a message, before the limits are looked at again.
PAUSE_SECONDS = 0.05
# For a child that was asked to end, and for one whose pipe has closed.
_LAST_SECONDS, _ENDING_SECONDS = 5.0, 2.0
_STARTING = "start of the process"


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
        self._make = pickle.dumps(make)
        self._limits = limits
        self._on_note = on_note
        folder.mkdir(parents=True, exist_ok=True)
        self._log, board = folder / "log.txt", folder / "board"
        self._log.touch()
        self._board, self._board_path = Board(board), board
        self._work: Any = None
        self._began_at = 0
        self._process: SpawnProcess | None = None
        self._reader: threading.Thread | None = None
        self._start()
        _WORKERS.add(self)

    @property
    def is_idle(self) -> bool:
        """True while it has nothing to do."""
        return self._work is None

    def submit(self, work: object) -> None:
        """Hand out one piece of work; `outcome` says what became of it."""
        self._began_at = self._log.stat().st_size if self._log.exists() else 0
        self._work = work
        if self._process is None:
            self._start()
        self._submitted, self._silence = time.monotonic(), Silence()
        if self._is_ready:
            self._send(work)

    def outcome(self, wait_seconds: float) -> Outcome | None:
        """What became of the work; None while it goes on.

        Args:
            wait_seconds: For the next message, at most.
        """
        try:
            message = self._messages.get(timeout=wait_seconds)
        except queue.Empty:
            return self._ended_by_limits()
        if isinstance(message, Note):
            self._on_note(message.value)
            return None
        if isinstance(message, Ready):
            self._is_ready, self._silence = True, Silence()
            self._send(self._work)
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
        if self._process is None:
            return
        if self._is_ready and not at_once:
            self._send(None)
            self._process.join(_LAST_SECONDS)
        self.kill()

    def at(self) -> tuple[str, float]:
        """What it is at, for people, and the seconds since its work began."""
        step = described(self._board.activities()) if self._is_ready else _STARTING
        return step, time.monotonic() - self._submitted

    def shares(self, activities: Sequence[Activity]) -> bool:
        """Whether it is at one of these too, or waits for another process that is."""
        keys = {each.key for each in activities}
        return any({each.key, each.awaits} & keys for each in self._board.activities())

    def begin_again(self, work: object) -> None:
        """Give up what it is at, and hand out other work."""
        self.kill()
        self._process = None
        self.submit(work)

    def _send(self, work: object) -> None:
        # It may have ended by itself: `outcome` finds that.
        with contextlib.suppress(OSError):
            self._pipe.send(work)

    def _start(self) -> None:
        self._messages: queue.Queue[Message | None] = queue.Queue()
        self._is_ready = False
        self._looked, self._submitted, self._silence = 0.0, time.monotonic(), Silence()
        self._board.clear()
        try:
            self._begin()
        except OSError as error:
            self._process = None
            refused = ValidationError(
                "no process can be started",
                got=error.strerror or error,
                next_step="end other programs, or give this one more processes and files (ulimit)",
            )
            self._messages.put(Raised(refused))

    def _begin(self) -> None:
        ours, theirs = self._context.Pipe()
        self._pipe: Connection = ours
        self._process = self._context.Process(
            target=serve,
            args=(theirs, self._board_path, self._log, os.getpid()),
            daemon=True,
        )
        # Not to be interrupted half-way: the child would complain of what it was not sent.
        try:
            with held_ending_signals():
                self._process.start()
        finally:
            theirs.close()
        arguments = (self._make, ours, self._messages)
        self._reader = threading.Thread(target=_talk, args=arguments, daemon=True)
        self._reader.start()

    def _how_it_ended(self) -> Crash:
        process = cast(SpawnProcess, self._process)
        process.join(_ENDING_SECONDS)
        code = process.exitcode
        if code is None:
            # It lives on: something else wrote into the pipe, or closed it.
            return Crash(Ending.GARBAGE, 0)
        return Crash(Ending.SIGNAL, -code) if code < 0 else Crash(Ending.EXIT, code)

    def _ended_by_limits(self) -> Crashed | None:
        now = time.monotonic()
        if self._work is None or now - self._looked < LOOK_SECONDS:
            return None
        self._looked = now
        pid = cast(SpawnProcess, self._process).pid or 0
        activities = self._board.activities()
        crash = self._limits.broken_by(
            self._silence.seconds(self._board.signs(), now, pid, counts=True),
            resident_bytes(pid),
            activities[-1] if activities else None,
            starting=not self._is_ready,
            stopped_seconds=self._silence.stopped_seconds,
        )
        return None if crash is None else self._crashed(crash)

    def _crashed(self, crash: Crash) -> Crashed:
        activities = self._board.activities()
        self.kill()
        found = crash.placed(activities, last_words(self._log, self._began_at))
        if not self._is_ready:
            found = replace(found, step=_STARTING)
        log = self._log.with_name(f"log-{time.monotonic_ns()}.txt")
        with contextlib.suppress(OSError):
            self._log.replace(log)
            self._log.touch()
        self._work = None
        # The next one starts with the next work: there may be none.
        self._process = None
        return Crashed(found, activities, log, had_started=self._is_ready)

    def kill(self) -> None:
        """End the child now, and all that it has started."""
        process = self._process
        if process is None:
            return
        # It leads a group of its own, but for its first moments.
        with contextlib.suppress(OSError):
            if process.pid is not None and process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        _end_reading(self._pipe, self._reader)
        self._pipe.close()


def _end_reading(pipe: Connection, reader: threading.Thread | None) -> None:
    """Let the thread that reads find the end, and wait for it.

    The number of a pipe that is closed under its reader goes to the next pipe, whose first bytes
    that reader would take.
    """
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(pipe.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
    if reader is not None and reader is not threading.current_thread():
        reader.join()


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()


def kill_all() -> None:
    """End the children of this process now; for its last moments."""
    for worker in list(_WORKERS):
        worker.kill()


def _talk(make: bytes, pipe: Connection, messages: queue.Queue[Message | None]) -> None:
    """Send the child what it is for, and read messages until it ends.

    In a thread, because a child that is stopped or stuck takes nothing, and a part of a message
    may never end.
    """
    with contextlib.suppress(OSError):
        pipe.send_bytes(make)
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
        known = isinstance(message, Returned | Raised | Note | Ready)
        messages.put(message if known else Garbage())
        if not known:
            return
