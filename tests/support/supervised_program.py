"""A program as the command is: `python supervised_program.py WORK [ARGUMENT...]`.

What a command would do is done by a function that may end the process.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from validation import cli, entry
from validation.files.native_log import held_back
from validation.isolation.activity import doing, using
from validation.isolation.board import Activity
from validation.isolation.forks import in_forks
from validation.isolation.limits import ProcessLimits

LIMITS = ProcessLimits(step_seconds=1.0, image_seconds=0.5, memory_bytes=300 * 2**20)
MODEL = Path("models", "detect.tflite")


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _crash() -> None:
    ctypes.string_at(0)


def _segv() -> None:
    with using(MODEL, "run"):
        _crash()


def _abort() -> None:
    with held_back():
        os.write(2, b"Check failed: this is why\n")
        os.abort()


def _exit() -> None:
    os._exit(3)


def _loop() -> None:
    with using(MODEL, "load"):
        while True:
            pass


def _memory() -> None:
    with doing(Activity("convert int8", "x", file="graph.pb")):
        held = [b"x" * 1_000_000 for _ in range(500)]
        time.sleep(60)
        del held


def _read() -> None:
    """As a question to whoever sits there: nothing else is going on."""
    _say(f"read {sys.stdin.readline().strip()}")


def _after() -> None:
    _say("the result")
    atexit.register(_crash)


def _leave() -> None:
    """A process and a temporary folder, both there when the crash comes."""
    folder = tempfile.mkdtemp()
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    _say(f"{folder} {left.pid}")
    _crash()


def _wait() -> None:
    try:
        _say(os.getpid())
        time.sleep(60)
    finally:
        _say("cleared up")


def _deaf() -> None:
    """As native code, which hears of nothing."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: _say("asked"))
    _say(os.getpid())
    while True:
        time.sleep(60)


def _refuse() -> None:
    sys.exit(5)


def _fail() -> None:
    raise RuntimeError("not put into words")


def _in_forks(item: Callable[[], None]) -> None:
    def do(first: int, last: int, on_item: Callable[[], None]) -> int:
        for _ in range(first, last):
            item()
            on_item()
        return last - first

    with in_forks(lambda: do, 100, workers=2) as results:
        _say(sum(results(lambda _: None)))


def _fork_segv() -> None:
    _in_forks(_segv)


def _fork_loop() -> None:
    _in_forks(_loop)


def _fork_exit() -> None:
    _in_forks(_exit)


def _fork_wait() -> None:
    try:
        _say(os.getpid())
        _in_forks(lambda: time.sleep(60))
    finally:
        _say("cleared up")


_WORK: dict[str, Callable[[], None]] = {
    each.__name__[1:]: each
    for each in (
        _segv,
        _abort,
        _exit,
        _loop,
        _memory,
        _read,
        _after,
        _leave,
        _wait,
        _deaf,
        _refuse,
        _fail,
        _fork_segv,
        _fork_loop,
        _fork_exit,
        _fork_wait,
    )
}


def _main() -> int:
    try:
        _WORK[sys.argv[1]]()
    except KeyboardInterrupt:
        return 130
    return 7 if sys.argv[1] in ("after", "read") else 0


if __name__ == "__main__":
    # What a shell starts in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main = lambda arguments=None: _main()  # noqa: ARG005
    entry._limits = lambda: LIMITS
    sys.exit(entry.main())
