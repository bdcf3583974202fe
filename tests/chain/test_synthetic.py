"""Group synthetic: archives made of a config and names."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_ssd

from validation.chain import synthetic
from validation.chain.synthetic import synthetic_archive, synthetic_entries
from validation.chain.work import Work
from validation.errors import UsageError
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import SyntheticModel, load_synthetic, pipeline_text
from validation.records import Step


def test_every_float_family_is_in_the_group() -> None:
    """At full size, under the zoo's names, and nothing that would be built as another model."""
    entries = synthetic_entries()
    models = load_synthetic()
    configs = {e.name: parse_pipeline(pipeline_text(models[e.name]), e.name) for e in entries}
    assert len(entries) >= 20
    assert not [name for name, config in configs.items() if config.is_quantized]
    left_out = set(models) - set(configs)
    assert all("quant" in name or name.startswith("spaghettinet") for name in left_out)


def test_selection_by_name() -> None:
    """A glob narrows the group; one that matches nothing says what there is."""
    assert [e.name for e in synthetic_entries("ssd_inception_v2_coco")] == ["ssd_inception_v2_coco"]
    with pytest.raises(UsageError, match=r"no model of synthetic matches 'x\*'.*ssd_mobilenet_v1"):
        synthetic_entries("x*")


def test_archive_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole archive in the zoo's layout, from then on taken out of the work folder."""
    name = "ssd_mobilenet_v1_coco"
    monkeypatch.setattr(synthetic, "load_synthetic", lambda: {name: SyntheticModel(name, {})})
    monkeypatch.setattr(synthetic, "pipeline_text", lambda _: small_ssd.TEXT)
    (entry,) = synthetic_entries(name)
    steps: list[Step] = []
    for _ in range(2):
        archive = synthetic_archive(entry, Work(tmp_path / "work", steps.append), tmp_path)
    assert [(step.step, step.cached) for step in steps] == [
        ("synthesise", False),
        ("synthesise", True),
    ]
    assert archive.frozen_graph is not None
    assert archive.meta_graph is not None
    assert archive.checkpoint_prefix is not None
    assert archive.pipeline_config is not None
    assert archive.entry.origin.startswith("made by this harness")
