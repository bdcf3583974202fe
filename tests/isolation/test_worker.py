"""A child process: what it answers, and what becomes of work that ends it."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import ending_work
import pytest

from validation.errors import ConfigError, ProcessEnded, ValidationError
from validation.isolation import worker as worker_module
from validation.isolation.apart import call_apart
from validation.isolation.crash import Crash, Crashed, Ending
from validation.isolation.limits import ProcessLimits
from validation.isolation.messages import Raised, Returned
from validation.isolation.worker import Outcome, Worker, kill_all

# A loaded machine may need a second for what takes a hundredth.
_LIMITS = ProcessLimits(
    start_seconds=60.0,
    stopped_seconds=1.0,
    step_seconds=3.0,
    image_seconds=3.0,
    memory_bytes=200 * 2**20,
)


def _outcome(worker: Worker) -> Outcome:
    """Of the work that it was given, waited for."""
    while (outcome := worker.outcome(0.05)) is None:
        pass
    return outcome


class _Watched:
    """A worker, its notes, and its outcomes waited for."""

    def __init__(self, folder: Path) -> None:
        self.notes: list[Any] = []
        self.worker = Worker(ending_work.make, folder, _LIMITS, self.notes.append)

    def done(self, *work: Any) -> Outcome:
        self.worker.submit(work)
        return _outcome(self.worker)

    def crash(self, *work: Any) -> Crash:
        outcome = self.done(*work)
        assert isinstance(outcome, Crashed)
        return outcome.crash


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Watched]:
    """One worker for all: each test leaves it ready for the next."""
    one = _Watched(tmp_path_factory.mktemp("worker"))
    yield one
    one.worker.close()


def test_same_process_does_one_work_after_another(watched: _Watched) -> None:
    """It is kept warm; what it sends meanwhile arrives first."""
    first = watched.done("pid")
    assert first == watched.done("pid")
    assert first != Returned(os.getpid())
    assert watched.done("noted", "on the way") == Returned("on the way")
    assert watched.notes == ["on the way"]


@pytest.mark.parametrize(
    ("work", "ending", "number"),
    [
        (("abort",), Ending.SIGNAL, signal.SIGABRT),
        (("segv",), Ending.SIGNAL, signal.SIGSEGV),
        (("exit", 3), Ending.EXIT, 3),
        (("exit", 0), Ending.EXIT, 0),
        (("loop",), Ending.TIME, 3),
        (("garbage",), Ending.GARBAGE, 0),
        (("half",), Ending.TIME, 3),
        (("stop",), Ending.STOPPED, 1),
    ],
)
def test_ended_process_is_a_result_and_the_next_work_is_done(
    watched: _Watched, work: tuple[Any, ...], ending: Ending, number: int
) -> None:
    """Whatever ended it is named by its number, and another process takes its place."""
    crash = watched.crash(*work)
    assert (crash.ending, crash.number) == (ending, number)
    assert watched.done("echo", 7) == Returned(7)


def test_memory_beyond_the_limit_ends_it(watched: _Watched) -> None:
    """The number is what it used."""
    crash = watched.crash("memory")
    assert crash.ending is Ending.MEMORY
    assert crash.number > _LIMITS.memory_bytes
    assert watched.done("echo", 7) == Returned(7)


def test_signs_of_life_keep_it_from_being_ended(watched: _Watched) -> None:
    """Work takes as long as it takes, while it goes on."""
    assert watched.done("busy", 1.5 * _LIMITS.step_seconds) == Returned("done")


def test_crash_names_step_file_and_last_words(watched: _Watched) -> None:
    """Of this work only: the log has everything, the message the end of it."""
    outcome = watched.done("segv")
    assert isinstance(outcome, Crashed)
    assert (outcome.crash.stage, outcome.crash.step) == ("run", "run")
    assert outcome.crash.file == "m.tflite"
    assert outcome.activity is not None
    assert outcome.activity.key == "/x/m.tflite"
    assert outcome.crash.last_words == ("Fatal Python error: Segmentation fault",)
    assert watched.crash("abort").last_words[0] == "it was me"
    assert "ending_work.py" in outcome.log.read_text()


def test_errors_arrive_as_they_were_raised(watched: _Watched) -> None:
    """Of the harness with their fields; what pickle cannot carry, as text."""
    refused = watched.done("refuse")
    assert isinstance(refused, Raised)
    assert isinstance(refused.error, ValidationError)
    assert "there" in str(refused.error)
    assert refused.error.next_step == "stop"
    unreadable = watched.done("unreadable")
    assert isinstance(unreadable, Raised)
    assert "UnreadableError: ab" in str(unreadable.error)
    assert "ending_work.py" in "".join(unreadable.error.__notes__)
    unsendable = watched.done("unsendable")
    assert isinstance(unsendable, Raised)
    assert "cannot be sent" in str(unsendable.error)


def test_child_that_cannot_begin_says_why(tmp_path: Path) -> None:
    """Each work gets the error."""
    worker = Worker(ending_work.make_that_fails, tmp_path, _LIMITS, print)
    worker.submit(("echo", 1))
    outcome = _outcome(worker)
    assert isinstance(outcome, Raised)
    assert isinstance(outcome.error, ConfigError)
    worker.close()


def _failed_start(worker: Worker) -> Crashed:
    worker.submit(("echo", 1))
    outcome = _outcome(worker)
    assert isinstance(outcome, Crashed)
    assert not outcome.had_started
    assert outcome.crash.step == "start of the process"
    return outcome


def test_child_that_ends_as_it_begins_has_not_had_the_work(tmp_path: Path) -> None:
    """Each work starts another."""
    worker = Worker(ending_work.make_that_ends, tmp_path, _LIMITS, print)
    for _ in range(2):
        crash = _failed_start(worker).crash
        assert (crash.ending, crash.number) == (Ending.EXIT, 7)
        assert crash.last_words == ("not today",)
    worker.close()


def test_child_that_never_begins_is_ended(tmp_path: Path) -> None:
    """Whatever it has to begin with, it has no more time than the limit."""
    limits = replace(_LIMITS, start_seconds=2.0)
    worker = Worker(ending_work.make_that_hangs, tmp_path, limits, print)
    crash = _failed_start(worker).crash
    assert (crash.ending, crash.number) == (Ending.TIME, 2)
    worker.close()


def test_refused_process_is_the_error_of_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next work tries again."""

    def refuse(_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(SpawnProcess, "start", refuse)
        one = _Watched(tmp_path)
        refused = one.done("pid")
    assert isinstance(refused, Raised)
    assert "no process can be started: got Resource temporarily" in str(refused.error)
    assert isinstance(one.done("pid"), Returned)
    one.worker.close()


def test_what_it_is_at_can_be_asked(tmp_path: Path) -> None:
    """For a person who waits."""
    one = _Watched(tmp_path)
    assert one.worker.at()[0] == "start of the process"
    one.done("pid")
    assert one.worker.at()[0] == ""
    one.worker.submit(("wait in", "convert int8"))
    while one.worker.at()[0] != "convert int8":
        assert one.worker.outcome(0.05) is None
    one.worker.close(at_once=True)


def test_all_children_are_ended_in_last_moments(tmp_path: Path) -> None:
    """Whatever they are at."""
    workers = [_Watched(tmp_path / name) for name in "ab"]
    pids = [each.done("pid") for each in workers]
    kill_all()
    for each in pids:
        assert isinstance(each, Returned)
        with pytest.raises(ProcessLookupError):
            os.kill(each.value, 0)


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """Closed at once, in the middle of endless work."""
    one = _Watched(tmp_path)
    pid = one.done("pid")
    assert isinstance(pid, Returned)
    one.worker.submit(("loop",))
    time.sleep(0.1)
    one.worker.close(at_once=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid.value, 0)


def test_one_call_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its value, its error or how it ended; nothing stays behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert call_apart(os.getpid, _LIMITS, work="a call") != os.getpid()
    with pytest.raises(ZeroDivisionError):
        call_apart(partial(divmod, 1, 0), _LIMITS, work="a call")
    with pytest.raises(ProcessEnded, match=r"process of a call was ended by signal 6"):
        call_apart(os.abort, _LIMITS, work="a call")
    assert list(tmp_path.iterdir()) == []


def test_no_pipe_is_closed_under_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number would go to the next pipe, and the first bytes there to a reader of before."""
    talk, closed = worker_module._talk, []

    def slow(make: bytes, pipe: Any, messages: Any) -> None:
        talk(make, pipe, messages)
        time.sleep(0.2)
        closed.append(pipe.closed)

    monkeypatch.setattr(worker_module, "_talk", slow)
    for _ in range(2):
        assert call_apart(os.getpid, _LIMITS, work="a call") != os.getpid()
    assert closed == [False, False]
