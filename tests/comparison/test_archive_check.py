"""An archive holds an inference graph, or nothing can be made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from validation.comparison.archive_parts import check_archive
from validation.policy.limits import Status
from validation.record.types import ModelKey
from validation.zoo.archives import Archive
from validation.zoo.entry import CatalogueEntry, FolderSource
from validation.zoo.integrity import Digest

_ROOT = Path("archive")
_DIGEST = Digest("a" * 64, 10)
_KEY = ModelKey("m", "float")


def _archive(digest: Digest | None = None, **files: Any) -> Archive:
    entry = CatalogueEntry("m", "zoo", FolderSource(_ROOT), digest)
    paths = {name: _ROOT / path for name, path in files.items()}
    return Archive(entry=entry, root=_ROOT, source=_DIGEST, **paths)


@pytest.mark.parametrize(
    "files",
    [
        {"frozen_graph": "frozen_inference_graph.pb"},
        {"meta_graph": "model.ckpt.meta", "checkpoint_prefix": "model.ckpt"},
        {"checkpoint_prefix": "model.ckpt", "pipeline_config": "pipeline.config"},
        {"tflite_graph": "tflite_graph.pb"},
    ],
)
def test_whole_archive_passes(files: dict[str, Any]) -> None:
    """A frozen graph, a checkpoint with its .meta or config, or a shipped export."""
    result = check_archive(_archive(**files), _KEY)
    assert result.status is Status.PASS
    assert (result.check, result.where, result.message) == ("archive", "archive", "")


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"pipeline_config": "pipeline.config"},
        {"meta_graph": "model.ckpt.meta"},
        {"checkpoint_prefix": "model.ckpt"},
    ],
)
def test_archive_without_a_graph_fails(files: dict[str, Any]) -> None:
    """Half of what an export needs is not enough, and the message says what lacks."""
    result = check_archive(_archive(**files), _KEY)
    assert result.status is Status.FAIL
    assert result.message == (
        "the archive lacks frozen_inference_graph.pb, a checkpoint with model.ckpt.meta or "
        "pipeline.config, or tflite_graph.pb"
    )


def test_what_is_reported() -> None:
    """Hash, size, and whether the catalogue vouches for them."""
    values = {one.name: one.value for one in check_archive(_archive(), _KEY).measures}
    assert values == {
        "exportable": False,
        "pinned_by_catalogue": False,
        "sha256": "a" * 64,
        "size_bytes": 10,
        "pipeline_config": False,
        "checkpoint": False,
    }
    pinned = check_archive(_archive(_DIGEST, pipeline_config="pipeline.config"), _KEY)
    values = {one.name: one.value for one in pinned.measures}
    assert values["pinned_by_catalogue"] is True
    assert values["pipeline_config"] is True
