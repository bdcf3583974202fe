"""What a checkpoint prefix is, checked before TensorFlow is loaded."""

from __future__ import annotations

from pathlib import Path

from validation.errors import ArtefactMissing


def check_prefix(prefix: Path) -> None:
    """The prefix names a checkpoint: ``<prefix>.index`` stands beside it.

    Args:
        prefix: Path without .index, .meta or .data-*, for example ``.../model.ckpt``.

    Raises:
        ArtefactMissing: A suffix was left on it, or there is no such checkpoint.
    """
    name = prefix.name
    stem = name.partition(".data-")[0].removesuffix(".index").removesuffix(".meta")
    if stem != name:
        raise ArtefactMissing(
            "a checkpoint prefix ends before .index, .meta and .data-*",
            expected=stem,
            got=name,
            where=prefix.parent,
        )
    if prefix.with_name(f"{name}.index").is_file():
        return
    is_folder = prefix.is_dir()
    folder = prefix if is_folder else prefix.parent
    present = sorted(path.name for path in folder.glob("*.index"))
    raise ArtefactMissing(
        "a folder is no checkpoint prefix" if is_folder else "no checkpoint with this prefix",
        expected="a prefix inside it" if is_folder else f"{name}.index",
        got=", ".join(present) or "no .index file",
        where=folder,
        next_step=f"give {folder / present[-1].removesuffix('.index')}" if present else None,
    )
