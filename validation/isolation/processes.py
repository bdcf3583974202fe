"""What the system knows of other processes; nothing is known where it has no /proc."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
# In /proc/PID/stat behind the name: the state, then numbers; CPU times of it and of what it has
# waited for.
_STATE, _TIMES = 0, slice(11, 15)
_LONGEST_COMMAND = 80
# prctl(2)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
# That ask a process to end: blocked while a child is started, which inherits that.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def held_ending_signals() -> Iterator[None]:
    """Hold back what asks this process to end while it starts a child, which inherits that."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def with_those_below(process: int) -> Iterator[int]:
    """The process and those that it has started, as far as they live."""
    yield process
    for child in children_of(process):
        yield from with_those_below(child)


def children_of(process: int) -> list[int]:
    """Processes that it has started, and orphans that it has adopted."""
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError):
        for thread in (_PROC / str(process) / "task").iterdir():
            found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def cpu_ticks(process: int) -> int | None:
    """Ticks of CPU that it and those below it have used; None where that is not known."""
    found = [stat for each in with_those_below(process) if (stat := _stat(each))]
    return sum(int(tick) for stat in found for tick in stat[_TIMES]) if found else None


def keep_files_below(size_bytes: int) -> None:
    """From now on this process, and those that it starts, write no file longer than this."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def is_stopped(process: int) -> bool:
    """True where a signal has stopped it, as Ctrl-Z does, or a debugger."""
    stat = _stat(process)
    return bool(stat) and stat[_STATE] in ("T", "t")


def command_of(process: int) -> str:
    """The beginning of its command line; empty where that is not known."""
    try:
        words = (_PROC / str(process) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    plain = "".join(each if each.isprintable() else " " for each in words).strip()
    return plain if len(plain) <= _LONGEST_COMMAND else f"{plain[:_LONGEST_COMMAND]}…"


def lock_holder(file: Path) -> int | None:
    """The process that has locked a file by flock; None where that is not known."""
    try:
        stat = file.stat()
        lines = (_PROC / "locks").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    for line in lines:
        # 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; a waiting one has -> before FLOCK.
        words = line.split()
        if len(words) > 5 and words[1] == "FLOCK" and words[5] == wanted and int(words[4]) > 0:
            return int(words[4])
    return None


def signal_at_end_of_parent(number: int) -> None:
    """Let the system send this process a signal when its parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def end_with_parent(parent: int) -> None:
    """End when the parent ends, however that ends.

    Args:
        parent: Its process id.
    """
    signal_at_end_of_parent(signal.SIGKILL)
    # It may have ended before.
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of what a child that ends leaves running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _stat(process: int) -> list[str]:
    try:
        text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The name is in parentheses, and may hold any character.
    return text.rpartition(")")[2].split()
