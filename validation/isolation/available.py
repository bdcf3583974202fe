"""How much memory may still be taken: of the machine, and of the control groups around us."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
# Of version 2 of control groups, and of version 1 below its own folder.
_FILES = {"": ("memory.max", "memory.current", "inactive_file")} | {
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
}


def available_bytes() -> int | None:
    """What can be taken without swapping; None where the system does not say."""
    found = [each for each in (_of_machine(), _of_group()) if each is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_group() -> int | None:
    """The least that any group around this process has left."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    left: list[int] = []
    for line in lines:
        # 0::/user.slice/a.scope; of version 1: 4:memory:/docker/1234
        _, controllers, path = line.split(":", 2)
        for name in set(controllers.split(",")) & set(_FILES):
            root = _GROUPS / name
            below = PurePosixPath(path.lstrip("/"))
            for folder in (below, *below.parents):
                left += _left_in(root / folder, *_FILES[name])
    return min(left, default=None)


def _left_in(folder: Path, limit: str, usage: str, cache: str) -> list[int]:
    """Nothing where the group has no limit; pages of files that nobody reads are given back."""
    with contextlib.suppress(OSError, ValueError):
        most = int((folder / limit).read_text(encoding="ascii"))
        used = int((folder / usage).read_text(encoding="ascii"))
        stat = _numbers(folder / "memory.stat")
        return [max(most - used + stat.get(cache, 0), 0)]
    return []


def _numbers(file: Path) -> Mapping[str, int]:
    lines = (line.split() for line in file.read_text(encoding="ascii").splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}
