"""What a child process sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# No result is as large; a length beyond it was written by something else.
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Returned:
    """The work is done.

    Args:
        value: What came of it.
    """

    value: Any


@dataclass(frozen=True)
class Raised:
    """The work ended in an error.

    Args:
        error: As it was raised, with the child's trace as a note.
    """

    error: BaseException


@dataclass(frozen=True)
class Note:
    """Something to know while the work goes on.

    Args:
        value: For whoever handed out the work.
    """

    value: Any


@dataclass(frozen=True)
class Ready:
    """The process has started, and can be given work."""


@dataclass(frozen=True)
class Garbage:
    """Bytes that are no message."""


Message = Returned | Raised | Note | Ready | Garbage
