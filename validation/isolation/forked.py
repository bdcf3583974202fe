"""Inside a forked child: what has to be settled before it does the work of its parent."""

from __future__ import annotations

import contextlib
import faulthandler
import mmap
import signal
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from validation.files import native_log
from validation.files.temporary import name_by_process
from validation.isolation.activity import watch
from validation.isolation.board import Board
from validation.isolation.processes import end_with_parent

# Is the work done; its exit code.
_DONE = struct.Struct("<ii")
# A terminal and a parent may both send one request to end.
_SAME_REQUEST_SECONDS = 1.0
# What the command itself returns where it was interrupted.
_INTERRUPTED, _BY_SIGNAL = 130, 128


class Shared:
    """What a parent and its forked child share.

    Args:
        board: What the child is at.
        log: Descriptor of a file in memory: what native libraries print while it is held back.
    """

    def __init__(self) -> None:
        self.board = Board()
        self.log = native_log.file_in_memory()
        self._end = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def log_path(self) -> Path:
        """The log as a file that this process can open."""
        return Path("/proc/self/fd", str(self.log))

    def done(self, code: int) -> None:
        """Say that the work is done: whatever comes now is the end of the interpreter."""
        self._end[: _DONE.size] = _DONE.pack(1, code)

    def code(self) -> int | None:
        """The exit code of the work; None where it was not done."""
        is_done, code = _DONE.unpack_from(self._end)
        return code if is_done else None


class Requests:
    """Requests to end, each of which interrupts the child once, however often it arrives."""

    def __init__(self, signals: Iterable[int]) -> None:
        self._latest = 0.0
        self.signal = 0
        for each in signals:
            signal.signal(each, self._arrived)

    def _arrived(self, number: int, _: FrameType | None) -> None:
        before, self._latest = self._latest, time.monotonic()
        if before and self._latest - before < _SAME_REQUEST_SECONDS:
            return
        self.signal = number
        raise KeyboardInterrupt

    def code(self, code: int) -> int:
        """The exit code of what was interrupted, by what interrupted it."""
        return _BY_SIGNAL + self.signal if self.signal and code == _INTERRUPTED else code


def begin(shared: Shared, parent: int, *, with_stacks: bool) -> None:
    """Go with the parent, and say from now on what is going on.

    Args:
        shared: With the parent.
        parent: Its process id.
        with_stacks: A crash prints the stack of every thread.
    """
    end_with_parent(parent)
    # By this name the parent finds what a crash leaves.
    name_by_process()
    native_log.keep_in(shared.log)
    watch(shared.board)
    if with_stacks:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            faulthandler.enable()
