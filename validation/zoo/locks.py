"""Locks between processes: who waits for another says so, and does not wait for ever.

The system frees a lock when its holder ends, however that ends. A holder that is stopped or
stuck keeps it: the user sees which process is waited for, and the wait ends after a time limit.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from validation.errors import ArtefactError
from validation.isolation.activity import alive, doing
from validation.isolation.board import Activity
from validation.isolation.processes import command_of, cpu_ticks, is_stopped, lock_holder
from validation.policy.load import Policy, load_policy

_TRY_SECONDS = 0.05
# Between two looks at what the holder does.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class LockLimits:
    """How long a process waits for a lock.

    Args:
        notice_seconds: Until the user is informed.
        idle_seconds: For a holder that does nothing.
        most_seconds: For any.
    """

    notice_seconds: float
    idle_seconds: float
    most_seconds: float

    @classmethod
    def of(cls, policy: Policy) -> LockLimits:
        """As a policy sets them."""
        return cls(
            notice_seconds=policy.setting("lock_notice_seconds"),
            idle_seconds=policy.setting("lock_idle_seconds"),
            most_seconds=policy.setting("lock_seconds"),
        )


@dataclass
class _Process:
    """What holds for all locks of this process."""

    limits: LockLimits | None = None
    say: Callable[[str], object] | None = None
    # Holders that did nothing for too long, with what they had done by then: while they do no
    # more, none of their other locks is waited for.
    stuck: dict[int, int] = field(default_factory=dict)


_PROCESS = _Process()


def set_waiting(policy: Policy | None = None, say: Callable[[str], object] | None = None) -> None:
    """Say how long this process waits, and where it says for what.

    Args:
        policy: None: the built-in one.
        say: Takes one line; None: it goes to standard error.
    """
    _PROCESS.limits = None if policy is None else LockLimits.of(policy)
    _PROCESS.say = say


@contextlib.contextmanager
def held(file: Path, what: str) -> Iterator[None]:
    """Hold a lock for a block.

    Args:
        file: The lock's own file, made if it is not there; its folder is.
        what: What is made or read meanwhile, for people.

    Raises:
        ArtefactError: Another process holds it and does nothing, or holds it for too long.
        OSError: The file cannot be written.
    """
    lock = FileLock(file)
    if not _taken(lock):
        # Its holder is at what the lock is named after.
        awaits = str(file.with_suffix(""))
        with doing(Activity(f"wait for {what}", f"lock {file}", awaits=awaits)):
            _wait(lock, file, what)
    try:
        yield
    finally:
        lock.release()


def _taken(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _wait(lock: FileLock, file: Path, what: str) -> None:
    limits = _PROCESS.limits or LockLimits.of(load_policy())
    began = looked = active = time.monotonic()
    holder: int | None = None
    ticks: int | None = None
    said = False
    while not _taken(lock):
        # Whoever watches this process sees that it is not the one that is stuck.
        alive()
        now = time.monotonic()
        if now - looked >= _LOOK_SECONDS or holder is None:
            looked, (former, before) = now, (holder, ticks)
            holder = lock_holder(file)
            ticks = None if holder is None else cpu_ticks(holder)
            if ticks is None or (holder, ticks) != (former, before):
                active = now
        if not said and now - began >= limits.notice_seconds:
            said = True
            _say(f"waiting for {what}: {file} is held by {_named(holder)}")
        is_stuck = holder is not None and ticks is not None and _PROCESS.stuck.get(holder) == ticks
        if is_stuck or now - active >= limits.idle_seconds:
            if holder is not None and ticks is not None:
                _PROCESS.stuck[holder] = ticks
            since = "since it was last waited for" if is_stuck else f"for {now - active:.0f} s"
            raise _held(file, what, holder, f"nothing done {since}")
        if now - began >= limits.most_seconds:
            raise _held(file, what, holder, f"held for {now - began:.0f} s")
        time.sleep(_TRY_SECONDS)


def _say(line: str) -> None:
    if _PROCESS.say is not None:
        _PROCESS.say(line)
    else:
        sys.stderr.write(f"validation: {line}\n")
        sys.stderr.flush()


def _named(holder: int | None) -> str:
    if holder is None:
        return "another process"
    if holder == os.getpid():
        return "this process itself"
    stopped = ", which is stopped" if is_stopped(holder) else ""
    command = command_of(holder)
    return f"process {holder}" + (f" ({command})" if command else "") + stopped


def _held(file: Path, what: str, holder: int | None, how: str) -> ArtefactError:
    if holder is None:
        step = "end the process that holds it, and run again"
    else:
        step = f"end process {holder}"
        step += f", or continue it (kill -CONT {holder})" if is_stopped(holder) else ""
        step += ", and run again"
    return ArtefactError(
        f"{what}: the lock is held by {_named(holder)}", got=how, where=file, next_step=step
    )
