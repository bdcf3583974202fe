"""Archives are looked through for .tflite files, and what had changed in the cache is said."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from other_kinds import KINDS, write_kind
from zoo_archives import entries_at

from validation.errors import ConversionError
from validation.record.run import Stage, Step
from validation.specs.references import ReferenceKind
from validation.workspace.candidates import candidate_of, found_candidates

# Two tables that an SSD could end in: which anchors and classes, the reference says.
_LIKE_AN_SSD = {"raw_ssd", "raw_ssd_squeezed", "efficientdet_mediapipe"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_session_begins_over_a_file_of_another_kind(tmp_path: Path, kind: str) -> None:
    """It would fail each of its checks by the same sentence."""
    path = write_kind(tmp_path / "m.tflite", kind)
    if kind in _LIKE_AN_SSD:
        key = candidate_of("model", path, path.name, ReferenceKind.GRAPH).key
        assert key.variant == "raw"
        return
    with pytest.raises(ConversionError, match=r"the file (seems|gives|has) ") as refused:
        candidate_of("model", path, path.name, ReferenceKind.GRAPH)
    assert refused.value.where == path.name


def test_damage_that_is_found_on_the_way_is_said(tmp_path: Path) -> None:
    """The archive is whole again when its own check reads it, which would not notice it."""
    zoo, cache = tmp_path / "zoo", tmp_path / "cache"
    zoo.mkdir()
    model = tmp_path / "ssd_tiny"
    model.mkdir()
    for name in ("pipeline.config", "frozen_inference_graph.pb"):
        (model / name).write_bytes(b"model {}")
    with tarfile.open(zoo / "ssd_tiny.tar.gz", "w:gz") as archive:
        archive.add(model, "ssd_tiny")
    steps: list[Step] = []
    entries = entries_at(zoo)
    assert found_candidates(entries, cache, (), steps.append) == ((), ())
    assert steps == []
    (config,) = cache.rglob("pipeline.config")
    config.write_bytes(b"model []")
    found_candidates(entries, cache, (), steps.append)
    (step,) = steps
    assert (step.model, step.stage, step.damaged) == (
        "ssd_tiny",
        Stage.FETCH,
        "ssd_tiny/pipeline.config",
    )
    assert config.read_bytes() == b"model {}"
