"""What a command's exit code says of the build that it ran with."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from validation.bisection.environment import Environment
from validation.bisection.processes import run_to_end
from validation.bisection.search import Answer
from validation.errors import ProcessEnded, UsageError
from validation.signoff.exit_codes import FAILED, UNKNOWN

# Commands of the harness that end with a verdict.
JUDGES = ("run", "judge")
_REPORT_DIR = "--report-dir"
# As `git bisect run` has it.
_SKIP, _MOST_BAD = 125, 127


@dataclass(frozen=True)
class Verdict:
    """What one command said of one build.

    Args:
        answer: What was found.
        reason: Why, in a clause.
        exit_code: Of the command; None where it was not run.
    """

    answer: Answer
    reason: str
    exit_code: int | None


def command_line(words: Sequence[str], environment: Environment, runs: Path) -> list[str]:
    """The command as it is started in an environment.

    Args:
        words: `run` or `judge` with options of theirs, or any program with its arguments.
        environment: Whose programs come first.
        runs: Where pages of `run` and `judge` go, unless the words name another folder.

    Raises:
        UsageError: There is no such program.
    """
    if words[0] in JUDGES:
        named = any(each.partition("=")[0].replace("_", "-") == _REPORT_DIR for each in words)
        place = () if named else (_REPORT_DIR, str(runs))
        return [str(environment.python), "-P", "-m", "validation", *words, *place]
    program = shutil.which(words[0], path=environment.variables()["PATH"])
    if program is None:
        raise UsageError(
            "there is no such program",
            expected=f"{', '.join(JUDGES)} with options of theirs, or a program",
            got=words[0],
        )
    return [program, *words[1:]]


def judged(words: Sequence[str], environment: Environment, runs: Path, log: IO[bytes]) -> Verdict:
    """Run the command in an environment.

    Args:
        words: See `command_line`.
        environment: With the build.
        runs: See `command_line`.
        log: Gets what it prints.

    Raises:
        ProcessEnded: Its exit code says nothing of the build: the search ends.
        UsageError: There is no such program.
    """
    code = run_to_end(command_line(words, environment, runs), log, environment.variables())
    answer = answer_of(words[0], code)
    if answer is None:
        how = f"exit code {code}" if code >= 0 else f"ended by signal {signal.Signals(-code).name}"
        raise ProcessEnded(
            f"`{words[0]}` says neither good nor bad: {how}",
            where=log.name,
            next_step="mend the command; the same search goes on where it was, and --skip VERSION "
            "leaves one out",
        )
    reason = f"exit code {code}"
    if words[0] in JUDGES and code == UNKNOWN:
        reason = f"verdict UNKNOWN, {reason}"
    return Verdict(answer, reason, code)


def answer_of(command: str, code: int) -> Answer | None:
    """What an exit code says; None: nothing of the build.

    Of `run` and `judge` 1 is bad and UNKNOWN a skip; their other codes are wrong use, an
    interruption or an internal error. Of any other program, as of `git bisect run`: 0 is good, 125
    a skip, 1 to 127 are bad.

    Args:
        command: The first word.
        code: Below 0: the signal that ended it.
    """
    if not code:
        return Answer.GOOD
    if command in JUDGES:
        return {FAILED: Answer.BAD, UNKNOWN: Answer.SKIP}.get(code)
    if code == _SKIP:
        return Answer.SKIP
    return Answer.BAD if 0 < code <= _MOST_BAD else None
