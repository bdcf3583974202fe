"""What a person sees who waits: one line in the terminal, and nothing of it in a log file."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

import pytest

from validation.files.terminal import printable
from validation.zoo.locks import set_waiting

# Most checks have run ahead: who waits for less does not look for a reason.
_FIRST_SECONDS, _EACH_SECONDS = 1.0, 1.0
# On fewer columns nothing is said.
_LEAST_COLUMNS = 24
_SAVE, _RESTORE, _CLEAR = "\x1b7", "\x1b8", "\x1b[K"

WAITING = pytest.StashKey["WaitingLine"]()


class WaitingLine:
    """Says what is waited for, behind what pytest has written, and takes it away again.

    Args:
        config: Of the process with the terminal, or of a worker, which shows lines only.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._began = self._shown_at = 0.0
        self._is_shown = False

    def show(self, subject: str, step: str, seconds: float) -> None:
        """Called as often as you like while something is waited for.

        Args:
            subject: Model and variant.
            step: What is being done; empty where that is not known.
            seconds: Since it began.
        """
        now = time.monotonic()
        self._began = self._began or now
        if now - self._began < _FIRST_SECONDS or now - self._shown_at < _EACH_SECONDS:
            return
        self._shown_at = now
        room = self._columns()
        if room < _LEAST_COLUMNS:
            return
        # An hour at most takes six characters.
        text = printable(f" {subject}: {step or 'waiting'}")[: room - 9]
        self._write(f"{_SAVE}{_CLEAR}{text}, {seconds:.0f} s{_RESTORE}")
        self._is_shown = True

    def clear(self) -> None:
        """It is no longer waited for."""
        if self._is_shown:
            self._write(_CLEAR)
        self._began, self._is_shown = 0.0, False

    def say(self, line: str) -> None:
        """A line that stays, in a log file too."""
        self.clear()
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        with self._uncaptured():
            # That of a worker writes nowhere.
            if reporter is None or hasattr(self._config, "workerinput"):
                sys.stderr.write(f"validation: {line}\n")
                sys.stderr.flush()
            else:
                reporter.ensure_newline()
                reporter.write_line(f"validation: {printable(line)}")

    def _columns(self) -> int:
        """Of the terminal, right of what pytest has written; 0 where there is none."""
        # Under pytest-xdist the controlling process waits for nothing itself.
        if hasattr(self._config, "workerinput") or os.environ.get("TERM", "dumb") == "dumb":
            return 0
        with self._uncaptured():
            if not sys.stdout.isatty():
                return 0
        writer = self._config.get_terminal_writer()
        return int(writer.fullwidth) - int(writer.width_of_current_line) - 1

    def _write(self, text: str) -> None:
        with self._uncaptured(), contextlib.suppress(OSError):
            sys.stdout.write(text)
            sys.stdout.flush()

    @contextlib.contextmanager
    def _uncaptured(self) -> Iterator[None]:
        manager = self._config.pluginmanager.getplugin("capturemanager")
        if manager is None:
            yield
            return
        with manager.global_and_fixture_disabled():
            yield


def pytest_unconfigure() -> None:
    """The process may go on to something else, without this terminal."""
    set_waiting()


def pytest_configure(config: pytest.Config) -> None:
    """One for the whole session."""
    config.stash[WAITING] = WaitingLine(config)
