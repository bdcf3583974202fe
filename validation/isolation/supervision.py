"""The work of this process in a forked child: terminal and streams are the same, a crash is not.

The process that was started stays behind and watches: whatever ends the child, it is there to say
so. To be called before threads exist, which do not survive a fork.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from validation.files.temporary import remove_of
from validation.isolation.crash import Crash, Ending
from validation.isolation.forked import Requests, Shared, begin
from validation.isolation.limits import LOOK_SECONDS, ProcessLimits, Silence, resident_bytes
from validation.isolation.log import last_words
from validation.isolation.processes import ENDING_SIGNALS, adopt_orphans, children_of

# Below both no limit is broken, whatever it is, and it is not looked up.
_FREE_SECONDS, _FREE_BYTES = 0.4, 2**28
# For a child that was asked to end: native code does not hear of it before it returns.
GRACE_SECONDS = 5.0
# A signal that the kernel sends, as for a key of the terminal, goes to the child by itself.
_BY_KERNEL = 0x80
# Processes that start others while they are ended.
_ROUNDS = 5


@dataclass(frozen=True)
class Stopped:
    """It was asked to end, did not do so in time, and was ended.

    Args:
        signal: What asked.
    """

    signal: int


@dataclass(frozen=True)
class CrashedAfterwards:
    """All work was done; the interpreter's own end crashed.

    Args:
        code: Exit code of the work.
        crash: How it ended.
    """

    code: int
    crash: Crash


Outcome = int | Crash | Stopped | CrashedAfterwards


def supervised(
    work: Callable[[], int], limits: Callable[[], ProcessLimits], *, with_stacks: bool = False
) -> Outcome:
    """Do the work in a forked child, and wait for it.

    Args:
        work: Returns the exit code.
        limits: Of the child; asked for only where it takes longer than a moment.
        with_stacks: A crash prints the stack of every thread.

    Returns:
        In the child the exit code; in the parent that of the child, or how else it ended.

    Raises:
        SystemExit: With the exit code, where there is no room for a child.
    """
    asking = [each for each in ENDING_SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Blocked, and taken one by one: none is lost between two lines.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*asking, signal.SIGCHLD})
    shared, parent = Shared(), os.getpid()
    try:
        process = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        # No room for another process.
        raise SystemExit(work()) from None
    if process:
        adopt_orphans()
        return _Watch(process, shared, limits, asking).outcome()
    requests = Requests(asking)
    begin(shared, parent, with_stacks=with_stacks)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return _done(work, shared, requests)


def _done(work: Callable[[], int], shared: Shared, requests: Requests) -> int:
    code = 1
    try:
        code = requests.code(work())
    except SystemExit as error:
        # As the interpreter reads it.
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        raise
    finally:
        shared.done(code)
    return code


class _Watch:
    """The parent's side: waits, passes requests on, and holds the child to its limits."""

    def __init__(
        self,
        process: int,
        shared: Shared,
        limits: Callable[[], ProcessLimits],
        asking: Sequence[int],
    ) -> None:
        self._process = process
        self._shared = shared
        self._make_limits = limits
        self._limits: ProcessLimits | None = None
        self._asking = asking
        self._silence = Silence()
        self._asked, self._asked_at = 0, 0.0

    def outcome(self) -> Outcome:
        """Wait for the child, and say how it ended."""
        waited = {*self._asking, signal.SIGCHLD}
        looked = time.monotonic()
        while True:
            info = signal.sigtimedwait(waited, LOOK_SECONDS)
            if info is not None and info.si_signo != signal.SIGCHLD and self._is_urgent(info):
                return self._stopped()
            ended, status = os.waitpid(self._process, os.WNOHANG)
            if ended:
                return self._ended(os.waitstatus_to_exitcode(status))
            now = time.monotonic()
            if now - looked < LOOK_SECONDS:
                continue
            looked = now
            if self._asked and now - self._asked_at > GRACE_SECONDS:
                return self._stopped()
            crash = self._broken(now)
            if crash is not None:
                self._kill()
                return self._placed(crash)

    def _is_urgent(self, info: signal.struct_siginfo) -> bool:
        """Pass a request on; true for one that comes again, later than by two ways at once."""
        now = time.monotonic()
        again = self._asked and now - self._asked_at > 1
        if not self._asked:
            self._asked, self._asked_at = info.si_signo, now
        if info.si_code != _BY_KERNEL and self._shared.code() is None:
            os.kill(self._process, info.si_signo)
        return bool(again)

    def _broken(self, now: float) -> Crash | None:
        activities = self._shared.board.activities()
        silent = self._silence.seconds(
            self._shared.board.signs(), now, self._process, counts=bool(activities)
        )
        resident = resident_bytes(self._process)
        if silent < _FREE_SECONDS and resident < _FREE_BYTES:
            return None
        if self._limits is None:
            self._limits = self._make_limits()
        return self._limits.broken_by(silent, resident, activities[-1] if activities else None)

    def _ended(self, code: int) -> Outcome:
        done = self._shared.code()
        if code >= 0 and done is not None:
            return code
        crash = Crash(Ending.SIGNAL, -code) if code < 0 else Crash(Ending.EXIT, code)
        if done is not None:
            # A request that came too late ends what has ended.
            return done if -code == self._asked else CrashedAfterwards(done, crash)
        self._clear_away()
        return self._placed(crash)

    def _placed(self, crash: Crash) -> Crash:
        words = last_words(self._shared.log_path)
        return crash.placed(self._shared.board.activities(), words)

    def _stopped(self) -> Stopped:
        self._kill()
        return Stopped(self._asked)

    def _kill(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self._process, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(self._process, 0)
        self._clear_away()

    def _clear_away(self) -> None:
        """End what the child has started, and remove its temporary files."""
        for _ in range(_ROUNDS):
            left = children_of(os.getpid())
            for each in left:
                with contextlib.suppress(OSError):
                    os.kill(each, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.waitpid(each, 0)
            if not left:
                break
        remove_of(self._process)
