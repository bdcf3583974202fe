"""Calls to the scheduler that end when it goes away; by themselves they would wait on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from validation.cluster.address import ClusterAddress
from validation.errors import ClusterLost
from validation.isolation.activity import alive

_LOOK_SECONDS = 0.5
_RUNNING = "running"

_Value = TypeVar("_Value")


def lost(address: ClusterAddress, kept: str = "") -> ClusterLost:
    """The error for a scheduler that is gone.

    Args:
        address: Of the cluster.
        kept: What is kept of the work.
    """
    return ClusterLost(
        "the scheduler of the cluster is gone",
        where=address.text,
        got=kept or None,
        next_step="start it anew and run the same command again: what was made is kept",
    )


def is_there(client: Any) -> bool:
    """False from the moment at which the connection of Dask's client is closed."""
    return bool(client.status == _RUNNING)


def require_scheduler(client: Any, address: ClusterAddress) -> None:
    """Raise where the scheduler is gone.

    Raises:
        ClusterLost: The connection of the client is closed.
    """
    if not is_there(client):
        raise lost(address)


def asked(client: Any, address: ClusterAddress, call: Callable[[], _Value]) -> _Value:
    """What a blocking call of Dask's client gives.

    Args:
        client: Dask's.
        address: Of the cluster.
        call: Made in a thread of its own, which is left behind where the scheduler goes away.

    Raises:
        ClusterLost: The scheduler went away before it answered.
        Exception: What the call raises, with the scheduler there.
    """
    require_scheduler(client, address)
    answers: queue.SimpleQueue[tuple[_Value | None, BaseException | None]] = queue.SimpleQueue()

    def answer() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=answer, daemon=True).start()
    while True:
        try:
            value, error = answers.get(timeout=_LOOK_SECONDS)
            break
        except queue.Empty:
            alive()
            require_scheduler(client, address)
    if error is None:
        return value  # type: ignore[return-value]
    if isinstance(error, OSError | TimeoutError | CancelledError):
        require_scheduler(client, address)
    raise error
