"""What files are called beside each other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path


def short_names(paths: Sequence[Path], taken: Collection[str] = ()) -> dict[Path, str]:
    """Each path by its name, with as many folders as distinguish it from the others."""
    names: dict[Path, str] = {}
    for path in paths:
        for count in range(1, len(path.parts) + 1):
            name = "/".join(path.parts[-count:])
            others = ["/".join(each.parts[-count:]) for each in paths if each != path]
            if name not in others and name not in taken:
                break
        names[path] = name
    return names
