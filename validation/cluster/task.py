"""A task for one worker, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from validation.cluster.model_file import ModelFile
from validation.cluster.worker import WorkerFacts
from validation.errors import ClusterError, ClusterTooSmall, ProcessEnded, ValidationError


@dataclass(frozen=True, eq=False)
class Task:
    """Something for any one worker.

    Args:
        name: For people, in messages and on Dask's dashboard.
        work: A function of the package: takes the worker, the model's file, then the arguments.
        arguments: They travel pickled.
        model: The file that it needs; None without.
        memory_bytes: What it takes at most; 0 where that is little.
        limit_seconds: How long it may take.
    """

    name: str
    work: Callable[..., Any]
    arguments: tuple[object, ...] = ()
    model: ModelFile | None = None
    memory_bytes: int = 0
    limit_seconds: float = math.inf


@dataclass(frozen=True)
class Done:
    """A task that has ended: a value or an error.

    Args:
        task: Which one.
        worker: That ran it; None where none ended it.
        value: Its result.
        error: What stopped it.
        seconds: That the worker took; 0 where none ended it.
    """

    task: Task
    worker: WorkerFacts | None = None
    value: Any = None
    error: ValidationError | None = None
    seconds: float = 0.0


def ended_every_worker(task: Task, allowed: int) -> Done:
    """A task whose workers all died.

    Args:
        task: Which one.
        allowed: How many may die before Dask gives up.
    """
    error = ProcessEnded(
        f"every worker that ran {task.name} died",
        expected=f"at most {allowed} workers that die",
        got=f"{allowed + 1}",
        next_step="run it without --cluster: the process that dies is then reported with its log; "
        "was it killed for memory?",
    )
    return Done(task, error=error)


def not_run(task: Task, error: BaseException | None) -> Done:
    """A task that Dask could not run at all.

    Args:
        task: Which one.
        error: Of Dask or Python.
    """
    wrong = ClusterError(
        f"{task.name} could not be run",
        got=f"{type(error).__name__}: {error}",
        next_step="is the same version of the harness installed on every worker?",
    )
    return Done(task, error=wrong)


def model_lost(task: Task, tries: int) -> Done:
    """A task whose model went away with its workers again and again.

    Args:
        task: Which one.
        tries: How often it was begun.
    """
    wrong = ClusterError(
        f"{task.name} lost its model with a worker {tries} times",
        expected="workers that live as long as their tasks",
        next_step="look at why workers go away: memory, time limits of the queue, the network",
    )
    return Done(task, error=wrong)


def too_large(task: Task, largest: float) -> Done:
    """A task that no worker declares enough memory for.

    Args:
        task: Which one.
        largest: The most that one declares, in bytes.
    """
    wrong = ClusterTooSmall(
        f"no worker declares the memory that {task.name} takes",
        expected=f"{task.memory_bytes / 2**30:.1f} GiB",
        got=f"at most {largest / 2**30:.1f} GiB",
        next_step="start fewer workers a machine, or one with more: --resources memory=BYTES",
    )
    return Done(task, error=wrong)


def endless(task: Task) -> ClusterError:
    """The error where nothing ends any more.

    Args:
        task: The one of those on their way that may take longest.
    """
    return ClusterError(
        "the cluster does nothing any more",
        expected=f"{task.name} within {task.limit_seconds:.0f} s",
        got="no task that has ended",
        next_step="look at the workers' logs, start them anew and run the same command again: what "
        "was made is kept",
    )
