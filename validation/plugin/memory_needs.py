"""The memory budget of a session, from the sizes of its archives and the memory there is."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

from validation.checks.memory_budget import MemoryBudget
from validation.isolation.available import available_bytes
from validation.workspace.session import Session
from validation.zoo.entry import CatalogueEntry, FolderSource


def budget_of(session: Session) -> MemoryBudget:
    """What the children of a session may take together, and what each model takes of it.

    A model whose size is not known yet, as one that is only made when it is asked for, is taken to
    need all that a child may have.
    """
    policy = session.policy
    available = available_bytes()
    most = policy.setting("process_memory_gib") * 2**30
    base = policy.setting("model_memory_gib") * 2**30
    each = policy.setting("model_memory_for_archive")
    sizes: dict[str, int] = {}
    for entry in session.entries:
        if (size := archive_bytes(entry)) is not None:
            sizes[entry.name] = size
    archives = {entry.name for entry in session.entries}
    for candidate in session.candidates:
        name = candidate.key.model
        # Without an archive the file is all that there is of the model.
        if name in sizes or name not in archives:
            sizes[name] = sizes.get(name, 0) + _file_bytes(candidate.path)
    return MemoryBudget(
        total=math.inf if available is None else available * policy.setting("session_memory_share"),
        needs={name: min(base + each * size, most) for name, size in sizes.items()},
        unknown=most,
    )


def archive_bytes(entry: CatalogueEntry) -> int | None:
    """Size of an archive, packed or unpacked; None where it is not known before it is fetched."""
    if entry.digest is not None:
        return entry.digest.size_bytes
    if not isinstance(entry.source, FolderSource):
        return None
    path = entry.source.path
    if path.is_file():
        return _file_bytes(path)
    if not path.is_dir():
        return None
    return sum(map(_file_bytes, path.rglob("*")))


def _file_bytes(path: Path) -> int:
    """Size of a file; 0 for anything else, and for a file that was removed."""
    with contextlib.suppress(OSError):
        return path.stat().st_size if path.is_file() else 0
    return 0
