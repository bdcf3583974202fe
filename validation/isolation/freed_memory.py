"""What the allocator does with memory that is freed: keeps it, or gives it back to the system."""

from __future__ import annotations

import contextlib
import ctypes

# mallopt(3); glibc takes no larger threshold for maps.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MAP, _KEPT_BYTES = 32 << 20, 128 << 20


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
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, map_bytes)
        mallopt(_M_TRIM_THRESHOLD, trim_bytes)
