"""A checkpoint prefix is checked before TensorFlow is loaded."""

import os

import pytest

from validation.errors import ArtefactMissing, GraphError
from validation.export.checkpoint import check_prefix


def test_prefix_of_a_checkpoint_passes(tmp_path):
    """Only the index must stand there; steps and dots in the name are allowed."""
    (tmp_path / "model.v2.ckpt-1000.index").write_bytes(b"")
    check_prefix(tmp_path / "model.v2.ckpt-1000")


@pytest.mark.parametrize(
    "suffix", [".index", ".meta", ".data-00000-of-00001", ".data-00001-of-00002"]
)
def test_suffix_is_told_even_where_the_file_is(tmp_path, suffix):
    """The file exists, and so the user believes it right."""
    name = f"model.ckpt{suffix}"
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ArtefactMissing, match=rf"ends before.*expected model.ckpt, got {name}"):
        check_prefix(tmp_path / name)


def test_prefix_without_index_is_no_checkpoint(tmp_path):
    """The name that was looked for is reported."""
    with pytest.raises(ArtefactMissing, match=r"no checkpoint with this prefix.*nope.index"):
        check_prefix(tmp_path / "nope")


def test_fifo_instead_of_a_shard_is_not_waited_for(tmp_path):
    """TensorFlow would open it, and never come back."""
    (tmp_path / "model.ckpt.index").write_bytes(b"")
    os.mkfifo(tmp_path / "model.ckpt.data-00000-of-00001")
    with pytest.raises(GraphError, match=r"cannot be opened .*data-00000.*got a FIFO"):
        check_prefix(tmp_path / "model.ckpt")
