"""What this process is at, written down where the process that watches it finds it.

In a process that nobody watches all of this does nothing.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from validation.isolation.board import Activity, Board
from validation.isolation.crash import Crash, ended_before


@dataclass
class _Watched:
    """What of a process another one watches.

    Args:
        board: What both share; None where nobody watches.
        crashes: What has ended other processes, by the key of their activity.
    """

    board: Board | None = None
    crashes: dict[str, Crash] = field(default_factory=dict)


_WATCHED = _Watched()


def watch(board: Board | None) -> None:
    """Say from now on on this board what this process is at."""
    _WATCHED.board = board


def remember(crashes: Mapping[str, Crash]) -> None:
    """Do not begin again what has ended another process."""
    _WATCHED.crashes.update(crashes)


@contextlib.contextmanager
def doing(activity: Activity) -> Iterator[None]:
    """Something that native code may end begins here, and ends with the block.

    Raises:
        ProcessEnded: The same has ended another process of this session.
    """
    board = _WATCHED.board
    if board is None:
        yield
        return
    crash = _WATCHED.crashes.get(activity.key)
    if crash is not None:
        raise ended_before(crash)
    token = board.begin(activity)
    try:
        yield
    finally:
        board.end(token)


def using(file: Path | None, step: str) -> contextlib.AbstractContextManager[None]:
    """As `doing`, for one use of a model file: loading it, or one run of it.

    Args:
        file: None where the model was never a file; then this does nothing.
        step: ``load`` or ``run``.
    """
    if file is None:
        return contextlib.nullcontext()
    # Called for each image, also in processes that are not watched.
    if _WATCHED.board is None:
        return contextlib.nullcontext()
    return doing(_use(str(file), step))


@functools.lru_cache(maxsize=16)
def _use(path: str, step: str) -> Activity:
    return Activity(step, path, file=path, is_short=True)


def alive() -> None:
    """Give a sign of life: one more image is done."""
    if _WATCHED.board is not None:
        _WATCHED.board.alive()
