"""What is said of a crash, and what keeps it from happening twice."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

import pytest

from validation.errors import ProcessEnded
from validation.isolation.activity import doing, remember, using, watch
from validation.isolation.board import Activity, Board
from validation.isolation.crash import Crash, Ending, ended_in
from validation.isolation.limits import ProcessLimits
from validation.isolation.log import last_words

_LIMITS = ProcessLimits(
    start_seconds=20, stopped_seconds=5, step_seconds=10, image_seconds=2, memory_bytes=1000
)


@pytest.mark.parametrize(
    ("crash", "said"),
    [
        (Crash(Ending.SIGNAL, signal.SIGSEGV), "was ended by signal 11 (SIGSEGV)"),
        (Crash(Ending.SIGNAL, signal.SIGKILL), "(SIGKILL), maybe for lack of memory"),
        (Crash(Ending.SIGNAL, 250), "signal 250 (unknown)"),
        (Crash(Ending.EXIT, 3), "exit code 3"),
        (Crash(Ending.TIME, 60), "no sign of life for 60 s"),
        (Crash(Ending.MEMORY, 2**31), "2.0 GiB"),
        (Crash(Ending.STOPPED, 60), "did not go on for 60 s"),
        (Crash(Ending.GARBAGE, 0), "no result"),
    ],
)
def test_message_says_what_ended_it(crash: Crash, said: str) -> None:
    """With its number, and the same after a journey between processes."""
    error = ended_in("this check", crash)
    assert said in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.crash) == (ProcessEnded, str(error), crash)


def test_message_names_step_file_words_and_what_was_kept() -> None:
    """All that a bug report needs."""
    crash = Crash(Ending.EXIT, 1, "run", "run int8", "m.tflite", ("no room",), "crashes/x")
    text = str(ended_in("this check", crash))
    assert "(run int8, m.tflite)" in text
    assert "last words: no room" in text
    assert "crashes/x" in text


@pytest.mark.parametrize(
    ("silent", "resident", "short", "ending"),
    [
        (9, 0, False, None),
        (11, 0, False, Ending.TIME),
        (3, 0, True, Ending.TIME),
        (1, 1000, True, None),
        (0, 1001, False, Ending.MEMORY),
        (11, 1001, False, Ending.MEMORY),
    ],
)
def test_limits(silent: float, resident: int, short: bool, ending: Ending | None) -> None:
    """An image may take less time than a step; memory at the limit is within it."""
    latest = Activity("run", "key", is_short=short)
    crash = _LIMITS.broken_by(silent, resident, latest)
    assert (None if crash is None else crash.ending) == ending


def test_limits_of_a_process_that_starts_or_is_stopped() -> None:
    """Each has its own."""
    starting = _LIMITS.broken_by(15, 0, None, starting=True)
    assert starting is None
    late = _LIMITS.broken_by(21, 0, None, starting=True)
    assert late == Crash(Ending.TIME, 20)
    assert _LIMITS.broken_by(0, 0, None, stopped_seconds=6) == Crash(Ending.STOPPED, 5)


def test_what_ended_a_process_is_not_begun_again() -> None:
    """In a watched process only; anything else goes on."""
    watch(Board())
    try:
        remember({"/x/m.tflite": Crash(Ending.EXIT, 1)})
        with (
            pytest.raises(ProcessEnded, match="not tried again"),
            using(Path("/x/m.tflite"), "run"),
        ):
            pytest.fail("begun")
        with doing(Activity("run", "another")):
            pass
    finally:
        watch(None)
    with using(Path("/m.tflite"), "run"):
        pass


def test_last_words_are_lines_that_say_something(tmp_path: Path) -> None:
    """Stacks of the fault handler are left out, and what was said before the work."""
    log = tmp_path / "log"
    before = "earlier\n"
    log.write_text(
        f"{before}one\n\n{'x' * 1000}\nFatal Python error: Aborted\n\n"
        'Current thread 0x01 (most recent call first):\n  File "a.py", line 1 in b\n'
    )
    words = last_words(log, len(before))
    assert words == ("one", "x" * 300, "Fatal Python error: Aborted")
    assert last_words(tmp_path / "none") == ()
