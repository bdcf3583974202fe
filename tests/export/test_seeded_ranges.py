"""Seeded quantisation ranges: plain ones by name, and such that fit seeded weights."""

from __future__ import annotations

import numpy as np
import pytest
import small_ssd

from validation.export.archive_writer import PREFIX, write_archive
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint, write_checkpoint
from validation.export.detector_weights import Named, detector_weights, seeded_ranges
from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import freeze, without_fake_quantisation
from validation.export.from_checkpoint import (
    body_graph,
    built_once,
    export_from_checkpoint,
    model_variables,
)
from validation.graphs.quant.options import Sums
from validation.graphs.restore import AVERAGE
from validation.graphs.seeded import seeded_value
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import INPUT_NAME

_REWRITER = "graph_rewriter { quantization { } }\n"
_FAKE_QUANT = "FakeQuantWithMinMaxVars"
_SUM = "FeatureExtractor/MobilenetV1/fpn/top_down/add/activation_{}_quant/min"


@pytest.mark.parametrize(
    ("scope", "low", "high"),
    [
        ("a/Conv2d_0/weights_quant", -1.5, 1.5),
        ("a/Conv2d_0/act_quant", 0, 6),
        ("BoxPredictor_0/ClassPredictor/act_quant", -6, 6),
        ("BoxPredictor_0/BoxEncodingPredictor/act_quant", -6, 6),
        ("a/expanded_conv_3/project/act_quant", -6, 6),
        ("a/fpn/top_down/projection_3/act_quant", -6, 6),
        ("a/expanded_conv_3/post_activation_bypass_quant", -6, 6),
        ("a/conv_quant", -6, 6),
        ("a/add/activation_AddV2_quant", -6, 6),
    ],
)
def test_plain_range_of_a_name(scope: str, low: float, high: float) -> None:
    """What each kind of tensor can hold; the same on every machine."""
    ends = [seeded_value(f"{scope}/{end}", ()) for end in ("min", "max")]
    assert [end.dtype for end in ends] == [np.float32, np.float32]
    assert [float(end) for end in ends] == [low, high]


@pytest.fixture(scope="module")
def built() -> BuiltSsd:
    """A small quantised model."""
    return built_once(small_ssd.config(small_ssd.TEXT + _REWRITER))


@pytest.fixture(scope="module")
def values(built: BuiltSsd) -> Named:
    """Its weights and ranges; not to be changed."""
    return detector_weights(built)


def test_ranges_hold_what_flows_through_them(built: BuiltSsd, values: Named) -> None:
    """Weights fit exactly, no range is empty, and zero is in all."""
    ranges = seeded_ranges(built, values)
    assert set(ranges) == {name for name in values if "_quant/" in name}
    for name in ranges:
        scope, _, end = name.rpartition("/")
        assert ranges[f"{scope}/min"] <= 0 <= ranges[f"{scope}/max"]
        assert ranges[f"{scope}/min"] < ranges[f"{scope}/max"]
        assert ranges[name] == values[name], end
    head = "BoxPredictor_0/ClassPredictor"
    assert ranges[f"{head}/weights_quant/max"] == values[f"{head}/weights"].max()
    inside = [high for name, high in ranges.items() if "MobilenetV1" in name and "/act_q" in name]
    assert max(inside) <= 6


def test_without_fake_quantisation_nothing_is_rounded(built: BuiltSsd) -> None:
    """The ranges' values do not matter any more."""
    shapes = model_variables(built)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    answers = []
    for factor in (1, 0.01):
        body = freeze(
            body_graph(built),
            lambda name, factor=factor: (
                seeded_value(name, shapes[name]) * np.float32(factor if "_quant/" in name else 1)
            ),
        )
        bare = without_fake_quantisation(body)
        assert any(node.op == _FAKE_QUANT for node in body.node)
        assert not any(node.op == _FAKE_QUANT for node in bare.node)
        answers += evaluate(bare, [built.box_encodings.name], {INPUT_NAME: image})
    np.testing.assert_array_equal(*answers)


def test_averages_leave_the_ranges_alone(tmp_path, values: Named) -> None:
    """As in the zoo: trained variables have averages, ranges and statistics have none."""
    text = small_ssd.TEXT + _REWRITER + "eval_config { use_moving_averages: true }\n"
    config = small_ssd.config(text)
    write_archive(tmp_path, config, text, lambda _: values)
    prefix = tmp_path / PREFIX
    averaged = [name for name in checkpoint_shapes(prefix) if name.endswith(AVERAGE)]
    assert len(averaged) == 35 * 3 + 12 * 2
    assert not [name for name in averaged if "_quant/" in name]
    export = export_from_checkpoint(config, prefix, open_checkpoint(prefix), ExportOptions())
    assert sum(node.op == _FAKE_QUANT for node in export.graph.node) == 2 * 47


@pytest.mark.parametrize("sums", [Sums.NONE, Sums.ADD_V2])
def test_release_is_taken_from_the_checkpoint(tmp_path, sums: Sums) -> None:
    """Ranges of sums are built where, and as, the checkpoint has them."""
    config = small_ssd.config(small_ssd.PYRAMID_TEXT + _REWRITER)
    trained = built_once(config, sums)
    shapes = model_variables(trained)
    assert [name for name in shapes if name.endswith(_SUM.format(sums or "Add"))] == (
        [_SUM.format(sums)] if sums else []
    )
    write_checkpoint(
        tmp_path / PREFIX, {name: seeded_value(name, shape) for name, shape in shapes.items()}
    )
    prefix = tmp_path / PREFIX
    export = export_from_checkpoint(config, prefix, open_checkpoint(prefix), ExportOptions())
    found = sum("/activation_" in n.name and n.op == _FAKE_QUANT for n in export.graph.node)
    assert found == (2 if sums else 0)
