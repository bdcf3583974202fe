"""The files of a data set in parts: one, several, a pattern, or a numbered set."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from validation.coco.found import is_file
from validation.errors import DatasetError, first_few
from validation.record.plurals import plural

# TensorFlow's notation of a numbered set: name@10, or name-?????-of-00010.
_COUNT = re.compile(r"(?P<stem>.+)@(?P<count>\d{1,5})")
_MAGIC = "*?["
_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>.*)")


def matching_files(path: Path) -> tuple[Path, ...]:
    """The files that a path names, in order of their names; none where there are none.

    Args:
        path: A file, a pattern of `glob`, `name@N`, or several of these with commas between.
    """
    if is_file(path):
        return (path,)
    text = str(path)
    if counted := _COUNT.fullmatch(path.name):
        name = glob.escape(counted["stem"])
        return _matching(path.parent, f"{name}-?????-of-{int(counted['count']):05d}")
    if "," in text:
        parts = [matching_files(Path(part.strip())) for part in text.split(",") if part.strip()]
        return tuple(file for part in parts for file in part) if all(parts) else ()
    magic = [number for number, part in enumerate(path.parts) if set(part) & set(_MAGIC)]
    if magic:
        first = magic[0]
        return _matching(Path(*path.parts[:first]), "/".join(path.parts[first:]))
    return ()


def _matching(folder: Path, pattern: str) -> tuple[Path, ...]:
    """The files below a folder that match a pattern, in order of their names."""
    return tuple(sorted(each for each in folder.glob(pattern) if is_file(each)))


def refuse_missing_shards(files: tuple[Path, ...], where: Path) -> None:
    """Nothing, where every part of each numbered set is among the files.

    Raises:
        DatasetError: Some are not; those that lie beside the others are offered.
    """
    named = {file.name for file in files}
    wanted: dict[str, Path] = {}
    for file in files:
        if shard := _SHARD.fullmatch(file.name):
            total = int(shard["count"])
            for number in range(total):
                name = f"{shard['stem']}-{number:05d}-of-{total:05d}{shard['suffix']}"
                wanted[name] = file
    missing = [name for name in wanted if name not in named]
    if not missing:
        return
    file = wanted[missing[0]]
    shard = _SHARD.fullmatch(file.name)
    pattern = all_shards(file.parent, shard["stem"]) if shard else None
    are_here = pattern and all(is_file(wanted[name].parent / name) for name in missing)
    raise DatasetError(
        f"{plural(len(missing), 'part')} of the TFRecords missing",
        expected="every part of a set that counts its parts",
        got=f"no {first_few(missing)}",
        where=where,
        next_step=f"name all of them: --coco-annotations='{pattern}'"
        if are_here
        else "fetch the others, or name those that are to be used without -of- in their names",
    )


def all_shards(folder: Path, stem: str) -> Path | None:
    """The pattern of the only numbered set of a name in a folder; None where there is none."""
    counts = {
        shard["count"]
        for each in folder.glob(f"{glob.escape(stem)}-?????-of-?????")
        if (shard := _SHARD.fullmatch(each.name))
    }
    return folder / f"{stem}-?????-of-{counts.pop()}" if len(counts) == 1 else None


def one_group(files: tuple[Path, ...], folder: Path) -> tuple[Path, ...]:
    """The files of one set: those for evaluation, where there are several sets in a folder.

    Raises:
        DatasetError: There are several, and their names do not say which one is for evaluation.
    """
    groups: dict[str, list[Path]] = {}
    for file in files:
        shard = _SHARD.fullmatch(file.name)
        groups.setdefault(shard["stem"] if shard else file.name, []).append(file)
    for words in ({"val", "valid", "validation", "eval"}, {"test", "testing"}):
        chosen = [name for name in groups if words & set(re.split(r"[\W_\d]+", name.lower()))]
        if len(chosen) == 1:
            return tuple(groups[chosen[0]])
    if len(groups) == 1:
        return files
    raise DatasetError(
        "the folder holds several sets of TFRecords",
        expected="one that is called val or test",
        got=first_few(groups),
        where=folder,
        next_step=f"name one: --coco-annotations={files[0]}",
    )


def is_pattern(path: Path) -> bool:
    """True where a path that is not there may name files in another way."""
    text = os.fspath(path)
    return any(sign in text for sign in _MAGIC + ",") or _COUNT.fullmatch(text) is not None
