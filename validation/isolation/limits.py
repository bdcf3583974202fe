"""When a child process has to be ended, and what it uses of the machine's memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from validation.isolation.board import Activity
from validation.isolation.crash import Crash, Ending
from validation.isolation.processes import is_stopped, with_those_below

_PAGE_BYTES = 4096
# Between two looks at a process: it can take about 0.5 GiB meanwhile.
LOOK_SECONDS = 0.2
# What counts of the time between two looks. Where it is longer, whoever looks was stopped too, or
# the machine was asleep.
_MOST_COUNTED = 2 * LOOK_SECONDS


@dataclass(frozen=True)
class ProcessLimits:
    """What a child process may take.

    Args:
        step_seconds: Without a sign of life, in a step such as a conversion.
        image_seconds: Alike, while a model file is loaded or run on one image.
        memory_bytes: Resident, with the processes that it has started itself.
        start_seconds: Until it can be given work.
        stopped_seconds: Stopped by a signal.
    """

    step_seconds: float
    image_seconds: float
    memory_bytes: int
    start_seconds: float = math.inf
    stopped_seconds: float = math.inf

    def broken_by(
        self,
        silent_seconds: float,
        resident_bytes: int,
        latest: Activity | None,
        *,
        starting: bool = False,
        stopped_seconds: float = 0.0,
    ) -> Crash | None:
        """How the process ends by these limits; None where it keeps them.

        Args:
            silent_seconds: Since the last sign of life.
            resident_bytes: Of memory, now.
            latest: What it is at.
            starting: It cannot be given work yet.
            stopped_seconds: Since a signal has stopped it; 0 while it goes on.
        """
        if resident_bytes > self.memory_bytes:
            return Crash(Ending.MEMORY, resident_bytes)
        if stopped_seconds > self.stopped_seconds:
            return Crash(Ending.STOPPED, round(self.stopped_seconds))
        short = latest is not None and latest.is_short
        most = self.image_seconds if short else self.step_seconds
        if starting:
            most = self.start_seconds
        if silent_seconds > most:
            return Crash(Ending.TIME, round(most))
        return None


class Silence:
    """How long a process has given no sign of life, while it could; one look after another."""

    def __init__(self) -> None:
        self._signs, self._looked, self._silent = -1, 0.0, 0.0
        # Since a signal has stopped it; 0 while it goes on.
        self.stopped_seconds = 0.0

    def seconds(self, signs: int, now: float, process: int, *, counts: bool) -> float:
        """Since the last sign of life.

        Args:
            signs: How many there were.
            now: Of a clock that never goes back.
            process: Its id: the time in which it is stopped is not counted.
            counts: Whether it is at something that gives signs.
        """
        passed = min(now - self._looked, _MOST_COUNTED)
        if signs != self._signs or not counts:
            self._silent = self.stopped_seconds = 0.0
        elif is_stopped(process):
            self.stopped_seconds += passed
        else:
            self._silent, self.stopped_seconds = self._silent + passed, 0.0
        self._signs, self._looked = signs, now
        return self._silent


def resident_bytes(process: int) -> int:
    """Memory of a process and of those below it; 0 for one that has ended."""
    return sum(map(_own_bytes, with_those_below(process)))


def _own_bytes(process: int) -> int:
    try:
        statm = Path("/proc", str(process), "statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
