"""Memory that is freed and soon needed again."""

from __future__ import annotations

import contextlib
import ctypes

# mallopt(3); glibc takes no larger threshold for maps.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MAP, _KEPT_BYTES = 32 << 20, 128 << 20


def keep_freed_memory() -> None:
    """Have the allocator keep what an image took for the next one, up to 128 MiB.

    It would give it back to the system, which fills every page with zeros anew: of an image of
    640 x 480 pixels that costs more than its resize. Nothing is done where there is no glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MAP)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
