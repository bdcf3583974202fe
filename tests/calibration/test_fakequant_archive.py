"""A float model and images become an archive that a quantised model of the zoo could be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_ssd
from zoo_archives import QUANTISED_LAYOUT

from validation.calibration.fakequant_archive import (
    CALIBRATION_FILE,
    CalibrationFacts,
    WeightSource,
    quantised_config,
    weights_of_checkpoint,
    weights_of_frozen_graph,
    write_fakequant,
)
from validation.calibration.ranges import RangeMethod
from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.errors import ConfigError, GraphError
from validation.export.archive_writer import PREFIX
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint, write_checkpoint
from validation.export.exported import ExportOptions
from validation.export.fake_quant_reading import fake_quant_facts, read_fake_quant
from validation.export.from_checkpoint import export_from_checkpoint
from validation.export.graph_io import read_graph
from validation.files.structured import structure
from validation.graphs.restore import AVERAGE
from validation.pipeline.config import load_pipeline
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.specs.contracts import Preprocessing

_FACTS = CalibrationFacts("noise", ("a", "b"), 3, RangeMethod.MINMAX)
_AVERAGED = small_ssd.TEXT + "eval_config { use_moving_averages: true }\n"


def _images(preprocessing: Preprocessing) -> Iterator[np.ndarray]:
    draw = np.random.RandomState(3)
    shape = (1, preprocessing.height, preprocessing.width, 3)
    return (draw.uniform(-1, 1, shape).astype(np.float32) for _ in _FACTS.images)


def _write(folder: Path, weights: WeightSource, text: str = small_ssd.TEXT) -> Path:
    folder.mkdir()
    write_fakequant(folder, small_ssd.config(text), text, weights, _images, _FACTS)
    return folder


@pytest.fixture(scope="module")
def source(small_zoo: Path) -> Path:
    """A float archive."""
    return small_zoo / "small"


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quantised archive made of its checkpoint."""
    # Named as the config that it is made of: what reads it again need not build its graph again.
    folder = tmp_path_factory.mktemp("made") / "small"
    return _write(folder, weights_of_checkpoint(source / PREFIX))


def test_layout_is_the_zoos(made: Path) -> None:
    """Checkpoint, .meta, config and both forms of tflite_graph; and how ranges were found."""
    assert sorted(path.name for path in made.iterdir()) == sorted(
        [CALIBRATION_FILE, *QUANTISED_LAYOUT]
    )


def test_calibration_is_told(made: Path) -> None:
    """Images, seed and source, so that none is judged by what it was made with."""
    facts = json.loads((made / CALIBRATION_FILE).read_text())
    assert structure(CalibrationFacts, facts) == _FACTS


def test_weights_are_those_of_the_source(source: Path, made: Path) -> None:
    """Every variable of the float checkpoint keeps its value; only ranges are added."""
    before, after = checkpoint_shapes(source / PREFIX), checkpoint_shapes(made / PREFIX)
    added = set(after) - set(before)
    assert set(before) <= set(after)
    assert {name.rpartition("_")[2] for name in added} == {"quant/min", "quant/max"}
    assert len(added) == 2 * (47 + 47)
    old, new = open_checkpoint(source / PREFIX), open_checkpoint(made / PREFIX)
    for name in before:
        np.testing.assert_array_equal(old(name), new(name))


def test_shipped_graph_is_ready(made: Path) -> None:
    """The lint of what was made has nothing that breaks a conversion."""
    facts = read_fake_quant(made / "tflite_graph.pb")
    result = check_fake_quant(facts, load_policy(), ModelKey("small", "uint8"))
    assert result.status is not Status.FAIL, result.message
    assert (len(facts.activations), len(facts.ranges), len(facts.weights)) == (47, 47, 47)


def test_it_is_exported_like_any_quantised_checkpoint(made: Path) -> None:
    """Its config and its checkpoint fit each other, and give the graph that it ships."""
    config, prefix = load_pipeline(made / "pipeline.config"), made / PREFIX
    assert config.is_quantized
    export = export_from_checkpoint(config, prefix, open_checkpoint(prefix), ExportOptions())
    assert fake_quant_facts(export.graph) == read_fake_quant(made / "tflite_graph.pb")


def test_frozen_graph_gives_the_same(source: Path, made: Path, tmp_path: Path) -> None:
    """Constants of a frozen graph are as good as the checkpoint."""
    frozen = read_graph(source / "frozen_inference_graph.pb")
    again = _write(tmp_path / "archive", weights_of_frozen_graph(frozen))
    first, second = open_checkpoint(made / PREFIX), open_checkpoint(again / PREFIX)
    shapes = checkpoint_shapes(made / PREFIX)
    assert checkpoint_shapes(again / PREFIX) == shapes
    for name in shapes:
        np.testing.assert_array_equal(first(name), second(name))


def test_averages_are_the_weights_where_the_config_says_so(source: Path, tmp_path: Path) -> None:
    """A source with moving averages gives their values, and averages of its own."""
    averaged = tmp_path / "averaged" / PREFIX
    averaged.parent.mkdir()
    values = open_checkpoint(source / PREFIX)
    named = {name: values(name) for name in checkpoint_shapes(source / PREFIX)}
    name = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    named[name + AVERAGE] = named[name] * 2
    write_checkpoint(averaged, named)
    made = _write(tmp_path / "archive", weights_of_checkpoint(averaged), _AVERAGED)
    written = open_checkpoint(made / PREFIX)
    for place in (name, name + AVERAGE):
        np.testing.assert_array_equal(written(place), named[name + AVERAGE])


def test_quantised_source_is_refused() -> None:
    """Its ranges were trained; measuring them again would throw that away."""
    _, text = quantised_config(small_ssd.config(), small_ssd.TEXT)
    with pytest.raises(ConfigError, match=r"describes a quantised model.*line \d+, graph_rewriter"):
        quantised_config(small_ssd.config(text), text)


def test_frozen_graph_of_another_model(source: Path, tmp_path: Path) -> None:
    """Constants that the config's graph has no use for, or wants in another shape."""
    text = small_ssd.TEXT.replace("num_classes: 3", "num_classes: 5")
    frozen = read_graph(source / "frozen_inference_graph.pb")
    with pytest.raises(GraphError, match="variables have another shape"):
        _write(tmp_path / "archive", weights_of_frozen_graph(frozen), text)
    assert not list((tmp_path / "archive").iterdir())


def test_checkpoint_of_another_model(source: Path, tmp_path: Path) -> None:
    """Named as at an export; the ranges that are yet to be found are not missed."""
    text = small_ssd.TEXT.replace("num_classes: 3", "num_classes: 5")
    with pytest.raises(GraphError, match="describe different models") as caught:
        _write(tmp_path / "archive", weights_of_checkpoint(source / PREFIX), text)
    assert "quant" not in str(caught.value)
