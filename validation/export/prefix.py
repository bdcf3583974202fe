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
    if not prefix.with_name(f"{name}.index").is_file():
        raise ArtefactMissing(
            "no checkpoint with this prefix", expected=f"{name}.index", where=prefix.parent
        )
