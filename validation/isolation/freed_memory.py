"""Memory that is not needed any more: kept for the next use, or given back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from collections.abc import Iterator
from typing import Any

# mallopt(3); glibc takes no larger threshold for maps.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MAP, _KEPT_BYTES = 32 << 20, 128 << 20
# Weights are larger, what is made of a graph besides is smaller.
SMALL_MAP_BYTES = 256 << 10

# What was set last; before that glibc raises the first with what is freed, up to its largest.
_set = (_LARGEST_MAP, _KEPT_BYTES)


def keep_freed_memory() -> None:
    """Have the allocator keep what an image took for the next one, up to 128 MiB.

    It would give it back to the system, which fills every page with zeros anew: of an image of
    640 x 480 pixels that costs more than its resize.
    """
    set_thresholds(_LARGEST_MAP, _KEPT_BYTES)


def set_thresholds(map_bytes: int, trim_bytes: int) -> None:
    """Set what the allocator gives back; nothing is done where there is no glibc.

    Args:
        map_bytes: Pieces from this size on are mapped by themselves, and given back when freed.
        trim_bytes: What may be free at the end of its own memory before it is given back.
    """
    global _set
    _set = (map_bytes, trim_bytes)
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, map_bytes)
        mallopt(_M_TRIM_THRESHOLD, trim_bytes)


@contextlib.contextmanager
def pieces_mapped() -> Iterator[None]:
    """Have all but small pieces given back as soon as they are freed, while a block runs.

    For what makes copy after copy of the weights of a model and computes little in between: freed
    weights of 1 MB otherwise stay behind between others, 0.6 GB of a ResNet-101.
    """
    map_bytes, trim_bytes = _set
    set_thresholds(SMALL_MAP_BYTES, trim_bytes)
    try:
        yield
    finally:
        set_thresholds(map_bytes, trim_bytes)


def give_back_freed() -> None:
    """Return free memory to the system; nothing is done where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def drop_pages(array: Any) -> None:
    """Give back the pages of an array that is a mapped file; they are read again where it is used.

    Args:
        array: Of NumPy; nothing is done with one that is no view of a file.
    """
    while array is not None:
        mapped = getattr(array, "_mmap", None)
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)
            return
        array = getattr(array, "base", None)
