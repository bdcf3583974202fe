"""Programs in processes that are forked from one which has imported what they need.

Each is a process of its own, with its own folder, environment, streams and exit code; only the
seconds that imports take are spent once. How a process starts from nothing is the business of
tests/cli.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import iter_modules
from types import TracebackType
from typing import Self

from warm_server import Request

import validation.cli

__all__ = ["COMMANDS", "Ended", "WarmProcess"]

# The modules of all commands of the program, which imports the one that it is asked for.
COMMANDS = tuple(f"validation.cli.{each.name}" for each in iter_modules(validation.cli.__path__))

_SERVER = Path(__file__).with_name("warm_server.py")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a program ended, and the bytes that it wrote to its two streams."""

    code: int
    out: bytes
    err: bytes


class WarmProcess:
    """A process that has imported modules, and forks one for each program."""

    def __init__(self, *modules: str) -> None:
        # As `validation.cli.main` sets it before TensorFlow is imported.
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), json.dumps(modules)],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def run(
        self,
        command: Sequence[str],
        folder: Path = _ROOT,
        environment: Mapping[str, str] | None = None,
        *,
        merged: bool = False,
    ) -> Ended:
        """Run one program to its end.

        Args:
            command: Its words; ``python`` is this interpreter, others are scripts of Python on
                PATH.
            folder: Where it runs.
            environment: All of its variables; None takes those of today.
            merged: Both streams into the first one, in the order that they are written.
        """
        with tempfile.TemporaryDirectory() as streams:
            out, err = Path(streams, "out"), Path(streams, "err")
            request = Request(
                command=list(command),
                folder=str(folder),
                environment=dict(os.environ if environment is None else environment),
                out=str(out),
                err=None if merged else str(err),
            )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            print(json.dumps(request), file=self._process.stdin, flush=True)
            code = self._process.stdout.readline()
            assert code, "the process that imports and forks has ended; see its error"
            return Ended(int(code), out.read_bytes(), b"" if merged else err.read_bytes())
