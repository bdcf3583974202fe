"""Group synthetic: archives made of a config and names."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_ssd

from validation.errors import UsageError
from validation.export.archive_writer import PREFIX
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint
from validation.export.exported import ExportOptions
from validation.export.from_checkpoint import export_from_checkpoint
from validation.graphs.restore import AVERAGE
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import SyntheticModel, load_synthetic, pipeline_text
from validation.record.run import Step
from validation.workspace import synthetic
from validation.workspace.products import ProductCache
from validation.workspace.synthetic import synthetic_archive, synthetic_entries


def test_every_family_is_in_the_group() -> None:
    """At full size, under the zoo's names, quantised ones among them."""
    entries = synthetic_entries()
    models = load_synthetic()
    configs = {e.name: parse_pipeline(pipeline_text(models[e.name]), e.name) for e in entries}
    assert len(entries) >= 25
    assert len([name for name, config in configs.items() if config.is_quantized]) >= 6
    left_out = set(models) - set(configs)
    assert all(name.startswith("spaghettinet") for name in left_out)


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
        archive = synthetic_archive(entry, ProductCache(tmp_path / "work", steps.append), tmp_path)
    assert [(step.step, step.cached) for step in steps] == [
        ("synthesise", False),
        ("synthesise", True),
    ]
    assert archive.frozen_graph is not None
    assert archive.meta_graph is not None
    assert archive.checkpoint_prefix is not None
    assert archive.pipeline_config is not None
    assert archive.entry.origin.startswith("made by this harness")


def test_averages_are_written_where_the_config_asks(tmp_path: Path) -> None:
    """A checkpoint of a model trained with moving averages holds them, and exports."""
    text = small_ssd.TEXT + "eval_config { use_moving_averages: true }\n"
    archive = small_ssd.write_small_archive(tmp_path / "small", text)
    prefix = archive / PREFIX
    averaged = [name for name in checkpoint_shapes(prefix) if name.endswith(AVERAGE)]
    assert averaged
    assert not [name for name in averaged if "moving_" in name]
    export = export_from_checkpoint(
        small_ssd.config(text), prefix, open_checkpoint(prefix), ExportOptions()
    )
    assert export.contract.num_classes == 3
