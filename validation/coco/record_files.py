"""The files of a data set in parts: one, several, a pattern, or a numbered set."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

# TensorFlow's notation of a numbered set: name@10, or name-?????-of-00010.
_COUNT = re.compile(r"(?P<stem>.+)@(?P<count>\d{1,5})")
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>.*)")


def matching_files(path: Path) -> tuple[Path, ...]:
    """The files that a path names, in order of their names; none where there are none.

    Args:
        path: A file, a pattern of `glob`, `name@N`, or several of these with commas between.
    """
    if path.is_file():
        return (path,)
    text = str(path)
    if counted := _COUNT.fullmatch(text):
        total = int(counted["count"])
        pattern = f"{glob.escape(counted['stem'])}-?????-of-{total:05d}"
        return tuple(sorted(map(Path, glob.glob(pattern))))
    if any(sign in text for sign in "*?["):
        return tuple(sorted(each for each in map(Path, glob.glob(text)) if each.is_file()))
    if "," in text:
        parts = [matching_files(Path(part.strip())) for part in text.split(",") if part.strip()]
        return tuple(file for part in parts for file in part) if all(parts) else ()
    return ()


def missing_shards(files: tuple[Path, ...]) -> tuple[str, ...]:
    """Names of the parts that are not among the files of a numbered set."""
    named = {file.name for file in files}
    wanted: dict[str, None] = {}
    for file in files:
        if shard := _SHARD.fullmatch(file.name):
            total = int(shard["count"])
            for number in range(total):
                name = f"{shard['stem']}-{number:05d}-of-{total:05d}{shard['suffix']}"
                wanted[name] = None
    return tuple(name for name in wanted if name not in named)


def is_pattern(path: Path) -> bool:
    """True where a path that is not there may name files in another way."""
    text = os.fspath(path)
    return any(sign in text for sign in "*?[,") or _COUNT.fullmatch(text) is not None
