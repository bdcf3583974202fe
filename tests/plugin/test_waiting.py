"""What a person sees who waits."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from validation.plugin import waiting
from validation.plugin.waiting import WaitingLine


class _Terminal(io.StringIO):
    """Standard output that may be a terminal, and pytest's objects around it."""

    fullwidth = 80
    width_of_current_line = 30

    def __init__(self, *, is_terminal: bool = True) -> None:
        super().__init__()
        self._is_terminal = is_terminal
        self.error_stream = io.StringIO()

    def isatty(self) -> bool:
        return self._is_terminal

    def get_terminal_writer(self) -> _Terminal:
        return self

    @property
    def pluginmanager(self) -> _Terminal:
        return self

    def getplugin(self, name: str) -> Any:
        return self if name == "terminalreporter" else None

    def ensure_newline(self) -> None:
        self.write("\n")

    def write_line(self, line: str) -> None:
        self.write(f"{line}\n")


def _use(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not the process's own streams: those are pytest's while it captures.
    streams = SimpleNamespace(stdout=terminal, stderr=terminal.error_stream)
    monkeypatch.setattr(waiting, "sys", streams)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """A terminal, in which everything is shown at once."""
    terminal = _Terminal()
    _use(terminal, monkeypatch)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(waiting, "_FIRST_SECONDS", 0.0)
    monkeypatch.setattr(waiting, "_EACH_SECONDS", 0.0)
    return terminal


def _line(terminal: _Terminal) -> WaitingLine:
    return WaitingLine(cast(pytest.Config, terminal))


def test_line_is_shown_and_taken_away(terminal: _Terminal) -> None:
    """The cursor stays where pytest has left it, and names cannot steer the terminal."""
    line = _line(terminal)
    line.show("mini\x1b[2J-float", "convert float", 12.3)
    shown = terminal.getvalue()
    assert shown == "\x1b7\x1b[K mini\\x1b[2J-float: convert float, 12 s\x1b8"
    line.clear()
    line.clear()
    assert terminal.getvalue() == f"{shown}\x1b[K"


def test_line_never_wraps(terminal: _Terminal) -> None:
    """Behind what pytest has written there is so much room and no more."""
    _line(terminal).show("m" * 100, "convert float", 3599)
    text = terminal.getvalue().removeprefix("\x1b7\x1b[K").removesuffix("\x1b8")
    assert len(text) + terminal.width_of_current_line < terminal.fullwidth
    assert text.endswith(", 3599 s")


def test_nothing_of_it_is_in_a_log_file(
    terminal: _Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in a terminal without room, one that knows no escapes, or of a worker."""
    log = _Terminal(is_terminal=False)
    _use(log, monkeypatch)
    _line(log).show("m", "run", 1)
    _use(terminal, monkeypatch)
    terminal.width_of_current_line = 70
    _line(terminal).show("m", "run", 1)
    terminal.width_of_current_line = 0
    monkeypatch.setenv("TERM", "dumb")
    _line(terminal).show("m", "run", 1)
    monkeypatch.setenv("TERM", "xterm")
    terminal.workerinput = {}  # type: ignore[attr-defined]
    _line(terminal).show("m", "run", 1)
    assert (log.getvalue(), terminal.getvalue()) == ("", "")


def test_short_waits_show_nothing(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Most checks have run ahead."""
    monkeypatch.setattr(waiting, "_FIRST_SECONDS", 3600.0)
    line = _line(terminal)
    line.show("m", "run", 1)
    line.clear()
    assert terminal.getvalue() == ""


def test_what_stays_has_a_line_of_its_own(terminal: _Terminal) -> None:
    """In a log file too; a worker has only standard error."""
    line = _line(terminal)
    line.say("waiting for m")
    assert terminal.getvalue() == "\nvalidation: waiting for m\n"
    terminal.workerinput = {}  # type: ignore[attr-defined]
    line.say("waiting for n")
    assert terminal.error_stream.getvalue() == "validation: waiting for n\n"
