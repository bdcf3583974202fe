"""Memory shared by a process and the one that watches it: what it is at, and signs of life.

It outlives the process, whatever ends that: a pipe would lose what was not yet sent, and a
message for each image would cost more than some images do.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import struct
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

_BYTES = 1 << 16
# Signs of life; which half is valid; bytes in it.
_HEADER = struct.Struct("<QII")
_HALF = (_BYTES - _HEADER.size) // 2


@dataclass(frozen=True)
class Activity:
    """Something that native code does for this process.

    Args:
        step: For people: ``convert int8``, ``run``.
        key: What it is the same as in another process: a product's folder, a model file.
        stage: Of the step; empty for the use of a file.
        file: Path of the file that native code is given; empty where there is none.
        is_short: One image or less: a sign of life is expected sooner.
        awaits: Key of what another process is at and this one waits for; empty where it does not.
    """

    step: str
    key: str
    stage: str = ""
    file: str = ""
    is_short: bool = False
    awaits: str = ""


class Board:
    """Activities of a process that have begun and not ended, in shared memory.

    Args:
        path: A file that both processes map; made if it is not there. None: memory that a
            forked child shares.

    Raises:
        OSError: The file cannot be made, or has no room.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._memory = mmap.mmap(-1, _BYTES)
        else:
            with path.open("a+b") as file:
                # Memory of a file that has no room on its disk ends the process that writes there.
                os.posix_fallocate(file.fileno(), 0, _BYTES)
                self._memory = mmap.mmap(file.fileno(), _BYTES)
        self._lock = threading.Lock()
        self._open: dict[object, bytes] = {}
        self._signs = 0
        self._half = 0

    def begin(self, activity: Activity) -> object:
        """Write down that something begins; returns what `end` takes."""
        token = object()
        text = _text(activity)
        with self._lock:
            self._open[token] = text
            self._write()
        return token

    def end(self, token: object) -> None:
        """Write down that it has ended."""
        with self._lock:
            self._open.pop(token, None)
            self._write()

    def alive(self) -> None:
        """Give a sign of life."""
        with self._lock:
            self._signs += 1
            self._memory[:8] = struct.pack("<Q", self._signs)

    def signs(self) -> int:
        """How many signs of life there were, beginnings and ends among them."""
        signs: int = _HEADER.unpack_from(self._memory)[0]
        return signs

    def activities(self) -> tuple[Activity, ...]:
        """What had begun and not ended, the latest last; empty where it cannot be read."""
        _, half, length = _HEADER.unpack_from(self._memory)
        if half not in (0, 1) or length > _HALF:
            return ()
        start = _HEADER.size + half * _HALF
        try:
            found = json.loads(self._memory[start : start + length] or b"[]")
            return tuple(Activity(**each) for each in found)
        except (ValueError, TypeError):
            # The process may have written where it should not have, and died of it.
            return ()

    def clear(self) -> None:
        """Forget all activities: the next process begins."""
        with self._lock:
            self._open.clear()
            self._write()

    def _write(self) -> None:
        # The other half, then the header: a process may end between any two bytes.
        text = b"[" + b",".join(self._open.values()) + b"]"
        if len(text) > _HALF:
            text = b"[" + next(reversed(self._open.values()))[: _HALF - 2] + b"]"
        self._half = 1 - self._half
        start = _HEADER.size + self._half * _HALF
        self._memory[start : start + len(text)] = text
        self._signs += 1
        self._memory[: _HEADER.size] = _HEADER.pack(self._signs, self._half, len(text))


@functools.lru_cache(maxsize=16)
def _text(activity: Activity) -> bytes:
    """One activity is begun for each of many images."""
    return json.dumps(asdict(activity)).encode()
