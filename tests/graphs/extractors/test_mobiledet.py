"""MobileDet: its tables, its blocks and the feature maps of the four extractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import built_extractor, digest_of, extractor_options, variable_shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions
from validation.graphs.extractors.mobiledet_blocks import (
    BACKBONES,
    Backbone,
    Block,
    Fused,
    Ibn,
    IbnNoExpansion,
    Stem,
    Style,
    Tucker,
    scaled,
)
from validation.graphs.hyperparams import hard_swish
from validation.graphs.slim_compat import slim

# tf-slim calls it for every layer.
pytestmark = pytest.mark.filterwarnings("ignore:.layer.apply. is deprecated")

PLAIN = Style(tf.nn.relu6, squeeze_excite=False, multiplier=1.0)


def options(kind: str = "ssd_mobiledet_cpu", **changes: Any) -> ExtractorOptions:
    """The options of the published configs, with changes."""
    return extractor_options(kind, **{"use_depthwise": True, **changes})


def built(
    options: ExtractorOptions, height: int = 200, width: int = 330
) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """For an oblong image."""
    return built_extractor(options, height, width)


def changed() -> ExtractorOptions:
    """Options that differ from those of the published configs wherever they may."""
    return options(
        "ssd_mobiledet_gpu",
        depth_multiplier=0.3,
        min_depth=40,
        pad_to_multiple=64,
        override_base_hyperparams=False,
        use_depthwise=False,
        is_training=True,
    )


def evaluated(
    build: Callable[[tf.Tensor], tf.Tensor], image: np.ndarray, values: dict[str, float]
) -> np.ndarray:
    """The output of a small graph whose variables are constants where a name's end matches."""
    with tf.Graph().as_default() as graph:
        net = tf.placeholder(tf.float32, image.shape)
        output = build(net)
        with tf.Session(graph=graph) as session:
            tf.set_random_seed(1)
            session.run(tf.global_variables_initializer())
            for variable in tf.global_variables():
                for end, value in values.items():
                    if variable.op.name.endswith(end):
                        variable.load(np.full(variable.shape.as_list(), value), session)
            result: np.ndarray = session.run(output, {net: image})
            return result


@pytest.mark.parametrize(
    ("kind", "count", "parameters", "expected"),
    [
        ("ssd_mobiledet_cpu", 421, 3407480, "f04af6a691f3060c"),
        ("ssd_mobiledet_dsp", 350, 6281792, "b4929273f448af20"),
        ("ssd_mobiledet_edgetpu", 345, 3247648, "7ef9e103ade2f30c"),
        ("ssd_mobiledet_gpu", 310, 12150752, "5d5137d6bbf11049"),
    ],
)
def test_variables_are_those_of_the_od_api(
    kind: str, count: int, parameters: int, expected: str
) -> None:
    """Names and shapes are what the OD API's builder makes of the published config."""
    graph, _ = built(options(kind))
    shapes = variable_shapes(graph)
    assert len(shapes) == count
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == parameters
    assert digest_of(shapes) == expected


@pytest.mark.parametrize(
    ("kind", "channels"),
    [
        ("ssd_mobiledet_cpu", (72, 144)),
        ("ssd_mobiledet_dsp", (144, 240)),
        ("ssd_mobiledet_edgetpu", (96, 384)),
        ("ssd_mobiledet_gpu", (128, 384)),
    ],
)
def test_feature_maps_of_an_oblong_image(kind: str, channels: tuple[int, int]) -> None:
    """Two maps of the backbone and four added ones; odd sides round up."""
    _, maps = built(options(kind))
    assert [net.shape.as_list()[1:] for net in maps] == [
        [13, 21, channels[0]],
        [7, 11, channels[1]],
        [4, 6, 512],
        [2, 3, 256],
        [1, 2, 256],
        [1, 1, 128],
    ]


def test_pad_to_multiple_enlarges_the_maps() -> None:
    """A padded image has the maps of the next multiple."""
    _, maps = built(changed())
    assert maps[0].shape.as_list()[1:3] == [16, 24]


def test_depth_multiplier_goes_for_backbone_and_added_layers() -> None:
    """The backbone rounds to multiples of 8; the added layers only know min_depth."""
    graph, maps = built(changed())
    assert [int(net.shape[-1]) for net in maps] == [40, 112, 153, 76, 76, 40]
    assert variable_shapes(graph)["FeatureExtractor/MobileDetGPU/Conv/weights"] == [3, 3, 3, 8]


@pytest.mark.parametrize("given", [options("ssd_mobiledet_dsp"), changed()], ids=["DSP", "GPU"])
def test_batch_norm_of_the_backbone_is_fixed(given: ExtractorOptions) -> None:
    """Epsilon is 0.01 in the backbone and the config's in the added layers, flag or no flag."""
    graph, _ = built(given)
    norms = [op for op in graph.get_operations() if op.type == "FusedBatchNormV3"]
    added = {op for op in norms if "/C5_" in op.name}
    assert len(added) == (12 if given.use_depthwise else 8)
    assert {round(op.get_attr("epsilon"), 6) for op in added} == {0.001}
    assert {round(op.get_attr("epsilon"), 6) for op in set(norms) - added} == {0.01}


def test_training_normalises_by_the_batch() -> None:
    """With is_training every batch norm has its moving averages updated."""
    graph, _ = built(changed())
    norms = [op for op in graph.get_operations() if op.type == "FusedBatchNormV3"]
    assert all(op.get_attr("is_training") for op in norms)
    assert len(graph.get_collection(tf.GraphKeys.UPDATE_OPS)) == 2 * len(norms)


def test_explicit_padding_is_refused() -> None:
    """The OD API has no such MobileDet, so there is none to agree with."""
    with pytest.raises(ConfigError, match=r"use_explicit_padding.*ssd_mobiledet_cpu.*remove"):
        built(options(use_explicit_padding=True))


def test_other_numbers_of_feature_maps_are_refused() -> None:
    """Six maps, or the heads would be placed on others than those of the OD API."""
    with pytest.raises(ConfigError, match=r"fixed number.*expected num_layers 6, got 5"):
        built(options(num_layers=5))


@pytest.mark.parametrize("backbone", BACKBONES.values(), ids=BACKBONES)
def test_tables_are_consistent(backbone: Backbone) -> None:
    """Each of the five stages halves once; residuals only where shapes allow them."""
    assert len(backbone.stages) == 5
    channels = 3
    for stage in backbone.stages:
        strides = [getattr(block, "stride", 1) for block in stage]
        assert sorted(strides) == [1] * (len(stage) - 1) + [2]
        for block in stage:
            if getattr(block, "residual", False):
                assert (block.filters, getattr(block, "stride", 1)) == (channels, 1)
            channels = block.filters


@pytest.mark.parametrize(
    "block",
    [Ibn(8, 4, kernel=5), Fused(8, 4), Tucker(8, 0.25, 0.75)],
    ids=lambda block: type(block).__name__,
)
def test_residual_adds_the_input(block: Any) -> None:
    """Where a block's last batch norm gives zero its input comes out, or zero without residual."""
    image = np.random.default_rng(3).normal(size=(1, 6, 5, 8)).astype(np.float32)
    zero = {"gamma": 0.0, "beta": 0.0}

    def build(net: tf.Tensor, row: Block) -> tf.Tensor:
        with slim.arg_scope([slim.batch_norm], scale=True, is_training=False):
            return row.build(net, PLAIN)

    output = evaluated(lambda net: build(net, block), image, zero)
    np.testing.assert_array_equal(output, image)
    cut = type(block)(**{**vars(block), "residual": False})
    assert not evaluated(lambda net: build(net, cut), image, zero).any()


def test_squeeze_excite_gates_the_inner_channels() -> None:
    """A gate whose convolutions are zero is sigmoid(0): it halves the channels."""
    image = np.random.default_rng(4).uniform(0, 1, size=(1, 6, 5, 8)).astype(np.float32)
    positive = {"weights": 0.1, "SqueezeExcite/Conv/weights": 0.0}
    positive["SqueezeExcite/Conv_1/weights"] = 0.0

    def build(net: tf.Tensor, style: Style) -> tf.Tensor:
        with slim.arg_scope([slim.batch_norm], is_training=False):
            return IbnNoExpansion(8).build(net, style)

    plain = evaluated(lambda net: build(net, PLAIN), image, positive)
    gated = evaluated(
        lambda net: build(net, Style(tf.nn.relu6, squeeze_excite=True, multiplier=1.0)),
        image,
        positive,
    )
    assert plain.min() > 0
    np.testing.assert_allclose(gated, plain / 2, rtol=1e-6)


def test_only_the_cpu_backbone_is_gated_and_swishes() -> None:
    """Squeeze-and-excite and hard swish are the CPU's; the accelerators have ReLU 6."""
    assert {name for name, backbone in BACKBONES.items() if backbone.squeeze_excite} == {"cpu"}
    activations = {name: backbone.activation for name, backbone in BACKBONES.items()}
    assert activations.pop("cpu") is hard_swish
    assert set(activations.values()) == {tf.nn.relu6}


def test_strided_blocks_halve_with_odd_sides_rounded_up() -> None:
    """Stride 2 of stem, inverted bottleneck and fused block."""
    for block in (Stem(8), Ibn(8, 4, stride=2, residual=False), Fused(8, 4, 3, 2, residual=False)):
        with tf.Graph().as_default():
            output = block.build(tf.zeros([1, 7, 10, 8]), PLAIN)
        assert output.shape.as_list() == [1, 4, 5, 8]


@settings(deadline=None, max_examples=60)
@given(channels=st.integers(1, 4000), factor=st.floats(0.05, 4.0))
def test_scaled_channels(channels: int, factor: float) -> None:
    """A multiple of 8, at least 8, no more than 4 from the product where that is 4 or more."""
    result = scaled(channels, factor)
    assert result % 8 == 0
    assert result >= 8
    assert channels * factor < 4 or abs(result - channels * factor) <= 4


@pytest.mark.parametrize(("product", "expected"), [(4, 8), (11, 8), (12, 16), (36, 40), (20, 24)])
def test_halves_round_up(product: int, expected: int) -> None:
    """Half way between two multiples of 8 the larger one is taken."""
    assert scaled(product, 1.0) == expected
