"""A command that crashes ends in one line; one that does not is as it would be by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from validation import entry

_PROGRAM = Path(__file__).parents[1] / "support" / "supervised_program.py"
# More than any machine takes to start an interpreter and to end a process.
_AT_MOST_SECONDS = 60


def _started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(_PROGRAM), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A signal for its group is none for these tests.
        start_new_session=True,
    )


def _run(*arguments: str, given: str = "") -> tuple[int, str, str]:
    process = _started(*arguments)
    out, err = process.communicate(given, timeout=_AT_MOST_SECONDS)
    return process.returncode, out, err


def _is_there(process: int) -> bool:
    try:
        state = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _comes(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + _AT_MOST_SECONDS
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("segv", "`segv` was ended by signal 11 (SIGSEGV) (run, detect.tflite); "),
        ("abort", "`abort` was ended by signal 6 (SIGABRT): got last words: Check failed: this is"),
        ("exit", "`exit` ended itself with exit code 3"),
        ("loop", "gave no sign of life for 0 s and was ended (load, detect.tflite)"),
        ("memory", "GiB of memory and was ended (convert int8, graph.pb)"),
        # In a fork of its own: what is said is the same.
        ("fork_segv", "`fork_segv` was ended by signal 11 (SIGSEGV) (run, detect.tflite); "),
        ("fork_loop", "gave no sign of life for 0 s and was ended (load, detect.tflite)"),
        ("fork_exit", "`fork_exit` ended itself with exit code 3"),
    ],
)
def test_ended_command_is_one_line_and_exit_code_1(work: str, said: str) -> None:
    """Whatever ended it is named, with what it was at."""
    code, out, err = _run(work)
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_ended_command_prints_its_document_where_json_is_asked_for() -> None:
    """The facts of the line, as for any other error."""
    code, out, err = _run("segv", "--json")
    assert code == 1
    error = json.loads(out)["error"]
    assert error["type"] == "ProcessEnded"
    assert error["where"] == "run, detect.tflite"
    assert err == f"error: {error['text']}\n"


def test_stack_of_the_crash_is_printed_where_a_trace_is_asked_for() -> None:
    """It shows which line called the native code."""
    _, _, err = _run("segv", "--debug")
    assert 'supervised_program.py", line' in err
    assert err.splitlines()[-1].startswith("error: ")


def test_waiting_for_input_is_no_silence() -> None:
    """Beyond both limits: nothing native is going on."""
    process = _started("read")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    out, err = process.communicate("yes\n", timeout=_AT_MOST_SECONDS)
    assert (process.returncode, out, err) == (7, "read yes\n", "")


@pytest.mark.parametrize(("work", "code"), [("refuse", 5), ("fail", 1)])
def test_exit_codes_and_traces_are_those_of_the_work(work: str, code: int) -> None:
    """A child of its own changes neither."""
    ended, _, err = _run(work)
    assert ended == code
    assert ("RuntimeError: not put into words" in err) is (work == "fail")


def test_crash_after_the_work_keeps_its_result_and_is_said() -> None:
    """Libraries crash while an interpreter closes down; nothing is lost by it."""
    code, out, err = _run("after")
    assert (code, out) == (7, "the result\n")
    assert "all is done; the process was ended by signal 11 (SIGSEGV)" in err


def test_crash_leaves_neither_process_nor_temporary_folder() -> None:
    """What the child had started ends with it."""
    code, out, err = _run("leave")
    folder, process = out.split()
    assert code == 1, err
    assert not Path(folder).exists()
    assert not _is_there(int(process))


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("to_group", [False, True])
def test_request_to_end_reaches_the_work_once(
    sent: signal.Signals, code: int, to_group: bool
) -> None:
    """From a terminal both processes get it, else the one that was started."""
    process = _started("wait")
    assert process.stdout is not None
    process.stdout.readline()
    (os.killpg if to_group else os.kill)(process.pid, sent)
    out, err = process.communicate(timeout=_AT_MOST_SECONDS)
    assert (process.returncode, out, err) == (code, "cleared up\n", "")


def test_forks_end_with_the_work() -> None:
    """At a request, and where the work itself is killed."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        process = _started("fork_wait")
        assert process.stdout is not None
        child = int(process.stdout.readline())
        children = Path("/proc", str(child), "task", str(child), "children")
        assert _comes(lambda at=children: len(at.read_text().split()) == 2)
        forks = [int(each) for each in children.read_text().split()]
        os.kill(process.pid if end is signal.SIGTERM else child, end)
        process.communicate(timeout=_AT_MOST_SECONDS)
        assert process.returncode == (143 if end is signal.SIGTERM else 1)
        assert _comes(lambda those=forks: not any(map(_is_there, those)))


def test_work_that_does_not_hear_is_ended_after_a_while() -> None:
    """Native code never looks at a signal."""
    process = _started("deaf")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=_AT_MOST_SECONDS)
    assert process.returncode == 143
    assert "did not end within 5 s" in err
    assert not _is_there(child)


def test_second_request_ends_it_at_once() -> None:
    """As impatient people do it."""
    process = _started("deaf")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "asked\n"
    time.sleep(1.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=_AT_MOST_SECONDS)
    assert process.returncode == 130


def test_child_ends_with_the_parent() -> None:
    """However that ends."""
    process = _started("wait")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert child != process.pid
    process.kill()
    process.communicate()
    assert _comes(lambda: not _is_there(child))


@pytest.mark.parametrize(
    ("typed", "is_supervised"),
    [
        (["inspect", "detect.tflite"], True),
        (["--help"], True),
        (["evaluate", "detect.tflite", "--no_isolation"], False),
        (["run", "-x"], False),
        (["judge", "detect.tflite"], False),
        (["completion", "bash"], False),
        ([], False),
    ],
)
def test_commands_with_children_of_their_own_get_no_other(
    typed: list[str], is_supervised: bool
) -> None:
    """Nor does one that reads nothing."""
    assert entry._is_supervised(typed) is is_supervised


@pytest.mark.parametrize("flag", ["--no-isolation", "--no_isolation"])
def test_flag_leaves_the_work_in_the_process_that_was_started(flag: str) -> None:
    """For a debugger; the system reports the crash then."""
    code, _, err = _run("segv", flag)
    assert (code, err) == (-signal.SIGSEGV, "")


def test_traced_command_stays_in_its_process() -> None:
    """pdb, coverage and profilers know one process."""
    code = (
        "import runpy, sys; sys.settrace(lambda *_: None); del sys.argv[0]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(_PROGRAM), "wait"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert int(process.stdout.readline()) == process.pid
    process.kill()
    process.communicate()


_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def _in_a_terminal(*arguments: str) -> subprocess.Popen[bytes]:
    """A program in a terminal of its own; what is written to the process is typed there."""
    return subprocess.Popen(
        [sys.executable, "-c", _TERMINAL, sys.executable, str(_PROGRAM), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def test_key_of_the_terminal_interrupts_the_work_once() -> None:
    """The terminal sends it to both processes."""
    process = _in_a_terminal("wait")
    assert process.stdout is not None
    process.stdout.readline()
    out, _ = process.communicate(b"\x03", timeout=_AT_MOST_SECONDS)
    assert process.returncode == 130
    assert out.count(b"cleared up") == 1
    assert b"Traceback" not in out


def test_work_reads_from_the_terminal() -> None:
    """The child is in its foreground."""
    process = _in_a_terminal("read")
    out, _ = process.communicate(b"yes\n", timeout=_AT_MOST_SECONDS)
    assert (process.returncode, b"read yes" in out) == (7, True)


def test_error_takes_the_line_of_a_bar() -> None:
    """Where one was shown when the crash came."""
    process = _in_a_terminal("segv")
    out, _ = process.communicate(timeout=_AT_MOST_SECONDS)
    assert process.returncode == 1
    assert b"\r\x1b[Kerror: `segv` was ended by signal 11" in out
