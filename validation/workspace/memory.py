"""Memory that is free but kept: the habit of allocators, and how they are broken of it.

And what is searched in vain for free memory, which costs time.
"""

from __future__ import annotations

import contextlib
import gc
import os
from pathlib import Path

from validation.isolation.freed_memory import give_back_freed, set_thresholds

# Below this nothing is gained that would be worth the fraction of a second.
_WORTH_BYTES = 2 * 10**9
# Of what something is made from that takes several times as much on the way.
_LARGE_BYTES = 100 * 2**20
# Pieces as large as this are given back when they are freed: most weights, and few activations.
_OWN_MAPPING_BYTES = 4 * 2**20
_TRIM_BYTES = 64 * 2**20
_THREADS = "TF_NUM_INTRAOP_THREADS"
_STATUS = Path("/proc/self/statm")
_PAGE_BYTES = 4096
# Python's own are 700, 10 and 10.
_COLLECT_AFTER = (100_000, 5, 2)


def without_pools() -> None:
    """Have TensorFlow compute without oneDNN and with one thread an op, unless the user asks.

    oneDNN's allocator keeps what it ever held: 2.6 GB after one ResNet-101 of 601 classes, on top
    of which the next model is made. With another number of threads Eigen adds up in another order,
    so that an inference graph's last bits would depend on the machine's cores; several images at a
    time use these as well, a quarter faster. TensorFlow's pool is of the process and not of a
    session, so that only the environment decides. To be called before TensorFlow is imported.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault(_THREADS, "1")


def threads_of_an_op() -> str:
    """How many threads TensorFlow computes an op with: the last bits of graphs depend on it."""
    return os.environ.get(_THREADS) or f"{os.cpu_count()} cores"


def map_large_pieces() -> None:
    """Have the allocator give large pieces back as soon as they are freed.

    glibc raises the size from which it does so to that of the largest piece freed, up to 32 MB. The
    weights of a ResNet-101, which each copy of a graph has as pieces of some MB, then stay behind
    between others: a session took 3.9 GB instead of 3.1 GB, a conversion 4.8 GB instead of 3.2 GB.
    Elsewhere than on glibc nothing happens.
    """
    set_thresholds(_OWN_MAPPING_BYTES, _TRIM_BYTES)


def make_room(file: Path | None) -> None:
    """Return free memory to the system before something is made from a large file.

    Args:
        file: What it is made from; None: nothing is done.
    """
    if file is None:
        return
    with contextlib.suppress(OSError):
        if file.stat().st_size >= _LARGE_BYTES:
            _trim()


def collect_seldom() -> None:
    """Have Python look for garbage less often; a tenth of the time that most commands take.

    TensorFlow's modules, and each graph with some 200,000 containers, live long: by default the
    collector walks all of them several times for each graph. To be called before TensorFlow is
    imported.
    """
    gc.set_threshold(*_COLLECT_AFTER)


def give_back() -> None:
    """Return free memory to the system.

    Graphs are made of many small pieces: glibc keeps them after they are freed, 2 GB after one
    ResNet-101, and a worker that makes one model after the other would only ever grow.
    Elsewhere than on glibc nothing happens.
    """
    if _resident_bytes() >= _WORTH_BYTES:
        _trim()


def _trim() -> None:
    gc.collect()
    give_back_freed()


def _resident_bytes() -> int:
    try:
        return int(_STATUS.read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
