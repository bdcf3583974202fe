"""How long the steps from archive to .tflite take, after imports: ``pytest benchmarks/``.

Measured, never asserted: machines differ. ssd_mobilenet_v1_coco at full size, weights
seeded by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.archive_writer import PREFIX, write_archive
from validation.export.checkpoint import open_checkpoint
from validation.export.detector_weights import detector_weights
from validation.export.exported import ExportOptions
from validation.export.from_checkpoint import export_from_checkpoint
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport, read_graph, write_export
from validation.pipeline.config import load_pipeline, parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text

_MODEL = "ssd_mobilenet_v1_coco"
_ROUNDS = 3


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the model in the zoo's layout."""
    folder = tmp_path_factory.mktemp(_MODEL)
    text = pipeline_text(load_synthetic()[_MODEL])
    write_archive(folder, parse_pipeline(text, _MODEL), text, detector_weights)
    return folder


def _to_tflite(export: GraphExport, folder: Path) -> Path:
    written = write_export(folder, export)
    return convert(written.graph, conversion_of("float"), folder / "float.tflite")


def test_from_frozen_graph_to_tflite(benchmark: Any, archive: Path, tmp_path: Path) -> None:
    """frozen_inference_graph.pb to a float .tflite, all files written."""

    def steps() -> Path:
        graph = read_graph(archive / "frozen_inference_graph.pb")
        return _to_tflite(export_from_graph(graph, ExportOptions()), tmp_path)

    path = benchmark.pedantic(steps, rounds=_ROUNDS)
    assert path.is_file()


def test_from_checkpoint_to_tflite(benchmark: Any, archive: Path, tmp_path: Path) -> None:
    """Checkpoint and pipeline.config to a float .tflite, all files written."""

    def steps() -> Path:
        prefix = archive / PREFIX
        config = load_pipeline(archive / "pipeline.config")
        export = export_from_checkpoint(config, prefix, open_checkpoint(prefix), ExportOptions())
        return _to_tflite(export, tmp_path)

    path = benchmark.pedantic(steps, rounds=_ROUNDS)
    assert path.is_file()
