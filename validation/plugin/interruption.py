"""SIGTERM and SIGHUP end a session as Ctrl-C does; a second signal ends it at once.

pytest takes KeyboardInterrupt for the user's wish: it ends with exit code 2, and the record
gets its footer and the pages are written.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from validation.isolation.processes import ENDING_SIGNALS
from validation.isolation.worker import kill_all

# A terminal that closes and programs such as timeout(1) send theirs twice.
_ONE_CAUSE_SECONDS = 0.3

INTERRUPTION = pytest.StashKey["Interruption"]()


class Interruption:
    """What has interrupted this session. A plugin of each of its processes."""

    def __init__(self) -> None:
        self._by: signal.Signals | None = None
        self._at = 0.0
        self._is_ending = False
        self._shields = 0
        self._former: dict[signal.Signals, Any] = {}
        self._workers: set[int] = set()

    @property
    def by(self) -> str:
        """Name of the signal; empty while there was none."""
        return "" if self._by is None else self._by.name

    def listen(self) -> None:
        """Take the signals from now on, but for those that this process is to ignore."""
        if threading.current_thread() is not threading.main_thread():
            return
        for each in ENDING_SIGNALS:
            former = signal.getsignal(each)
            # Of nohup, and of shells for what they start in the background.
            if former is not signal.SIG_IGN:
                self._former[each] = former
                signal.signal(each, self._received)

    def ignore(self) -> None:
        """Leave the signals to whoever had them before."""
        for each, former in self._former.items():
            signal.signal(each, former)
        self._former.clear()

    def _received(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self._by is not None and now - self._at < _ONE_CAUSE_SECONDS:
            return
        if self._by is not None:
            self._end_at_once(number)
        self._by, self._at = signal.Signals(number), now
        # What is being written to disk as the session ends is written to its end.
        if not (self._is_ending or self._shields):
            raise KeyboardInterrupt(self.by)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """A block that is not interrupted in its middle, but at its end."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._by is not None and not (self._is_ending or self._shields):
            raise KeyboardInterrupt(self.by)

    def _end_at_once(self, number: int) -> None:
        kill_all()
        for worker in self._workers:
            with contextlib.suppress(OSError):
                os.kill(worker, signal.SIGKILL)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """An interruption that came where Python drops exceptions counts here."""
        if self._by is not None:
            raise KeyboardInterrupt(self.by)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_newgateway(self, gateway: Any) -> None:
        """A worker of pytest-xdist has started."""
        # It says no number of its own; execnet knows it of what it has started on this machine.
        process = getattr(getattr(gateway, "_io", None), "popen", None)
        if process is not None:
            self._workers.add(process.pid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Workers are not waited for while they wait for their checks."""
        self._is_ending = True
        if exitstatus == pytest.ExitCode.INTERRUPTED and self._by is not None:
            for worker in self._workers:
                with contextlib.suppress(OSError):
                    os.kill(worker, signal.SIGTERM)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """From here on pytest ends well when it is interrupted."""
    interruption = Interruption()
    config.stash[INTERRUPTION] = interruption
    config.pluginmanager.register(interruption, "validation-interruption")
    interruption.listen()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The process may go on to something else."""
    config.stash[INTERRUPTION].ignore()
