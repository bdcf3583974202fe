"""The layers that SSD adds to a backbone: names, depths, padding, values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import variable_shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors.feature_maps import (
    FeatureMap,
    explicit_padding,
    multi_resolution_feature_maps,
    ssd_layout,
)
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")


def options(**changes: Any) -> ExtractorOptions:
    """Options without batch norm, with changes."""
    values: dict[str, Any] = {
        "kind": "ssd_mobilenet_v1",
        "depth_multiplier": 1.0,
        "min_depth": 1,
        "pad_to_multiple": 1,
        "use_explicit_padding": False,
        "use_depthwise": False,
        "override_base_hyperparams": False,
        "hyperparams": ConvHyperparams(tf.nn.relu6, None),
        "pyramid": Pyramid(),
        "num_layers": 6,
    }
    return ExtractorOptions(**values | changes)


def built(
    layout: Sequence[FeatureMap], given_options: ExtractorOptions, *shape: int
) -> tuple[tf.Graph, tf.Tensor, list[tf.Tensor]]:
    """The maps over a backbone whose layers are all the same placeholder."""
    with tf.Graph().as_default() as graph:
        net = tf.placeholder(tf.float32, [1, *shape])
        endpoints = {row.from_layer: net for row in layout if row.from_layer}
        return graph, net, multi_resolution_feature_maps(endpoints, layout, given_options)


def test_ssd_layout_has_two_layers_of_the_backbone_and_four_added() -> None:
    """The added ones have 512, 256, 256 and 128 channels and 3x3 kernels."""
    rows = ssd_layout("a", "b")
    assert [row.from_layer for row in rows] == ["a", "b", "", "", "", ""]
    assert [row.depth for row in rows[2:]] == [512, 256, 256, 128]
    assert {row.kernel for row in rows} == {3}


@settings(max_examples=20, deadline=None)
@given(kernel=st.integers(1, 7), height=st.integers(1, 4), width=st.integers(1, 4))
def test_explicit_padding_depends_on_the_kernel_alone(kernel: int, height: int, width: int) -> None:
    """(kernel - 1) zeros in all, the odd one at the end, whatever the image."""
    values = np.arange(1, height * width + 1, dtype=np.float32).reshape(1, height, width, 1)
    with tf.Graph().as_default(), tf.Session() as session:
        result = session.run(explicit_padding(tf.constant(values), kernel))
    sides = ((kernel - 1) // 2, kernel // 2)
    np.testing.assert_array_equal(result, np.pad(values, ((0, 0), sides, sides, (0, 0))))


def test_names_are_those_of_the_reference() -> None:
    """Named after the last layer of the backbone, the row and the channels; maps halve."""
    graph, _, maps = built(
        ssd_layout("Conv2d_11_pointwise", "Conv2d_13_pointwise")[:4], options(), 10, 7, 24
    )
    assert variable_shapes(graph) == {
        "Conv2d_13_pointwise_1_Conv2d_2_1x1_256/weights": [1, 1, 24, 256],
        "Conv2d_13_pointwise_1_Conv2d_2_1x1_256/biases": [256],
        "Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_512/weights": [3, 3, 256, 512],
        "Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_512/biases": [512],
        "Conv2d_13_pointwise_1_Conv2d_3_1x1_128/weights": [1, 1, 512, 128],
        "Conv2d_13_pointwise_1_Conv2d_3_1x1_128/biases": [128],
        "Conv2d_13_pointwise_2_Conv2d_3_3x3_s2_256/weights": [3, 3, 128, 256],
        "Conv2d_13_pointwise_2_Conv2d_3_3x3_s2_256/biases": [256],
    }
    assert [net.shape.as_list() for net in maps] == [
        [1, 10, 7, 24],
        [1, 10, 7, 24],
        [1, 5, 4, 512],
        [1, 3, 2, 256],
    ]


def test_use_depthwise_splits_the_stride_2_convolution() -> None:
    """The 3x3 is depthwise with a name of its own; the 1x1 behind keeps the name."""
    layout = (FeatureMap("top"), FeatureMap(depth=8, kernel=2))
    graph, _, _ = built(layout, options(use_depthwise=True), 4, 4, 3)
    assert variable_shapes(graph) == {
        "top_1_Conv2d_1_1x1_4/weights": [1, 1, 3, 4],
        "top_1_Conv2d_1_1x1_4/biases": [4],
        "top_2_Conv2d_1_2x2_s2_8_depthwise/depthwise_weights": [2, 2, 4, 1],
        "top_2_Conv2d_1_2x2_s2_8_depthwise/biases": [4],
        "top_2_Conv2d_1_2x2_s2_8/weights": [1, 1, 4, 8],
        "top_2_Conv2d_1_2x2_s2_8/biases": [8],
    }


def test_names_have_the_channels_after_the_multiplier() -> None:
    """Channels are cut to an integer, no fewer than min_depth; the name says how many."""
    layout = (FeatureMap("top"), FeatureMap(depth=128))
    graph, _, _ = built(layout, options(depth_multiplier=0.3, min_depth=30), 2, 2, 3)
    assert "top_1_Conv2d_1_1x1_30/weights" in variable_shapes(graph)
    assert variable_shapes(graph)["top_2_Conv2d_1_3x3_s2_38/weights"] == [3, 3, 30, 38]


@pytest.mark.parametrize("is_training", [False, True])
def test_conv_hyperparams_go_for_added_layers(is_training: bool) -> None:
    """Epsilon and gamma are the config's; is_training reaches batch norm."""
    norm = BatchNorm(epsilon=0.25, scale=True, center=False)
    given_options = options(
        hyperparams=ConvHyperparams(tf.nn.relu, norm), use_depthwise=True, is_training=is_training
    )
    graph, _, _ = built((FeatureMap("top"), FeatureMap(depth=4)), given_options, 4, 4, 3)
    nodes = [node for node in graph.as_graph_def().node if node.op == "FusedBatchNormV3"]
    assert len(nodes) == 3
    for node in nodes:
        assert node.attr["epsilon"].f == 0.25
        assert node.attr["is_training"].b is is_training
    assert sum(name.endswith("/gamma") for name in variable_shapes(graph)) == 3
    assert not any(name.endswith(("/beta", "/biases")) for name in variable_shapes(graph))
    assert sum(node.op == "Relu" for node in graph.as_graph_def().node) == 3


def stride_2(image: NDArray[Any], weights: NDArray[Any], before: int, size: int) -> NDArray[Any]:
    """A 3x3 convolution of stride 2 over [side, side, channels] with zeros around."""
    padded = np.pad(image, ((before, 3), (before, 3), (0, 0)))
    result = np.zeros((size, size, weights.shape[-1]))
    for row in range(size):
        for column in range(size):
            window = padded[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            result[row, column] = np.einsum("ijc,ijcd->d", window, weights)
    return result


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(
    ("side", "explicit", "before"), [(4, False, 0), (4, True, 1), (5, False, 1), (5, True, 1)]
)
def test_values(side: int, depthwise: bool, explicit: bool, before: int) -> None:
    """1x1, then stride 2; SAME pads an even map at its end only, explicit padding all round."""
    rng = np.random.default_rng(side)
    layout = (FeatureMap("top"), FeatureMap(depth=4))
    given_options = options(use_depthwise=depthwise, use_explicit_padding=explicit)
    graph, placeholder, maps = built(layout, given_options, side, side, 3)
    weights = {
        name: np.zeros(shape) if name.endswith("biases") else rng.normal(0.1, 0.4, shape)
        for name, shape in variable_shapes(graph).items()
    }
    image = rng.normal(size=(side, side, 3))
    with graph.as_default(), tf.Session() as session:
        for variable in tf.global_variables():
            variable.load(weights[variable.op.name], session)
        result = session.run(maps[1], {placeholder: image[None]})[0]

    def relu6(values: NDArray[Any]) -> NDArray[Any]:
        return np.clip(values, 0, 6)

    half = relu6(image @ weights["top_1_Conv2d_1_1x1_2/weights"][0, 0])
    name, size = "top_2_Conv2d_1_3x3_s2_4", (side + 1) // 2
    if depthwise:
        kernel = weights[f"{name}_depthwise/depthwise_weights"] * np.eye(2)
        expected = relu6(stride_2(half, kernel, before, size))
        expected = relu6(expected @ weights[f"{name}/weights"][0, 0])
    else:
        expected = relu6(stride_2(half, weights[f"{name}/weights"], before, size))
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
