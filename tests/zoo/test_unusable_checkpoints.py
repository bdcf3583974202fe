"""What is said of checkpoints that cannot be used; see test_layout for those that can."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.errors import ArtefactMissing
from validation.zoo.layout import unusable_checkpoints

_TF2 = (
    "checkpoint/ holds an object-based checkpoint of TensorFlow 2: "
    "export it with the TensorFlow 2 OD API"
)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ()),
        (["model.ckpt.meta", "pipeline.config", "checkpoint", "words.index"], ()),
        (["m.ckpt.index"], ("half a checkpoint: m.ckpt lacks m.ckpt.data-*",)),
        (["m.ckpt.data-00000-of-00001"], ("half a checkpoint: m.ckpt lacks m.ckpt.index",)),
        (
            ["m.ckpt.index", "m.ckpt.data-00001-of-00002"],
            ("half a checkpoint: m.ckpt lacks m.ckpt.data-00000-of-00002",),
        ),
        (
            ["m.ckpt.index", "m.ckpt.data-00000-of-00000"],
            ("half a checkpoint: m.ckpt lacks m.ckpt.data-*",),
        ),
        (
            ["m.ckpt-1.index", "m.ckpt-2.data-00000-of-00001"],
            (
                "half a checkpoint: m.ckpt-1 lacks m.ckpt-1.data-*",
                "half a checkpoint: m.ckpt-2 lacks m.ckpt-2.index",
            ),
        ),
        (["checkpoint/ckpt-0.index", "checkpoint/ckpt-0.data-00000-of-00001"], (_TF2,)),
        (["checkpoint/words.txt"], ()),
    ],
)
def test_clause_for_each(tmp_path: Path, names: list[str], told: tuple[str, ...]) -> None:
    """Which file is missing of which checkpoint, or that TensorFlow 2 wrote it."""
    _make(tmp_path, *names)
    assert unusable_checkpoints(tmp_path) == told


def test_whole_checkpoint_silences_the_rest(tmp_path: Path) -> None:
    """What training was interrupted at is of no interest beside a checkpoint to use."""
    _make(tmp_path, "m.ckpt-1.index", "m.ckpt-1.data-00000-of-00001", "m.ckpt-2.index")
    assert unusable_checkpoints(tmp_path) == ()


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """As everywhere in the layout."""
    with pytest.raises(ArtefactMissing, match="cannot be listed"):
        unusable_checkpoints(tmp_path / "none")


def _make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
