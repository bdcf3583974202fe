"""What a command's exit code says of the build that it ran with."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from validation.bisection.environment import Environment
from validation.bisection.processes import run_to_end
from validation.bisection.search import Answer
from validation.errors import ProcessEnded, UsageError
from validation.isolation.crash import signal_name
from validation.signoff.exit_codes import FAILED, UNKNOWN

# Commands of the harness that end with a verdict.
JUDGES = ("run", "judge")
_REPORT_DIR = "--report-dir"
# pytest's: wrong use, nothing to check.
_REFUSED = (4, 5)
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
    return [_program(words[0], environment.variables()["PATH"]), *words[1:]]


def _program(name: str, path: str) -> str:
    found = shutil.which(name, path=path)
    if found is None:
        raise UsageError(
            "there is no such program",
            expected=f"{', '.join(JUDGES)} with options of theirs, or a program",
            got=name,
        )
    return found


def require_usable(words: Sequence[str]) -> None:
    """Refuse a command that no environment could run, before one is made.

    Args:
        words: See `command_line`.

    Raises:
        UsageError: There is no such program, or `run` or `judge` refuse their options.
    """
    if words[0] not in JUDGES:
        # Programs of the environments are those beside this Python.
        beside = str(Path(sys.executable).parent)
        _program(words[0], os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))
        return
    command = [sys.executable, "-P", "-m", "validation", *words, "--collect-only", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode in _REFUSED:
        said = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        raise UsageError(
            f"`{words[0]}` refuses these words",
            got=next((each for each in reversed(said) if each.strip()), "nothing to check"),
            next_step=f"try them first: `validation {shlex.join(words)}`",
        )


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
        ended = f"ended by signal {-code} ({signal_name(-code)})"
        how = f"exit code {code}" if code >= 0 else ended
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
