"""One process waits for another with a notice, and not for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGSTOP

import pytest

from validation.errors import ArtefactError
from validation.policy.load import load_policy
from validation.zoo import locks
from validation.zoo.locks import LockLimits, held, set_waiting

_HOLDER = """
import fcntl, sys, time
with open(sys.argv[1], "a") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    while sys.argv[2] == "busy":
        pass
    time.sleep(600)
"""
# A busy machine may give a holder no CPU for a moment; a stuck one has all of this.
_LIMITS = LockLimits(notice_seconds=0.1, idle_seconds=2.0, most_seconds=600.0)

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Let another process hold a lock; it is ended with the test."""
    holders: list[subprocess.Popen[str]] = []

    def start(file: Path, how: str = "idle") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _HOLDER, str(file), how]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for each in holders:
        each.kill()
        each.communicate()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is said to the user while this process waits by `_LIMITS`."""
    lines: list[str] = []
    set_waiting(None, lines.append)
    monkeypatch.setattr(locks._PROCESS, "limits", _LIMITS)
    yield lines
    set_waiting()
    locks._PROCESS.stuck.clear()


def test_stuck_holder_is_named_and_given_up(tmp_path: Path, hold: Hold, said: list[str]) -> None:
    """With its number, its command and the file; its other locks are not waited for again."""
    file, other = tmp_path / "one.lock", tmp_path / "other.lock"
    holder = hold(file)
    match = "the export of m: the lock is held"
    with pytest.raises(ArtefactError, match=match) as error, held(file, "the export of m"):
        pytest.fail("held by two")
    for text in (str(error.value), *said):
        assert f"process {holder.pid} (" in text
        assert str(file) in text
    assert f"end process {holder.pid}, and run again" in str(error.value)
    assert len(said) == 1
    assert said[0].startswith("waiting for the export of m: ")
    with pytest.raises(ArtefactError, match="since it was last waited for"), held(file, "again"):
        pytest.fail("held by two")
    assert len(said) == 1
    with held(other, "what nobody holds"):
        pass


def test_stopped_holder_can_be_continued(tmp_path: Path, hold: Hold, said: list[str]) -> None:
    """The message says how."""
    file = tmp_path / "lock"
    holder = hold(file, "busy")
    holder.send_signal(SIGSTOP)
    match = rf"which is stopped.*kill -CONT {holder.pid}"
    with pytest.raises(ArtefactError, match=match), held(file, "m"):
        pytest.fail("held by two")
    assert "which is stopped" in said[0]


def test_holder_at_work_is_waited_for(
    tmp_path: Path, hold: Hold, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit for one that does nothing, and up to the limit for any."""
    file = tmp_path / "lock"
    hold(file, "busy")
    limits = LockLimits(notice_seconds=600, idle_seconds=2.0, most_seconds=4.0)
    monkeypatch.setattr(locks._PROCESS, "limits", limits)
    with pytest.raises(ArtefactError, match="got held for 4 s"), held(file, "m"):
        pytest.fail("held by two")
    assert said == []


def test_lock_of_a_killed_process_is_free(tmp_path: Path, hold: Hold, said: list[str]) -> None:
    """Nothing has to be removed by hand."""
    file = tmp_path / "lock"
    hold(file).kill()
    with held(file, "m"):
        pass
    assert all("another process" in line or "process" in line for line in said)


def test_lock_that_cannot_be_written(tmp_path: Path) -> None:
    """Its callers say it with their own folder."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"\[Errno"), held(tmp_path / "file" / "lock", "m"):
        pytest.fail("held")


def test_limits_are_those_of_the_policy() -> None:
    """A notice comes long before the end."""
    limits = LockLimits.of(load_policy())
    assert limits.notice_seconds < limits.idle_seconds < limits.most_seconds


def test_notice_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a command, which has no other place for it."""
    locks._say("waiting for m")
    assert capsys.readouterr().err == "validation: waiting for m\n"
