"""What a child process writes to its two streams, and the last of it."""

from __future__ import annotations

import os
from pathlib import Path

from validation.isolation.crash import MOST_LAST_WORDS

# From the end: a library may repeat itself for hours.
_READ_BYTES = 16_384
_LONGEST_LINE = 300
# What Python's fault handler writes behind the one line that is kept: the stack of every thread.
_STACKS = ("Thread 0x", "Current thread 0x", "Extension modules:")


def redirect(log: Path) -> None:
    """Send both streams of this process to a file, past Python too, and read nothing."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.close(target)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def last_words(log: Path, start: int = 0) -> tuple[str, ...]:
    """The last lines of a log that say something, stacks left out.

    Args:
        log: The file.
        start: Byte at which the work began.
    """
    try:
        with log.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _READ_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    lines: list[str] = []
    in_stack = False
    for line in text.splitlines():
        in_stack = line.startswith(_STACKS) or (in_stack and line.startswith(("  ", "Thread")))
        if line.strip() and not in_stack:
            lines.append(line.strip()[:_LONGEST_LINE])
    return tuple(lines[-MOST_LAST_WORDS:])
