"""When a child process has to be ended, and what it uses of the machine's memory."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from validation.isolation.board import Activity
from validation.isolation.crash import Crash, Ending

_PAGE_BYTES = 4096


@dataclass(frozen=True)
class ProcessLimits:
    """What a child process may take.

    Args:
        step_seconds: Without a sign of life, in a step such as a conversion.
        image_seconds: Alike, while a model file is loaded or run on one image.
        memory_bytes: Resident, with the processes that it has started itself.
    """

    step_seconds: float
    image_seconds: float
    memory_bytes: int

    def broken_by(
        self, silent_seconds: float, resident_bytes: int, latest: Activity | None
    ) -> Crash | None:
        """How the process ends by these limits; None where it keeps them.

        Args:
            silent_seconds: Since the last sign of life.
            resident_bytes: Of memory, now.
            latest: What it is at.
        """
        if resident_bytes > self.memory_bytes:
            return Crash(Ending.MEMORY, resident_bytes)
        short = latest is not None and latest.is_short
        most = self.image_seconds if short else self.step_seconds
        if silent_seconds > most:
            return Crash(Ending.TIME, round(most))
        return None


class Silence:
    """How long a process has given no sign of life, while it could.

    Args:
        look_seconds: Between two looks at it; a longer time is not counted in full, for then
            whoever looks was stopped too, or the machine was asleep.
    """

    def __init__(self, look_seconds: float) -> None:
        self._most = 2 * look_seconds
        self._signs, self._looked, self._silent = -1, 0.0, 0.0

    def seconds(self, signs: int, now: float, process: int, *, counts: bool) -> float:
        """Since the last sign of life.

        Args:
            signs: How many there were.
            now: Of a clock that never goes back.
            process: Its id: the time in which it is stopped is not counted.
            counts: Whether it is at something that gives signs.
        """
        if signs != self._signs or not counts:
            self._silent = 0.0
        elif not _is_stopped(process):
            self._silent += min(now - self._looked, self._most)
        self._signs, self._looked = signs, now
        return self._silent


def _is_stopped(process: int) -> bool:
    with contextlib.suppress(OSError):
        # After the name, which may hold anything.
        words = Path("/proc", str(process), "stat").read_bytes().rpartition(b")")[2].split()
        return words[0] in (b"T", b"t")
    return False


def resident_bytes(process: int) -> int:
    """Memory of a process and of those below it; 0 for one that has ended."""
    total = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        folder = Path("/proc", str(process))
        total = int((folder / "statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
        for thread in (folder / "task").iterdir():
            for child in (thread / "children").read_text(encoding="ascii").split():
                total += resident_bytes(int(child))
    return total
