"""A disk that takes no more: files that grow beyond a size are refused by the system."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator

# What the system says of it; of a disk that is full it says ENOSPC, from the same calls.
NO_ROOM = "File too large"


@contextlib.contextmanager
def room_for(size_bytes: int) -> Iterator[None]:
    """Let no file of this process become longer while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Python ignores the signal that goes with it.
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
