"""What is started as the command: it runs in a child process, so that a crash ends in one line.

Only what parent and child both need is imported before the fork: the process is small then, has no
threads, and a command starts as fast as by itself.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from validation.errors import ProcessEnded
from validation.isolation.crash import Crash, Ending
from validation.isolation.supervision import (
    GRACE_SECONDS,
    CrashedAfterwards,
    Outcome,
    Stopped,
    supervised,
)

if TYPE_CHECKING:
    from validation.isolation.limits import ProcessLimits

# These have child processes of their own, or do nothing that could end them.
_BY_THEMSELVES = ("run", "judge", "merge", "bisect", "completion")
_CLUSTER_FLAG = "--cluster"
_DEBUG_FLAG, _JSON_FLAG, _NO_ISOLATION_FLAG = "--debug", "--json", "--no-isolation"
# As a shell reports what a signal has ended.
_BY_SIGNAL = 128


def main() -> int:
    """Run the command that was typed.

    Returns:
        The exit code, in the process that did the work; the one that waited for it ends here.
    """
    arguments = sys.argv[1:]
    if not _is_supervised(arguments):
        return _work()
    parent = os.getpid()
    outcome = supervised(_work, _limits, with_stacks=_DEBUG_FLAG in arguments)
    if os.getpid() != parent:
        assert isinstance(outcome, int)
        return outcome
    code = _answered(arguments, outcome)
    # It has imported nothing that would have to be taken down. Either stream may be closed.
    with contextlib.suppress(OSError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _work() -> int:
    from validation.cli import main as run_command

    if sys.argv[1:2] != ["evaluate"]:
        return run_command()
    # NumPy's threads for large matrices would end with its fork, see `isolation.forks`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        return run_command()
    finally:
        # The interpreter would look through all annotations for cycles, to no end.
        gc.freeze()


def _answered(arguments: Sequence[str], outcome: Outcome) -> int:
    match outcome:
        case Crash():
            return _report(arguments, outcome)
        case Stopped():
            from validation.cli.flags import say

            say(f"interrupted; it did not end within {GRACE_SECONDS:.0f} s and was ended")
            return _BY_SIGNAL + outcome.signal
        case CrashedAfterwards():
            from validation.cli.flags import say

            say(f"all is done; the process {outcome.crash.how()} while it closed down")
            return outcome.code
    return outcome


def _is_supervised(arguments: Sequence[str]) -> bool:
    if sys.platform != "linux" or arguments[:1] in ([], *([each] for each in _BY_THEMSELVES)):
        return False
    named = {each.replace("_", "-").partition("=")[0] for each in arguments}
    # An interpreter that goes on afterwards would do so twice.
    # Nor is there anything to watch over where workers of a cluster do the work.
    alone = named & {_NO_ISOLATION_FLAG, _CLUSTER_FLAG}
    return not (alone or _is_traced() or sys.flags.inspect)


def _is_traced() -> bool:
    """A debugger, a profiler or a measure of coverage has to be in the process that works."""
    if sys.gettrace() is not None or sys.getprofile() is not None:
        return True
    # From Python 3.12 on.
    monitoring = getattr(sys, "monitoring", None)
    return monitoring is not None and any(
        monitoring.get_tool(each) is not None
        for each in (monitoring.DEBUGGER_ID, monitoring.COVERAGE_ID, monitoring.PROFILER_ID)
    )


def _limits() -> ProcessLimits:
    from validation.policy.load import load_policy
    from validation.policy.process_limits import limits_of

    return limits_of(load_policy())


def _report(arguments: Sequence[str], crash: Crash) -> int:
    from validation.cli.output import print_error, print_error_line

    error = _error(arguments, crash)
    if sys.stderr is None:
        return error.exit_code
    if sys.stderr.isatty():
        # A bar may stand on the line.
        sys.stderr.write("\r\x1b[K")
    # Nobody may read either of them any more.
    with contextlib.suppress(OSError):
        if _JSON_FLAG in arguments:
            print_error(error)
            sys.stdout.flush()
    with contextlib.suppress(OSError):
        print_error_line(error)
    return error.exit_code


def _error(arguments: Sequence[str], crash: Crash) -> ProcessEnded:
    command = next((each for each in arguments if not each.startswith("-")), "")
    words = "; ".join(crash.last_words)
    return ProcessEnded(
        f"`{command}` {crash.how()}",
        crash=crash,
        where=crash.at() or None,
        got=f"last words: {words}" if words else None,
        next_step=_next_step(arguments, crash),
    )


def _next_step(arguments: Sequence[str], crash: Crash) -> str:
    if crash.ending in (Ending.TIME, Ending.MEMORY):
        return f"{_NO_ISOLATION_FLAG} sets no limit"
    used = f" on {crash.file}" if crash.file else ""
    step = f"TensorFlow, LiteRT or another library crashed{used}: is the file whole?"
    return step if _DEBUG_FLAG in arguments else f"{step} {_DEBUG_FLAG} prints where"
