"""Work that tests have done on a cluster; workers import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from validation.cluster.worker import WorkerFacts
from validation.errors import FeedError


def doubled(_: WorkerFacts, __: Path | None, number: int) -> int:
    """Twice a number."""
    return 2 * number


def length(_: WorkerFacts, path: Path, seconds: float) -> int:
    """Size of the model's file, after a while."""
    time.sleep(seconds)
    return len(path.read_bytes())


def process(_: WorkerFacts, __: Path | None, seconds: float) -> int:
    """Number of the worker's process."""
    time.sleep(seconds)
    return os.getpid()


def refused(_: WorkerFacts, __: Path | None) -> None:
    """An error of the harness."""
    raise FeedError("does not fit", expected=1, got=2)


def broken(_: WorkerFacts, __: Path | None) -> None:
    """An error of Python."""
    raise ZeroDivisionError("by zero")


def killed(_: WorkerFacts, __: Path | None) -> None:
    """The end of the process, as a crash in native code."""
    os.kill(os.getpid(), signal.SIGKILL)


def variable(_: WorkerFacts, __: Path | None, name: str) -> str | None:
    """A variable of the worker's environment."""
    return os.environ.get(name)


def setting(name: str) -> object:
    """One of Dask's settings, asked with `Client.run`."""
    import dask

    value: object = dask.config.get(name)
    return value
