"""Tasks on a cluster: a bounded number at a time, and each result as it comes."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from validation.cluster.connection import MEMORY, Connection
from validation.cluster.model_file import ModelFile
from validation.cluster.scheduler import asked, is_there, lost, require_scheduler
from validation.cluster.task import (
    Done,
    Task,
    ended_every_worker,
    endless,
    model_lost,
    not_run,
    too_large,
)
from validation.cluster.watch import Watch
from validation.cluster.worker import Outcome, perform
from validation.errors import ClusterLost
from validation.isolation.activity import alive

# For each thread of a worker: one task runs and the next one waits beside it.
_AHEAD = 2
_LOOK_SECONDS = 0.5
# How often a task is begun whose model went away with the last worker that had it.
_MOST_TRIES = 4


@dataclass(eq=False)
class _Flight:
    """A task on its way.

    Args:
        task: Which one.
        future: Dask's.
        model: Dask's future of its model; None without one.
        tries: How often it was begun.
    """

    task: Task
    future: Any = None
    model: Any = None
    tries: int = 0


class TaskRunner:
    """Runs the tasks of one session on a cluster.

    Args:
        connection: The cluster.
        wait_seconds: How long it may be without any worker.
    """

    def __init__(self, connection: Connection, *, wait_seconds: float) -> None:
        self._connection, self._client = connection, connection.client
        self._patience = wait_seconds
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._models: dict[str, Any] = {}
        self._sent = 0
        # By Dask's key, of every task that was begun: events come late.
        self._names: dict[str, str] = {}
        self.watch = Watch(dict(connection.workers))

    def results(self, tasks: Iterable[Task]) -> Iterator[Done]:
        """Run tasks and give each as it ends, in any order.

        Args:
            tasks: The next one is asked for when there is room for it.

        Raises:
            ClusterLost: The scheduler is gone, or no worker is left.
            ClusterError: Nothing has ended for longer than any of the tasks may take.
        """
        waiting = iter(tasks)
        flying: dict[str, _Flight] = {}
        with self._lost_clearly():
            self.watch.begin(self._client)
        try:
            room = self._room()
            while True:
                while len(flying) < room and (task := next(waiting, None)) is not None:
                    refused = self._refused(task)
                    if refused is not None:
                        yield refused
                        continue
                    self._launch(_Flight(task), flying)
                if not flying:
                    return
                future = self._next_ended(flying)
                if self.watch.take(self._names):
                    room = self._room()
                flight = None if future is None else flying.pop(future.key, None)
                if flight is not None and (done := self._landed(flight, flying)) is not None:
                    flight.future.release()
                    yield done
        finally:
            self._end(flying)

    @property
    def declares_memory(self) -> bool:
        """True where at least one worker declares its memory."""
        return bool(self._connection.memory)

    def forget(self, model: ModelFile) -> None:
        """Let workers free a model's bytes: no further task needs them."""
        future = self._models.pop(model.name.sha256, None)
        if future is not None:
            future.release()

    def _room(self) -> int:
        return max(self._connection.threads(), 1) * _AHEAD

    def _refused(self, task: Task) -> Done | None:
        largest = max(self._connection.memory.values(), default=None)
        if largest is None or task.memory_bytes <= largest:
            return None
        return too_large(task, largest)

    def _launch(self, flight: _Flight, flying: dict[str, _Flight]) -> None:
        task = flight.task
        flight.tries += 1
        # A scheduler without any worker that declares it would keep the task for ever.
        needs = task.memory_bytes and self._connection.memory
        with self._lost_clearly():
            flight.model = None if task.model is None else self._scattered(task.model)
            flight.future = self._client.submit(
                perform,
                task.name,
                task.work,
                task.arguments,
                self._connection.wanted,
                None if task.model is None else task.model.name,
                flight.model,
                key=f"{task.name} ({self._client.id[-12:]}-{len(self._names)})",
                pure=False,
                resources={MEMORY: task.memory_bytes} if needs else None,
            )
        self._names[flight.future.key] = task.name
        flying[flight.future.key] = flight
        flight.future.add_done_callback(self._ended.put)

    def _scattered(self, model: ModelFile) -> Any:
        """The model's bytes, sent once: workers pass them on as they need them."""
        name = model.name.sha256
        deadline = time.monotonic() + self._patience
        while name not in self._models:
            # A name of its own each time: where one is used again, Dask's late messages about the
            # old data take the new data away.
            self._sent += 1
            key = f"{model.name.name} ({self._client.id[-12:]}-{self._sent})"
            try:
                self._models[name] = self._asked(self._client.scatter, {key: model.content})[key]
            except (OSError, TimeoutError):
                # To a worker that has just died, or to none: others may come.
                self._require_scheduler()
                if time.monotonic() > deadline:
                    self._require_worker(1)
                    raise
                time.sleep(_LOOK_SECONDS)
        return self._models[name]

    def _next_ended(self, flying: Mapping[str, _Flight]) -> Any:
        """A future that has ended; None where something else is to be looked at first."""
        began = looked = time.monotonic()
        longest = max((each.task for each in flying.values()), key=lambda task: task.limit_seconds)
        while True:
            with contextlib.suppress(queue.Empty):
                return self._ended.get(timeout=_LOOK_SECONDS)
            # Dask watches over its workers; whoever watches this process sees that it waits.
            alive()
            self._require_scheduler()
            if self.watch.has_news:
                return None
            now = time.monotonic()
            if now - looked > self._patience:
                self._require_worker(len(flying))
                looked = now
            if now - began > longest.limit_seconds:
                raise endless(longest)

    def _require_worker(self, count: int) -> None:
        if self._connection.threads():
            return
        raise ClusterLost(
            "the cluster has no worker left",
            expected=f"one within {self._patience:.0f} s",
            got=f"{count} tasks that wait",
            where=self._connection.address.text,
            next_step="start workers and run the same command again: what was made is kept",
        )

    def _require_scheduler(self) -> None:
        require_scheduler(self._client, self._connection.address)

    def _asked(self, call: Callable[..., Any], *arguments: object, **named: object) -> Any:
        return asked(self._client, self._connection.address, partial(call, *arguments, **named))

    def _landed(self, flight: _Flight, flying: dict[str, _Flight]) -> Done | None:
        """What came of a task; None where it was begun again."""
        from distributed import KilledWorker

        task, future = flight.task, flight.future
        if future.status == "finished":
            with self._lost_clearly():
                outcome: Outcome = self._asked(future.result)
            self.watch.workers[outcome.worker.address] = outcome.worker
            return Done(task, outcome.worker, outcome.value, outcome.error, outcome.seconds)
        self._require_scheduler()
        if future.status == "error":
            error = self._asked(future.exception)
            if isinstance(error, KilledWorker):
                return ended_every_worker(task, error.allowed_failures)
            return not_run(task, error)
        # The last worker that had the model is lost, and Dask keeps no copy of what is scattered.
        if flight.tries >= _MOST_TRIES:
            return model_lost(task, flight.tries)
        if task.model is not None and self._models.get(task.model.name.sha256) is flight.model:
            del self._models[task.model.name.sha256]
        self._launch(flight, flying)
        return None

    @contextlib.contextmanager
    def _lost_clearly(self) -> Iterator[None]:
        """What Dask raises when its scheduler goes away in the middle of a call."""
        from concurrent.futures import CancelledError

        try:
            yield
        except (OSError, TimeoutError, CancelledError) as error:
            raise lost(self._connection.address) from error

    def _end(self, flying: dict[str, _Flight]) -> None:
        """Nothing of this session stays with the workers."""
        if not is_there(self._client):
            return
        with contextlib.suppress(OSError, TimeoutError, ClusterLost):
            self.watch.end(self._client)
            if flying:
                futures = [each.future for each in flying.values()]
                self._asked(self._client.cancel, futures, force=True)
            for model in self._models.values():
                model.release()
        self._models.clear()
