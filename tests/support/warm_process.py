"""`python -m validation` in processes that are forked from one which has imported TensorFlow.

Each is a process of its own, with its own folder, environment, streams and exit code; only the
seconds that the import takes are spent once. How a process starts from nothing, and what it must
not import, is the business of tests/cli.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["run_validation"]

_PRELOADED = ["warm_modules"]


def run_validation(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> tuple[int, bytes]:
    """Run one command.

    Args:
        arguments: Behind ``python -m validation``.
        folder: Where it runs.
        environment: All of its variables.

    Returns:
        Its exit code, and both streams as they were written.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    output = folder.with_name(f"{folder.name}.output")
    process = context.Process(target=_main, args=(arguments, folder, dict(environment), output))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, output.read_bytes()


def _main(
    arguments: Sequence[str], folder: Path, environment: dict[str, str], output: Path
) -> None:
    """In the new process: be what a shell would have started."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(written, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["validation", *arguments]
    try:
        runpy.run_module("validation", run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
