"""How a child process ended before its work was done."""

from __future__ import annotations

import enum
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from validation.errors import ProcessEnded
from validation.isolation.board import Activity

# What a reader of a message takes in; the whole log is kept beside it.
MOST_LAST_WORDS = 5


class Ending(enum.StrEnum):
    """What ended it."""

    SIGNAL = "signal"
    EXIT = "exit"
    TIME = "time"
    STOPPED = "stopped"
    MEMORY = "memory"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class Crash:
    """A child process that ended, or was ended, in the middle of its work.

    Args:
        ending: What ended it.
        number: The signal, the exit code, the seconds without a sign of life or stopped, or the
            bytes of memory, by ``ending``; 0 for garbage.
        stage: Of the step that it was at; empty where it was at none.
        step: For people: ``convert int8``.
        file: Name of the file that native code was given; empty where none was.
        last_words: The last lines that it wrote to standard output and standard error.
        kept: Folder below the run's with the file and the whole log; empty where none was kept.
    """

    ending: Ending
    number: int
    stage: str = ""
    step: str = ""
    file: str = ""
    last_words: tuple[str, ...] = ()
    kept: str = ""

    def how(self) -> str:
        """What ended the process, as a clause."""
        match self.ending:
            case Ending.SIGNAL:
                hint = ", maybe for lack of memory" if self.number == signal.SIGKILL else ""
                return f"was ended by signal {self.number} ({signal_name(self.number)}){hint}"
            case Ending.EXIT:
                return f"ended itself with exit code {self.number}"
            case Ending.TIME:
                return f"gave no sign of life for {self.number} s and was ended"
            case Ending.STOPPED:
                return f"was stopped by a signal, did not go on for {self.number} s and was ended"
            case Ending.MEMORY:
                return f"used {self.number / 2**30:.1f} GiB of memory and was ended"
            case Ending.GARBAGE:
                return "sent what is no result and was ended"

    def at(self) -> str:
        """What it was doing: ``convert int8, tflite_graph.pb``; empty where that is not known."""
        return ", ".join(each for each in (self.step, self.file) if each)

    def placed(self, activities: Sequence[Activity], last_words: tuple[str, ...]) -> Crash:
        """The same with what the process was at.

        Args:
            activities: That had begun and not ended, the latest last.
            last_words: What it wrote last.
        """
        step = _step(activities)
        return replace(
            self,
            stage="" if step is None else step.stage,
            step=described(activities),
            file=next((Path(each.file).name for each in reversed(activities) if each.file), ""),
            last_words=last_words,
        )


@dataclass(frozen=True)
class Crashed:
    """The process ended before the work was done.

    Args:
        crash: How.
        activities: That had begun and not ended, the latest last.
        log: What it wrote, the work before this one too.
        had_started: It could be given work: what it was given may have ended it.
    """

    crash: Crash
    activities: tuple[Activity, ...]
    log: Path
    had_started: bool = True

    @property
    def activity(self) -> Activity | None:
        """What it was at; None where it had begun nothing."""
        return self.activities[-1] if self.activities else None


def _step(activities: Sequence[Activity]) -> Activity | None:
    return next((each for each in reversed(activities) if each.stage), None)


def described(activities: Sequence[Activity]) -> str:
    """The step and what a process was at inside of it: ``run int8 on 80 images, load``."""
    latest = activities[-1] if activities else None
    names = [each.step for each in (_step(activities), latest) if each is not None]
    return ", ".join(dict.fromkeys(names))


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; `unknown` where it has no name, as most real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def ended_in(work: str, crash: Crash) -> ProcessEnded:
    """The error of work that a process did not finish.

    Args:
        work: What the process was for: ``this check``.
        crash: How it ended.
    """
    return _error(crash, f"the process of {work} {crash.how()}", with_words=True)


def ended_before(crash: Crash) -> ProcessEnded:
    """The error of work that is not begun again, because it ended another process."""
    return _error(crash, f"not tried again: the process that did it before {crash.how()}")


def never_started(crash: Crash, tries: int) -> ProcessEnded:
    """The error of all work after processes that ended before they could be given any.

    Args:
        crash: Of the last one.
        tries: How many there were.
    """
    what = f"{tries} processes, one after another, did not start: the last one {crash.how()}"
    return _error(crash, what, with_words=True)


def _error(crash: Crash, what: str, *, with_words: bool = False) -> ProcessEnded:
    words = "; ".join(crash.last_words) if with_words else ""
    return ProcessEnded(
        what,
        crash=crash,
        where=crash.at() or None,
        got=f"last words: {words}" if words else None,
        next_step=f"{crash.kept} holds the file and the log for a bug report"
        if crash.kept
        else None,
    )
