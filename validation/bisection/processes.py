"""Programs that a search starts: their output in a log, and none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import IO

from validation.errors import UsageError
from validation.isolation.processes import adopt_orphans, children_of, signal_at_end_of_parent

# For a program that was asked to end: pip removes what it has half-unpacked, a run its workers.
_GRACE_SECONDS = 20.0
# Of processes that end and leave their own children.
_ROUNDS = 20
# What would lead Python to packages outside of the environment, or pip to install there.
_LEADS_OUT = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PIP_TARGET", "PIP_PREFIX")


def own_variables() -> dict[str, str]:
    """Environment variables of this process, less those that lead out of an environment."""
    kept = {name: value for name, value in os.environ.items() if name not in _LEADS_OUT}
    # Over settings of pip's own files; what pip says is read.
    return {**kept, "PIP_USER": "0", "PIP_QUIET": "0"}


def run_to_end(command: Sequence[str], log: IO[bytes], variables: Mapping[str, str]) -> int:
    """Run a program and wait for it; where the wait is interrupted, it is ended.

    Args:
        command: Program and arguments.
        log: Gets the command line and what it prints.
        variables: Its environment variables.

    Returns:
        Its exit code; of one that a signal has ended, the signal's number below 0.

    Raises:
        UsageError: It cannot be started.
        OSError: The log cannot be written.
    """
    log.write(f"$ {' '.join(command)}\n".encode("utf-8", "backslashreplace"))
    log.flush()
    # What the program leaves running would write into an environment that is being removed.
    adopt_orphans()
    before = children_of(os.getpid())
    process = _started(command, log, variables)
    try:
        return process.wait()
    finally:
        if process.returncode is None:
            _end(process)
        _end_orphans(before)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(_GRACE_SECONDS)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _end_orphans(before: Collection[int]) -> None:
    """Kill what has become a child of this process meanwhile, and what becomes one by that."""
    for _ in range(_ROUNDS):
        left = [each for each in children_of(os.getpid()) if each not in before]
        for each in left:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)
                os.waitpid(each, 0)
        if not left:
            return


def _started(
    command: Sequence[str], log: IO[bytes], variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(variables),
            # With whatever it starts: Ctrl-C comes here first, and an exit code that it caused is
            # never taken for an answer.
            process_group=0,
            # It ends with this process, however that ends.
            preexec_fn=partial(signal_at_end_of_parent, signal.SIGTERM),
        )
    except OSError as error:
        raise UsageError(
            "the program cannot be started",
            got=error.strerror or error,
            where=command[0],
            next_step="the first line of a script names its interpreter, as `#!/bin/sh` does",
        ) from error
