"""Rewritten graphs against the zoo's quantised archives, see tests/data/quantised.

The .meta graphs are the zoo's and not part of this repository; see tests/data/golden/README.md.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from zoo_archives import archive_variables, zoo_archive

from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import freeze, prune
from validation.export.from_checkpoint import body_graph, export_of_body, model_variables
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport, read_graph
from validation.graphs.mismatch import Described
from validation.graphs.quant.layers import variable_of
from validation.graphs.quant.options import Sums, sums_of
from validation.graphs.restore import AVERAGE, plan_restore
from validation.graphs.seeded import seeded_value
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME

_META = "model.ckpt.meta"
_ROOT = Path(__file__).parents[3]
_DATA = _ROOT / "tests" / "data" / "quantised"
_RAW = [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME]

# Archive -> the project's own config of that model.
_V1 = "ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18"
_V1_NARROW = "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync_2018_07_18"
_V2 = "ssd_mobilenet_v2_quantized_300x300_coco_2019_01_03"
_MODELS = {
    _V1: _V1,
    _V1_NARROW: "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync",
    _V2: "ssd_mobilenet_v2_quantized_300x300_coco",
}
_WITH_META = (_V1, _V1_NARROW)
# Seeded ranges of the heads are -6 to 6; a sigmoid is steepest at a quarter.
_STEP = 12 / 255
_STEPS = {BOX_ENCODINGS_NAME: _STEP, CLASS_PREDICTIONS_NAME: _STEP / 4}


def _rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (_DATA / name).read_text().splitlines()]


def _checkpoint(name: str) -> dict[str, tuple[int, ...]]:
    return {key: tuple(json.loads(shape)) for key, shape in _rows(f"{name}.variables.tsv")}


@cache
def _built(name: str) -> BuiltSsd:
    config = parse_pipeline(pipeline_text(load_synthetic()[_MODELS[name]]), name)
    return build(config, with_initializers=False)


def _plan(name: str, *, use_moving_averages: bool) -> dict[str, str]:
    return plan_restore(
        model_variables(_built(name)),
        _checkpoint(name),
        use_moving_averages=use_moving_averages,
        config=Described(90),
        where=name,
    )


@pytest.mark.parametrize("name", _WITH_META)
def test_variables_are_the_checkpoints(name: str) -> None:
    """Exactly, in name and shape: 388 with global_step."""
    found = {**model_variables(_built(name)), "global_step": ()}
    assert len(found) == 388
    assert found == _checkpoint(name)


@pytest.mark.parametrize("name", _MODELS)
def test_variables_are_in_the_archives_checkpoint(name: str) -> None:
    """Every variable of the built graph, under its name and in its shape."""
    checkpoint = archive_variables(name)
    found = model_variables(_built(name))
    assert {key: checkpoint.get(key) for key in found} == found


@pytest.mark.parametrize("name", _WITH_META)
def test_ranges_are_where_the_zoos_graph_has_them(name: str) -> None:
    """The same tensors rounded, in the same order, to the same bits."""
    expected = [
        [scope, source.removesuffix("/read"), *numbers]
        for scope, source, *numbers in _rows(f"{name}.ranges.tsv")
    ]
    assert _ranges(_built(name).graph) == expected


def _ranges(graph: tf.Graph) -> list[list[str]]:
    """Rows as in the data; weights that are not folded by their variable."""
    rows = []
    for op in graph.get_operations():
        if op.type == "FakeQuantWithMinMaxVars":
            source = op.inputs[0].op
            rows.append(
                [
                    op.name.rpartition("/")[0],
                    (variable_of(source) or source).name,
                    str(op.get_attr("num_bits")),
                    "narrow" if op.get_attr("narrow_range") else "full",
                ]
            )
    return rows


def test_checkpoint_of_a_training_run_is_loaded() -> None:
    """Averages where there are any, ranges and statistics as they are, helpers unread."""
    checkpoint = _checkpoint(_V2)
    plan = _plan(_V2, use_moving_averages=True)
    assert set(plan.values()) <= set(checkpoint)
    averaged = sum(source.endswith(AVERAGE) for source in plan.values())
    assert averaged == sum(name.endswith(AVERAGE) for name in checkpoint) == 204
    raw = {name for name, source in plan.items() if name == source}
    ends = ("moving_mean", "moving_variance", "_quant/min", "_quant/max")
    assert raw == {name for name in plan if name.endswith(ends)}
    ranges = [name for name in raw if "_quant/" in name]
    # 72 layers, and ten sums behind linear outputs.
    assert len(ranges) == 2 * (72 + 72 + 10)
    assert len(plan) == 120 + 204 + len(ranges)


def test_checkpoint_of_a_training_run_without_averages() -> None:
    """The weights as the last step left them."""
    plan = _plan(_V2, use_moving_averages=False)
    assert all(name == source for name, source in plan.items())


@pytest.mark.parametrize("name", _MODELS)
def test_archives_have_no_ranges_of_sums(name: str) -> None:
    """Neither does the newest release add any to these networks, see above."""
    assert sums_of(_checkpoint(name)) is Sums.NONE


@pytest.mark.parametrize("name", _WITH_META)
def test_meta_graph_and_config_are_one_model(name: str) -> None:
    """With the same seeded weights and ranges, 99.9 % of the values within one step."""
    graph = read_graph(zoo_archive(name, _META) / _META)
    built = _built(name)
    shapes = model_variables(built)

    def value(key: str) -> np.ndarray:
        return seeded_value(key, shapes[key])

    own = export_of_body(freeze(body_graph(built), value), built)
    meta = export_from_graph(graph, ExportOptions(), values=value)
    for key, found, expected in zip(_RAW, _raw_outputs(own), _raw_outputs(meta), strict=True):
        assert np.ptp(expected) > 10 * _STEPS[key]
        assert np.mean(np.abs(found - expected) <= _STEPS[key]) >= 0.999, key


def _raw_outputs(export: GraphExport) -> list[np.ndarray]:
    size = export.contract.preprocessing
    image = np.random.RandomState(7).uniform(-1, 1, (1, size.height, size.width, 3))
    return evaluate(prune(export.graph, _RAW), _RAW, {INPUT_NAME: image.astype(np.float32)})
