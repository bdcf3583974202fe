"""A session that is interrupted ends well, whatever interrupts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.plugin import interruption
from validation.plugin.interruption import Interruption

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_ROOT = Path(__file__).parents[2]
# One check passes in a child, one reaches a place and stays there.
_SUITE = """
import time
from pathlib import Path


@pytest.mark.check("archive")
def test_archive(context, run_check, record):
    entries = run_check(context)
    if context.key.variant == "raw":
        Path("reached").touch()
        {stay}
    record(entries)
"""
_STAY = "time.sleep(600)"
_STAY_AGAIN = """try:
            time.sleep(600)
        finally:
            Path("again").touch()
            time.sleep(600)"""
_LONGEST_SECONDS = 120


class _Running:
    """A session in a process, and all that it has started."""

    def __init__(self, session: Any, miniature: MiniatureFiles, *options: str) -> None:
        command = [sys.executable, "-m", "pytest", "suites", "-p", "no:cacheprovider"]
        command += ["-p", "no:hypothesispytest", "--zoo", str(miniature.zoo)]
        command += ["--cache-dir", str(miniature.cache), "--variant", "float", "--variant", "raw"]
        self._folder: Path = session.path
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=session.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            start_new_session=True,
            # Those that run these tests may ignore some.
            restore_signals=True,
        )

    def wait_for(self, name: str) -> None:
        """Until the suite has made this file."""
        end = time.monotonic() + _LONGEST_SECONDS
        while not (self._folder / name).exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.05)

    def end(self) -> str:
        """What it has printed; nothing of it is left."""
        out, _ = self.process.communicate(timeout=_LONGEST_SECONDS)
        end = time.monotonic() + _LONGEST_SECONDS
        while left := _session_of(self.process.pid):
            assert time.monotonic() < end, left
            time.sleep(0.05)
        return out


def _session_of(leader: int) -> list[str]:
    """Command lines of the processes of a system's session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(stat[3]) == leader and stat[0] != "Z":
                    found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (signal.SIGTERM, ()),
        (signal.SIGHUP, ("--one-process",)),
        (signal.SIGINT, ()),
        (signal.SIGTERM, ("-n", "2")),
    ],
)
def test_signal_ends_the_session_as_ctrl_c_does(
    number: signal.Signals, options: tuple[str, ...], session: Any, miniature: MiniatureFiles
) -> None:
    """Footer, page, exit code and what was not run; no process outlives it."""
    session.suite(_SUITE.format(stay=_STAY))
    running = _Running(session, miniature, *options)
    running.wait_for("reached")
    os.kill(running.process.pid, number)
    out = running.end()
    assert running.process.returncode == pytest.ExitCode.INTERRUPTED, out
    assert f"the run was interrupted by {number.name}: 1 check not run" in out, out
    assert "Traceback" not in out
    footer = session.lines()[-1]
    assert (footer["kind"], footer["exit_code"]) == ("footer", 2)
    assert footer["interrupted_by"] == number.name
    assert footer["not_run"] == ["suites/test_own.py::test_archive[mini-raw]"]
    assert set(session.checks()) == {("archive", "float")}
    assert f"This run was interrupted by {number.name}: 1 check did not run." in session.page()


def test_second_signal_ends_it_at_once(session: Any, miniature: MiniatureFiles) -> None:
    """Where something does not let it end."""
    session.suite(_SUITE.format(stay=_STAY_AGAIN))
    running = _Running(session, miniature)
    running.wait_for("reached")
    os.kill(running.process.pid, signal.SIGTERM)
    running.wait_for("again")
    time.sleep(2 * interruption._ONE_CAUSE_SECONDS)
    os.kill(running.process.pid, signal.SIGTERM)
    running.end()
    assert running.process.returncode == -signal.SIGTERM


def test_killed_session_leaves_no_process_and_the_next_one_no_folder(
    session: Any, miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its temporary folders go with the next run."""
    place = session.path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    session.suite(_SUITE.format(stay=_STAY))
    running = _Running(session, miniature)
    running.wait_for("reached")
    os.kill(running.process.pid, signal.SIGKILL)
    running.end()
    assert list(place.iterdir())
    session.suite(_SUITE.format(stay="pass"))
    again = _Running(session, miniature)
    again.end()
    assert list(place.iterdir()) == []


@pytest.fixture
def listening() -> Iterator[Interruption]:
    """One that takes this process's signals."""
    one = Interruption()
    one.listen()
    yield one
    one.ignore()


def test_block_is_interrupted_at_its_end(listening: Interruption) -> None:
    """A line of the record is written whole."""
    done = []
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"), listening.shielded():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("after the signal")
    assert done
    assert listening.by == "SIGTERM"


def test_two_signals_of_one_cause_are_one(listening: Interruption) -> None:
    """A terminal that closes and timeout(1) send theirs twice."""
    with pytest.raises(KeyboardInterrupt, match="SIGHUP"), listening.shielded():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
    assert listening.by == "SIGHUP"


def test_ending_session_is_ended(listening: Interruption) -> None:
    """What is being written is written to its end."""
    listening.pytest_sessionfinish(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert listening.by == "SIGTERM"


def test_dropped_interruption_counts_before_the_next_check(listening: Interruption) -> None:
    """Python drops what is raised while it takes an object apart."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        listening.pytest_runtest_logstart()


def test_ignored_signal_stays_ignored() -> None:
    """Nohup asks for that, and shells of what they start in the background."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        one = Interruption()
        one.listen()
        os.kill(os.getpid(), signal.SIGHUP)
        one.ignore()
        assert one.by == ""
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)
