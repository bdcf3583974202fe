"""Work for child processes, some of which ends them; importable by name in a child."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from validation.errors import ConfigError
from validation.isolation.activity import alive, doing
from validation.isolation.board import Activity

MEGABYTES = 300


class UnreadableError(Exception):
    """Can be written by pickle and not read again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def make(note: Callable[[Any], None]) -> Callable[[Any], Any]:
    """What does the work: a name, or a name and what it is given."""
    return lambda work: _WORK[work[0]](note, *work[1:])


def make_that_fails(_: Callable[[Any], None]) -> Callable[[Any], Any]:
    """A child that cannot begin."""
    raise ConfigError("cannot begin", where="here")


def make_that_ends(_: Callable[[Any], None]) -> Callable[[Any], Any]:
    """A child that ends while it begins."""
    os.write(2, b"not today\n")
    os._exit(7)


def make_that_hangs(_: Callable[[Any], None]) -> Callable[[Any], Any]:
    """A child that never begins."""
    while True:
        time.sleep(1)


def _stop(_: object) -> str:
    os.kill(os.getpid(), signal.SIGSTOP)
    return "went on"


def _echo(_: object, value: Any) -> Any:
    return value


def _noted(note: Callable[[Any], None], value: Any) -> Any:
    note(value)
    return value


def _pid(_: object) -> int:
    return os.getpid()


def _abort(_: object) -> None:
    os.write(2, b"it was me\n")
    os.abort()


def _segv(_: object) -> None:
    with doing(Activity("run", "/x/m.tflite", "run", "/x/m.tflite")):
        ctypes.string_at(0)


def _loop(_: object) -> None:
    while True:
        pass


def _busy(_: object, seconds: float) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        alive()
        time.sleep(0.01)
    return "done"


def _memory(_: object) -> None:
    held = [b"x" * 1_000_000 for _ in range(MEGABYTES)]
    time.sleep(60)
    del held


def _write_to_pipes(noise: bytes) -> None:
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith("socket:"):
                os.write(int(link.name), noise)


def _garbage(_: object) -> None:
    _write_to_pipes(b"\xff" * 64)
    time.sleep(60)


def _half_a_message(_: object) -> None:
    _write_to_pipes(b"\x00\x00\x10\x00abc")
    time.sleep(60)


def _exit(_: object, code: int) -> None:
    os._exit(code)


def _refuse(_: object) -> None:
    raise ConfigError("refused", expected=1, got=threading.Lock(), where="there", next_step="stop")


def _unreadable(_: object) -> None:
    raise UnreadableError("a", "b")


def _unsendable(_: object) -> Any:
    return threading.Lock()


def _activity(_: object, key: str) -> str:
    with doing(Activity("convert", key, "convert", "/x/graph.pb")):
        os.abort()


def _wait_in(_: object, step: str) -> None:
    with doing(Activity(step, "key", "convert")):
        time.sleep(60)


_WORK: dict[str, Callable[..., Any]] = {
    "echo": _echo,
    "noted": _noted,
    "pid": _pid,
    "abort": _abort,
    "segv": _segv,
    "loop": _loop,
    "busy": _busy,
    "memory": _memory,
    "garbage": _garbage,
    "half": _half_a_message,
    "exit": _exit,
    "stop": _stop,
    "wait in": _wait_in,
    "refuse": _refuse,
    "unreadable": _unreadable,
    "unsendable": _unsendable,
    "activity": _activity,
}
