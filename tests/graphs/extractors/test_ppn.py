"""Pooling pyramids on MobileNet V1 and ResNet v1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import (
    batch_norm_epsilons,
    built_extractor,
    digest_of,
    extractor_options,
    variable_shapes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions
from validation.graphs.extractors import resnet_fpn
from validation.graphs.extractors.ppn import ENTRIES, pooling_pyramid
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls it for every layer.
pytestmark = pytest.mark.filterwarnings("ignore:.layer.apply. is deprecated")


def options(kind: str = "ssd_mobilenet_v1_ppn", **changes: Any) -> ExtractorOptions:
    """The options of the published config, with changes."""
    norm = ConvHyperparams(tf.nn.relu6, BatchNorm(0.002, 0.97, scale=True))
    return extractor_options(kind, **{"hyperparams": norm, **changes})


def built(options: ExtractorOptions) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """For an oblong image."""
    return built_extractor(options, 300, 180)


def test_variables_are_those_of_the_od_api() -> None:
    """Names and shapes, with those of layers 12 and 13 that no feature map needs."""
    graph, _ = built(options())
    shapes = variable_shapes(graph)
    assert len(shapes) == 135
    assert digest_of(shapes) == "83c9cdd0dc1dbc51"
    assert "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise/weights" in shapes


def test_feature_maps_halve_with_odd_sides_rounded_up() -> None:
    """Six maps of layer 11's channels, on an oblong image too."""
    _, maps = built(options())
    assert [net.shape.as_list() for net in maps] == [
        [1, 19, 12, 512],
        [1, 10, 6, 512],
        [1, 5, 3, 512],
        [1, 3, 2, 512],
        [1, 2, 1, 512],
        [1, 1, 1, 512],
    ]


def test_backbone_follows_its_options() -> None:
    """Depth multiplier, padding and its own batch norm where the config's is not for it."""
    given_options = options(
        depth_multiplier=0.25, pad_to_multiple=32, override_base_hyperparams=False
    )
    graph, maps = built(given_options)
    assert maps[0].shape.as_list() == [1, 20, 12, 128]
    assert batch_norm_epsilons(graph) == {0.001}
    assert batch_norm_epsilons(built(options())[0]) == {0.002}


@settings(deadline=None, max_examples=8)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_pyramid_is_the_largest_of_each_tile(height: int, width: int, seed: int) -> None:
    """Level n holds the maxima of tiles of 2**n, cut off at the lower and right edge."""
    base = np.random.default_rng(seed).normal(size=(1, height, width, 2)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        levels = session.run(pooling_pyramid(tf.constant(base)))
    assert len(levels) == 6
    for number, level in enumerate(levels):
        tile = 2**number
        for row, column in np.ndindex(level.shape[1:3]):
            rows, columns = (
                slice(row * tile, (row + 1) * tile),
                slice(column * tile, (column + 1) * tile),
            )
            expected = base[0, rows, columns].max(axis=(0, 1))
            np.testing.assert_array_equal(level[0, row, column], expected)


def test_resnet_is_narrowed_below_its_pyramid() -> None:
    """Block 3, a 1x1 convolution with the config's batch norm, and the pools of it."""
    graph, maps = built(options("ssd_resnet50_v1_ppn"))
    assert [net.shape.as_list()[1:] for net in maps][:2] == [[19, 12, 1024], [10, 6, 1024]]
    shapes = variable_shapes(graph)
    base = "FeatureExtractor/resnet_v1_50/Base_Conv2d_1x1_1024"
    assert shapes[f"{base}/weights"] == [1, 1, 1024, 1024]
    assert shapes[f"{base}/BatchNorm/gamma"] == [1024]
    assert "FeatureExtractor/resnet_v1_50/block4/unit_3/bottleneck_v1/conv3/weights" in shapes
    (norm,) = [
        op
        for op in graph.get_operations()
        if op.type == "FusedBatchNormV3" and "Base_Conv2d" in op.name
    ]
    assert round(norm.get_attr("epsilon"), 6) == 0.002


def test_resnets_are_normalised_as_their_feature_pyramids() -> None:
    """Channel means are subtracted from pixels of 0 to 255."""
    for layers in (50, 101, 152):
        pyramid = resnet_fpn.ENTRIES[f"ssd_resnet{layers}_v1_fpn"]
        entry = ENTRIES[f"ssd_resnet{layers}_v1_ppn"]
        assert (entry.scale, entry.offset) == (pyramid.scale, pyramid.offset)
        assert entry.build is not pyramid.build


def test_resnet_with_a_depth_multiplier_is_refused() -> None:
    """The OD API has no such network, so there is none to agree with."""
    with pytest.raises(ConfigError, match=r"depth_multiplier.*ssd_resnet101_v1_ppn.*got 0.5"):
        built(options("ssd_resnet101_v1_ppn", depth_multiplier=0.5))


@pytest.mark.parametrize("kind", ["ssd_mobilenet_v1_ppn", "ssd_resnet50_v1_ppn"])
def test_other_numbers_of_feature_maps_are_refused(kind: str) -> None:
    """Six maps, or the heads would be placed on others than those of the OD API."""
    with pytest.raises(ConfigError, match=r"fixed number.*expected 6, got 5"):
        built(options(kind, num_layers=5))
