"""MnasFPN: its cell as data, and the pyramid on MobileNet V2."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import (
    built_extractor,
    digest_of,
    extractor_options,
    run_bare,
    variable_shapes,
)

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors.mnasfpn import CELL
from validation.graphs.hyperparams import ConvHyperparams
from validation.graphs.seeded import seeded_value

# tf-slim calls it for every layer.
pytestmark = pytest.mark.filterwarnings("ignore:.layer.apply. is deprecated")

KIND = "ssd_mobilenet_v2_mnasfpn"


options = functools.partial(extractor_options, KIND, pyramid=Pyramid(3, 6, 48))


def built(
    options: ExtractorOptions, height: int = 64, width: int = 128
) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """For an oblong image."""
    return built_extractor(options, height, width)


def changed() -> ExtractorOptions:
    """Options that differ from those of the published config wherever they may."""
    return options(
        depth_multiplier=0.5,
        min_depth=8,
        pad_to_multiple=64,
        use_explicit_padding=True,
        use_depthwise=True,
        override_base_hyperparams=False,
        hyperparams=ConvHyperparams(None, None),
        pyramid=Pyramid(3, 6, 60),
        num_layers=4,
        is_training=True,
    )


def operations(graph: tf.Graph, kind: str) -> list[tf.Operation]:
    """The operations of one type."""
    return [operation for operation in graph.get_operations() if operation.type == kind]


def test_variables_are_those_of_the_od_api() -> None:
    """Names and shapes are what the OD API's builder makes of the published config."""
    graph, _ = built(options())
    shapes = variable_shapes(graph)
    assert len(shapes) == 580
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 2424704
    assert digest_of(shapes) == "efb68c2508b86fef"


def test_feature_maps_are_four_levels_of_one_depth() -> None:
    """Strides 8, 16, 32 and 64, on an oblong image too."""
    _, maps = built(options())
    assert [net.shape.as_list() for net in maps] == [
        [1, 8, 16, 48],
        [1, 4, 8, 48],
        [1, 2, 4, 48],
        [1, 1, 2, 48],
    ]


def test_cell_refers_backwards_and_ends_in_the_four_levels() -> None:
    """A block's inputs are made before it, and the last four blocks feed the next cell."""
    for number, block in enumerate(CELL):
        assert max(block.inputs) < 4 + number
    assert [block.level for block in CELL[-4:]] == [3, 4, 5, 6]


def test_each_upsampling_is_one_op() -> None:
    """Three a cell, by nearest neighbour as TFLite's builtin does it."""
    graph, _ = built(options())
    upsampling = operations(graph, "ResizeNearestNeighbor")
    assert len(upsampling) == 4 * 3
    for operation in upsampling:
        assert not operation.get_attr("align_corners")
        assert not operation.get_attr("half_pixel_centers")


@pytest.mark.parametrize("given", [options(), changed()], ids=["published", "changed"])
def test_conv_hyperparams_are_ignored(given: ExtractorOptions) -> None:
    """All batch norms have epsilon 0.01, whatever the config says."""
    graph, _ = built(given)
    norms = operations(graph, "FusedBatchNormV3")
    assert len(norms) == sum(name.endswith("gamma") for name in variable_shapes(graph))
    assert {round(operation.get_attr("epsilon"), 6) for operation in norms} == {0.01}


def test_training_normalises_by_the_batch() -> None:
    """With is_training every batch norm has its moving averages updated."""
    graph, _ = built(changed())
    norms = operations(graph, "FusedBatchNormV3")
    assert all(operation.get_attr("is_training") for operation in norms)
    assert len(graph.get_collection(tf.GraphKeys.UPDATE_OPS)) == 2 * len(norms)


def test_depth_multiplier_goes_for_the_pyramid_too() -> None:
    """Depth and expansion are multiplied and rounded to multiples of 8: 60 / 2 gives 32."""
    graph, maps = built(changed())
    assert {int(net.shape[-1]) for net in maps} == {32}
    shapes = variable_shapes(graph)
    cell = "FeatureExtractor/MnasFPN/cell_1/block_4"
    assert shapes[f"{cell}/input_0/Conv1x1/weights"] == [1, 1, 32, 48]
    assert shapes[f"{cell}/SepConv/pointwise_weights"] == [1, 1, 48, 32]


def test_explicit_padding_leaves_the_sizes() -> None:
    """Every convolution with a kernel is VALID and the maps are those of SAME."""
    graph, maps = built(changed())
    assert [net.shape.as_list()[1:3] for net in maps] == [[8, 16], [4, 8], [2, 4], [1, 2]]
    spatial = operations(graph, "DepthwiseConv2dNative") + operations(graph, "MaxPool")
    assert {operation.get_attr("padding") for operation in spatial} == {b"VALID"}


def test_cells_add_their_inputs_where_shapes_agree() -> None:
    """Without what the blocks compute, level 6 passes through and the backbone's levels vanish."""
    graph, maps = built(options())
    pooled = graph.get_tensor_by_name(
        "FeatureExtractor/MnasFPN/C6_Conv1x1/BatchNorm/FusedBatchNormV3:0"
    )
    silenced = []

    def value(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name.endswith(("SepConv/BatchNorm/gamma", "SepConv/BatchNorm/beta")):
            silenced.append(name)
            return np.zeros(shape, np.float32)
        return seeded_value(name, shape)

    image = np.random.default_rng(5).uniform(-1, 1, (1, 64, 128, 3))
    feed = {"FeatureExtractor/Placeholder:0": image}
    *others, coarsest, expected = run_bare(graph, [*maps, pooled], feed, value)
    assert len(silenced) == 4 * 5 * 2
    assert not any(net.any() for net in others)
    assert expected.any()
    np.testing.assert_array_equal(coarsest, expected)


def test_other_levels_are_refused() -> None:
    """The cells are made for levels 3 to 6 and no others."""
    with pytest.raises(ConfigError, match=r"expected min_level 3, max_level 6, got min_level 3"):
        built(options(pyramid=Pyramid()))


@pytest.mark.parametrize(
    ("height", "width", "message"),
    [
        (96, 128, "level 6 of MnasFPN does not halve exactly.*expected 1.5x2, got 2x2.*of 64"),
        (128, 300, "level 5 of MnasFPN .*image_resizer.*expected 4x9.5, got 4x10"),
    ],
)
def test_sizes_that_do_not_halve_are_refused(height: int, width: int, message: str) -> None:
    """Sums of levels need a multiple of 64, in height as in width."""
    with pytest.raises(ConfigError, match=message):
        built(options(), height=height, width=width)
