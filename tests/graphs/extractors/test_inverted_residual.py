"""Inverted residual blocks against plain NumPy, and backbones made from tables of them."""

from __future__ import annotations

import functools
from typing import Any
from unittest import mock

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import batch_norm_epsilons, variable_shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors import inverted_residual as inverted_residual_module
from validation.graphs.extractors.inverted_residual import (
    Block,
    Convolution,
    divisible,
    inverted_residual,
    table_base,
)
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

# Biases in place of batch norm keep the NumPy side short.
PLAIN = ConvHyperparams(None, None)
TABLE = (
    Convolution(16, kernel=3, stride=2),
    Block(16, expansion=1),
    Block(24, stride=2),
    Block(24),
    Convolution(40, kernel=1, activation=tf.nn.relu),
)


def options(**changes: Any) -> ExtractorOptions:
    """Options whose conv_hyperparams differ from what backbones have of their own."""
    values: dict[str, Any] = {
        "kind": "ssd_mobilenet_v2",
        "depth_multiplier": 1.0,
        "min_depth": 8,
        "pad_to_multiple": 1,
        "use_explicit_padding": False,
        "use_depthwise": False,
        "override_base_hyperparams": False,
        "hyperparams": ConvHyperparams(tf.nn.relu, BatchNorm(epsilon=0.25, center=False)),
        "pyramid": Pyramid(),
        "num_layers": 6,
    }
    return ExtractorOptions(**values | changes)


@functools.cache
def built(
    given_options: ExtractorOptions, final_endpoint: str = "layer_5", **changes: Any
) -> tuple[tf.Graph, dict[str, tf.Tensor]]:
    """The backbone of TABLE on an oblong image; several tests look at the same one."""
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.float32, [1, 21, 30, 3])
        return graph, table_base(image, given_options, final_endpoint, TABLE, **changes)


@pytest.mark.parametrize(
    ("channels", "divisor", "least", "expected"),
    [
        (24.0, 8, 8, 24),
        (12.0, 8, 8, 16),  # halves go up
        (11.2, 8, 8, 16),  # 8 would be more than a tenth below
        (18.0, 8, 8, 24),
        (26.4, 8, 8, 24),
        (3.0, 8, 8, 8),
        (3.0, 8, 20, 20),
        (33.0, 1, 1, 33),
    ],
)
def test_divisible(channels: float, divisor: int, least: int, expected: int) -> None:
    """Multiples of the divisor; the least is taken as it is."""
    assert divisible(channels, divisor, least) == expected


@settings(deadline=None)
@given(channels=st.floats(1, 4000), divisor=st.integers(1, 16))
def test_divisible_is_near(channels: float, divisor: int) -> None:
    """A multiple, never more than a tenth below nor more than one divisor above."""
    result = divisible(channels, divisor, divisor)
    assert result % divisor == 0
    assert 0.9 * channels <= result <= channels + divisor


def convolved(
    image: NDArray[Any], weights: NDArray[Any], stride: int, *, explicit: bool
) -> NDArray[Any]:
    """[side, side, channels] by a square kernel, padded by SAME or by the kernel."""
    side, kernel = image.shape[0], weights.shape[0]
    size = -(-side // stride)
    total = kernel - 1 if explicit else max(0, (size - 1) * stride + kernel - side)
    padded = np.pad(image, ((total // 2, kernel), (total // 2, kernel), (0, 0)))
    result = np.zeros((size, size, weights.shape[-1]))
    for row in range(size):
        for column in range(size):
            top, left = row * stride, column * stride
            window = padded[top : top + kernel, left : left + kernel]
            result[row, column] = np.einsum("ijc,ijcd->d", window, weights)
    return result


def reference(
    image: NDArray[Any], block: Block, weights: dict[str, NDArray[Any]], *, explicit: bool
) -> NDArray[Any]:
    """The block in NumPy: relu6 inside, nothing after the last 1x1."""
    if explicit and block.pads_input:
        before = (block.kernel - 1) // 2
        after = block.kernel - 1 - before
        image = np.pad(image, ((before, after), (before, after), (0, 0)))
        explicit = False
    net = image
    if "block/expand/weights" in weights:
        stride = block.stride if block.fused else 1
        net = convolved(net, weights["block/expand/weights"], stride, explicit=False)
        net = np.clip(net, 0, 6)
    if not block.fused:
        kernel = weights["block/depthwise/depthwise_weights"] * np.eye(net.shape[-1])
        net = np.clip(convolved(net, kernel, block.stride, explicit=explicit), 0, 6)
    if block.gated:
        net = net * 0.5
    net = net @ weights["block/project/weights"][0, 0]
    if block.residual and block.stride == 1 and net.shape[-1] == image.shape[-1]:
        net = net + image
    return net


@settings(max_examples=12, deadline=None)
@given(
    side=st.integers(3, 7),
    channels=st.sampled_from([4, 8]),
    expansion=st.sampled_from([1, 2, 3.5]),
    kernel=st.sampled_from([3, 5]),
    stride=st.integers(1, 2),
    gated=st.booleans(),
    residual=st.booleans(),
    fused=st.booleans(),
    padding=st.sampled_from(["same", "explicit", "input"]),
    seed=st.integers(0, 1000),
)
def test_block_against_numpy(
    side: int,
    channels: int,
    expansion: float,
    kernel: int,
    stride: int,
    gated: bool,
    residual: bool,
    fused: bool,
    padding: str,
    seed: int,
) -> None:
    """Every kind of block is what its description says, value by value."""
    block = Block(
        8,
        stride=stride,
        expansion=expansion,
        divisor=1,
        kernel=kernel,
        gated=gated,
        residual=residual,
        fused=fused,
        pads_input=padding == "input",
    )
    explicit = padding != "same"
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(side, side, channels))
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        gate = mock.patch.object(inverted_residual_module, "squeeze_excite", lambda net: net * 0.5)
        with PLAIN.scope(), gate:
            parts = inverted_residual(
                tf.constant(image[None], tf.float32), block, 8, "block", explicit=explicit
            )
        weights = {
            name: np.zeros(shape) if name.endswith("biases") else rng.normal(0, 0.5, shape)
            for name, shape in variable_shapes(graph).items()
        }
        for variable in tf.global_variables():
            variable.load(weights[variable.op.name], session)
        result = session.run(parts["output"])[0]
    assert ("block/expand/weights" in weights) == (expansion > 1)
    expected = reference(image, block, weights, explicit=explicit)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-4)


def test_scopes_are_numbered_as_the_reference_numbers_them() -> None:
    """Conv and expanded_conv count by themselves; a block without expansion has two parts."""
    graph, endpoints = built(options())
    assert list(dict.fromkeys(name.partition("/")[0] for name in variable_shapes(graph))) == [
        "Conv",
        "expanded_conv",
        "expanded_conv_1",
        "expanded_conv_2",
        "Conv_1",
    ]
    assert "expanded_conv_1/expand/weights" in variable_shapes(graph)
    assert "expanded_conv/expand/weights" not in variable_shapes(graph)
    assert {name: net.shape.as_list()[1:] for name, net in endpoints.items()} == {
        "layer_1": [11, 15, 16],
        "layer_2/depthwise_output": [11, 15, 16],
        "layer_2/output": [11, 15, 16],
        "layer_2": [11, 15, 16],
        "layer_3/expansion_output": [11, 15, 96],
        "layer_3/depthwise_output": [6, 8, 96],
        "layer_3/output": [6, 8, 24],
        "layer_3": [6, 8, 24],
        "layer_4/expansion_output": [6, 8, 144],
        "layer_4/depthwise_output": [6, 8, 144],
        "layer_4/output": [6, 8, 24],
        "layer_4": [6, 8, 24],
        "layer_5": [6, 8, 40],
    }
    assert endpoints["layer_3/expansion_output"].op.name == "expanded_conv_1/expansion_output"


def test_building_stops_at_the_final_endpoint() -> None:
    """Layers behind it are not in the graph."""
    graph, endpoints = built(options(), "layer_2")
    assert list(endpoints)[-1] == "layer_2"
    assert not any(name.startswith("expanded_conv_1") for name in variable_shapes(graph))


def test_an_unknown_endpoint_is_refused() -> None:
    """The message lists the layers that there are."""
    with pytest.raises(ConfigError, match=r"no such layer: expected layer_1 \|.*got layer_6"):
        built(options(), "layer_6")


def test_channels_are_multiplied_and_rounded() -> None:
    """Outputs are multiples of 8 no smaller than min_depth; inner channels follow them."""
    graph, endpoints = built(options(depth_multiplier=0.5, min_depth=12))
    assert [int(endpoints[f"layer_{number}"].shape[-1]) for number in range(1, 6)] == [
        12, 12, 16, 16, 24
    ]  # fmt: skip
    assert variable_shapes(graph)["expanded_conv_1/expand/weights"] == [1, 1, 12, 72]


def test_image_is_padded_to_a_multiple() -> None:
    """21x30 becomes 32x32 with a multiple of 16."""
    _, endpoints = built(options(pad_to_multiple=16))
    assert endpoints["layer_1"].shape.as_list()[1:3] == [16, 16]


@pytest.mark.parametrize(
    ("changes", "batch_norm", "epsilon"),
    [
        ({}, None, 0.001),
        ({"override_base_hyperparams": True}, None, 0.25),
        (
            {
                "override_base_hyperparams": True,
                "hyperparams": ConvHyperparams(tf.nn.relu, None),
            },
            None,
            0.001,
        ),
        ({"override_base_hyperparams": True}, BatchNorm(epsilon=0.5, scale=True), 0.5),
    ],
)
def test_batch_norm_of_the_backbone(
    changes: dict[str, Any], batch_norm: BatchNorm | None, epsilon: float
) -> None:
    """Its own, the config's where that is to override, or the caller's; gamma and beta always."""
    graph, _ = built(options(**changes), batch_norm=batch_norm)
    assert batch_norm_epsilons(graph) == {epsilon}
    names = variable_shapes(graph)
    norms = sum(name.endswith("moving_mean") for name in names)
    assert norms == 10
    assert sum(name.endswith("gamma") for name in names) == norms
    assert sum(name.endswith("beta") for name in names) == norms


def test_activations_are_the_tables() -> None:
    """The config's activation is not for a backbone even when it overrides."""
    graph, _ = built(options(override_base_hyperparams=True))
    ops = [node.op for node in graph.as_graph_def().node]
    assert (ops.count("Relu6"), ops.count("Relu")) == (6, 1)


def test_training_normalises_by_the_batch() -> None:
    """is_training reaches every batch norm."""
    graph, _ = built(options(is_training=True), "layer_3")
    nodes = [node for node in graph.as_graph_def().node if node.op == "FusedBatchNormV3"]
    assert nodes
    assert all(node.attr["is_training"].b for node in nodes)


def test_explicit_padding_leaves_no_same_convolution_of_3x3() -> None:
    """Every 3x3 convolution is VALID behind a Pad; sizes are as without."""
    graph, endpoints = built(options(use_explicit_padding=True))
    assert endpoints["layer_5"].shape.as_list()[1:3] == [6, 8]
    nodes = graph.as_graph_def().node
    paddings = {node.attr["padding"].s for node in nodes if node.op == "DepthwiseConv2dNative"}
    assert paddings == {b"VALID"}
    assert sum(node.op == "Pad" for node in nodes) == 4
