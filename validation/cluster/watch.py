"""What becomes of workers while tasks run, as the scheduler reports it."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from validation.cluster.worker import WorkerFacts

_TOPIC = "all"


@dataclass
class Watch:
    """What happened so far.

    Args:
        workers: Every worker that was seen, by address.
        lost: Addresses of those that went away without having been asked to.
        repeated: Names of tasks that a lost worker had, and that others began again.
    """

    workers: dict[str, WorkerFacts]
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    _events: queue.SimpleQueue[Mapping[str, Any]] = field(default_factory=queue.SimpleQueue)

    def begin(self, client: Any) -> None:
        """Ask the scheduler for its events."""
        client.subscribe_topic(_TOPIC, self._noted)

    def end(self, client: Any) -> None:
        """Ask for no more."""
        client.unsubscribe_topic(_TOPIC)

    def _noted(self, event: tuple[float, Any]) -> None:
        """Called by Dask from a thread of its own, with time and event."""
        if isinstance(event[1], Mapping):
            self._events.put(event[1])

    @property
    def has_news(self) -> bool:
        """True where `take` has something to do."""
        return not self._events.empty()

    def take(self, names: Mapping[str, str]) -> bool:
        """Note what came; True where workers came or went.

        Args:
            names: Of the tasks of this session, by Dask's key.
        """
        changed = False
        while self.has_news:
            event = self._events.get()
            action = event.get("action")
            changed |= action in ("add-worker", "remove-worker")
            if action != "remove-worker" or event.get("expected"):
                continue
            self.lost.append(str(event.get("worker")))
            held = {names[key] for key in event.get("processing-tasks", ()) if key in names}
            self.repeated += sorted(held - set(self.repeated))
        return changed
