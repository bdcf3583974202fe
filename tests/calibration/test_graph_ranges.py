"""Ranges are measured on images, and a graph rounded by them is the same model still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import small_ssd

from validation.calibration.fakequant_archive import quantised_config
from validation.calibration.graph_ranges import calibrated_ranges, range_variables
from validation.calibration.ranges import RangeMethod
from validation.errors import FeedError, GraphError
from validation.export.detector_weights import detector_weights
from validation.export.evaluation import evaluate
from validation.export.freezing import freeze
from validation.export.from_checkpoint import body_graph, built_once
from validation.export.graph_map import GraphMap
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import INPUT_NAME

_IMAGES = np.random.RandomState(3).uniform(-1, 1, (3, 1, 64, 96, 3)).astype(np.float32)
_Values = dict[str, np.ndarray]


def _feeds() -> Iterator[np.ndarray]:
    return iter(_IMAGES)


@pytest.fixture(scope="module")
def built() -> BuiltSsd:
    """The rewritten graph of the small model."""
    config, _ = quantised_config(small_ssd.config(), small_ssd.TEXT)
    return built_once(config)


@pytest.fixture(scope="module")
def values(built: BuiltSsd) -> _Values:
    """Its seeded weights, ranges left out."""
    ranges = range_variables(body_graph(built))
    return {name: each for name, each in detector_weights(built).items() if name not in ranges}


@pytest.fixture(scope="module")
def float_graph(values: _Values) -> Any:
    """The same weights in the graph of the float config: an independent witness."""
    return freeze(body_graph(built_once(small_ssd.config())), values.get)


@pytest.fixture(scope="module")
def widest(built: BuiltSsd, values: _Values) -> _Values:
    """Ranges by their extremes."""
    return calibrated_ranges(built, values, _feeds, RangeMethod.MINMAX)


def test_every_range_gets_both_ends(built: BuiltSsd, widest: _Values) -> None:
    """None is missing, each is a scalar of float32, and each holds 0."""
    assert sorted(widest) == sorted(range_variables(body_graph(built)))
    assert len(widest) == 2 * (47 + 47)
    assert {(value.shape, value.dtype.name) for value in widest.values()} == {((), "float32")}
    for name in widest:
        if name.endswith("/min"):
            low, high = widest[name], widest[name.removesuffix("min") + "max"]
            assert low <= 0 <= high
            assert low < high


def test_activations_have_the_extremes_of_the_float_graph(
    float_graph: Any, widest: _Values
) -> None:
    """Of all images together, with nothing rounded before them."""
    relus = [node.name for node in GraphMap(float_graph).of_op("Relu6")]
    seen = [np.stack(evaluate(float_graph, relus, {INPUT_NAME: image})[:1]) for image in _IMAGES]
    scope = relus[0].rpartition("/")[0]
    assert widest[f"{scope}/act_quant/max"] == pytest.approx(np.max(seen), rel=1e-4)
    assert widest[f"{scope}/act_quant/min"] == 0


def test_weights_have_their_folded_extremes(values: _Values, widest: _Values) -> None:
    """Batch norm counts: the range is that of the weights which an integer kernel gets."""
    scope = "FeatureExtractor/MobilenetV1/Conv2d_0"
    norm = f"{scope}/BatchNorm"
    factor = values[f"{norm}/gamma"] / np.sqrt(values[f"{norm}/moving_variance"] + 0.001)
    folded = values[f"{scope}/weights"] * factor
    place = "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0/weights_quant"
    assert widest[f"{place}/min"] == pytest.approx(folded.min(), rel=1e-5)
    assert widest[f"{place}/max"] == pytest.approx(folded.max(), rel=1e-5)


@pytest.mark.parametrize("method", [RangeMethod.LEAST_ERROR, RangeMethod.PERCENTILE])
def test_other_methods_cut_activations_only(
    built: BuiltSsd, values: _Values, widest: _Values, method: RangeMethod
) -> None:
    """Never wider than the extremes; some are narrower."""
    ranges = calibrated_ranges(built, values, _feeds, method, percent=99.0)
    inside = [
        ranges[name] >= low - 1e-5 if name.endswith("min") else ranges[name] <= low + 1e-5
        for name, low in widest.items()
    ]
    assert all(inside)
    cut = {name for name in widest if ranges[name] != widest[name]}
    assert cut
    assert not any("weights_quant" in name for name in cut)


def test_rounded_graph_is_the_same_model(
    built: BuiltSsd, values: _Values, widest: _Values, float_graph: Any
) -> None:
    """Calibrated: raw outputs with all rounding in place stay close to the float ones."""
    rounded = freeze(body_graph(built), {**values, **widest}.get)
    # The rewriting leaves the names of both ends alone.
    ends = [built.box_encodings.op.name, built.scores.op.name]
    for ours, wanted in zip(
        evaluate(rounded, ends, {INPUT_NAME: _IMAGES[0]}),
        evaluate(float_graph, ends, {INPUT_NAME: _IMAGES[0]}),
        strict=True,
    ):
        noise, signal = np.mean((ours - wanted) ** 2), np.var(wanted)
        assert 0 < noise < signal / 30


def test_no_image_is_no_calibration(built: BuiltSsd, values: _Values) -> None:
    """Ranges of nothing would quantise everything to nothing."""
    with pytest.raises(FeedError, match="no image to calibrate with"):
        calibrated_ranges(built, values, lambda: iter(()), RangeMethod.MINMAX)


@pytest.mark.parametrize(
    "image", [np.zeros((1, 32, 96, 3), np.float32), np.zeros((1, 64, 96, 3), np.uint8)]
)
def test_image_that_does_not_fit(built: BuiltSsd, values: _Values, image: np.ndarray) -> None:
    """Another size or dtype is reported with what the input wants."""
    with pytest.raises(FeedError, match=r"does not fit the input.*expected float32 \[1, 64, 96"):
        calibrated_ranges(built, values, lambda: iter([image]), RangeMethod.MINMAX)


def test_weights_that_are_no_numbers(built: BuiltSsd, values: _Values) -> None:
    """Named by the range that cannot be found."""
    name = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    broken = {**values, name: np.full_like(values[name], np.nan)}
    with pytest.raises(GraphError, match=r"not finite.*Conv2d_0/weights_quant/min"):
        calibrated_ranges(built, broken, _feeds, RangeMethod.MINMAX)


def test_weights_without_values(built: BuiltSsd, values: _Values) -> None:
    """As for any graph that is frozen."""
    name = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    lacking = {key: value for key, value in values.items() if key != name}
    with pytest.raises(GraphError, match=r"1 of \d+ variables are not in the checkpoint"):
        calibrated_ranges(built, lacking, _feeds, RangeMethod.MINMAX)
