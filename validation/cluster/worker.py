"""What runs on a worker: the part of a task, with the model's file and what the machine is."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from validation.cluster.model_file import ModelName
from validation.cluster.versions import own_versions, refuse_mixed
from validation.errors import ClusterError, ValidationError
from validation.isolation.freed_memory import keep_freed_memory
from validation.record.machine_facts import machine_facts, processor

_MODELS = "validation-models"
# TensorFlow reads these when it starts, and the last bits of figures depend on them: Eigen adds up
# in another order with another number of threads.
_DECISIVE = ("TF_ENABLE_ONEDNN_OPTS", "TF_NUM_INTRAOP_THREADS")
# How many threads it takes where nobody has said it.
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_UNPACKING = threading.Lock()


@dataclass(frozen=True)
class WorkerFacts:
    """One worker process.

    Args:
        address: Dask's.
        host: Name of its machine.
        processor: Of its machine.
        threads: Tasks that it runs at a time.
        versions: See `own_versions`.
    """

    address: str
    host: str
    processor: str
    threads: int
    versions: Mapping[str, str]

    @property
    def machine(self) -> dict[str, str]:
        """As a piece names the machine that it was made on."""
        return {"host": self.host, **machine_facts()}


@dataclass(frozen=True)
class Wanted:
    """What every worker has to agree with.

    Args:
        versions: Of the controlling process.
        environment: Its variables that figures depend on; None where one is not set.
        on_its_terminal: Workers share the terminal of the controlling process.
    """

    versions: Mapping[str, str]
    environment: Mapping[str, str | None]
    on_its_terminal: bool = False

    @classmethod
    def here(cls, *, on_its_terminal: bool) -> Wanted:
        """As the controlling process is."""
        environment = {name: os.environ.get(name) for name in _DECISIVE}
        return cls(own_versions(), environment, on_its_terminal)


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Args:
        worker: That ran it.
        value: Its result; None on an error.
        error: Raised by the harness; None where there is a result.
        seconds: Wall time of the work, the model's file being there.
    """

    worker: WorkerFacts
    value: Any = None
    error: ValidationError | None = None
    seconds: float = 0.0


def perform(
    name: str,
    work: Callable[..., Any],
    arguments: tuple[object, ...],
    wanted: Wanted,
    model: ModelName | None,
    content: bytes | None,
) -> Outcome:
    """Do the part of one task.

    Args:
        name: Of the task, for messages.
        work: Takes the worker, the model's file (None without one), then the arguments.
        arguments: See `work`.
        wanted: What this worker has to agree with.
        model: Which model file the task needs.
        content: Its bytes.

    Returns:
        Result or error: what the harness raises is no failure of Dask's, and is not tried again.
    """
    from distributed import get_worker

    dask_worker = get_worker()
    worker = _facts_of(dask_worker)
    if wanted.on_its_terminal:
        _leave_terminal()
    try:
        refuse_mixed(wanted.versions, {worker.address: worker.versions})
        _agree(wanted.environment, worker)
        path = None
        if model is not None and content is not None:
            with _UNPACKING:
                folder = Path(dask_worker.local_directory) / _MODELS
                path = model.kept_in(folder, content)
        started = time.perf_counter()
        value = work(worker, path, *arguments)
        return Outcome(worker, value, seconds=time.perf_counter() - started)
    except ValidationError as error:
        return Outcome(worker, error=error.with_traceback(None))
    except Exception as error:
        wrong = ClusterError(
            f"{name} failed on worker {worker.address}",
            got=f"{type(error).__name__}: {error}",
            where=worker.host,
            next_step="the worker's log says more",
        )
        wrong.add_note(traceback.format_exc())
        return Outcome(worker, error=wrong)


def answer(dask_worker: Any) -> WorkerFacts:
    """What a worker says of itself when it is asked; Dask gives it the worker by this name."""
    return _facts_of(dask_worker)


@cache
def _facts_of(worker: Any) -> WorkerFacts:
    threads = worker.state.nthreads
    _limit_threads(threads)
    # Dask's nanny has it given back from 64 kB on, and each image fill its pages anew.
    keep_freed_memory()
    return WorkerFacts(worker.address, platform.node(), processor(), threads, own_versions())


@cache
def _leave_terminal() -> None:
    """What native libraries print on loading would bury the lines that matter."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())


def _limit_threads(threads: int) -> None:
    """Let TensorFlow take no more threads than the worker has: its tasks share them."""
    for name in _THREADS:
        os.environ.setdefault(name, str(threads))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _agree(environment: Mapping[str, str | None], worker: WorkerFacts) -> None:
    """Set variables as the controlling process has them, before TensorFlow is imported.

    Raises:
        ClusterError: It is imported, and was under another value.
    """
    for name, value in environment.items():
        found = os.environ.get(name)
        if found == value or (value is None and name in _THREADS):
            continue
        if "tensorflow" in sys.modules:
            raise ClusterError(
                f"worker {worker.address} has imported TensorFlow with another {name}",
                expected=value,
                got=found,
                where=worker.host,
                next_step=f"start the workers again with {name}={value or ''}",
            )
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
