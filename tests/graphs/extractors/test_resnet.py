"""ResNet v1 backbones and the pyramids on them."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import bare_graph, extractor_options

from validation.errors import ConfigError
from validation.graphs.extractor import Pyramid
from validation.graphs.extractors import resnet_v1
from validation.graphs.extractors.resnet_fpn import ENTRIES, backbone_hyperparams
from validation.graphs.extractors.resnet_v1 import blocks, resnet_v1_base
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

CONFIGURED = ConvHyperparams(tf.nn.relu6, BatchNorm(epsilon=0.002, decay=0.9, center=False))
options = functools.partial(
    extractor_options, kind="ssd_resnet50_v1_fpn", min_depth=1, hyperparams=CONFIGURED
)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """A ResNet of two units a block, quick to build; its number of layers."""
    units = (2, 2, 2, 2)
    monkeypatch.setitem(resnet_v1._UNITS, 50, units)
    return 50


@pytest.mark.parametrize("layers", [50, 101, 152])
def test_tables_have_as_many_layers_as_their_name(layers: int) -> None:
    """Three convolutions a unit, the root, and the classifier that is left out here."""
    assert sum(3 * block.units for block in blocks(layers)) + 2 == layers


def test_resnet_50_has_the_published_number_of_parameters() -> None:
    """23,587,712 without the top in Keras; 4 x 26,560 of them are batch norm, left out here."""
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, 224, 192, 3])
        with ConvHyperparams(tf.nn.relu, None).scope():
            features = resnet_v1_base(image, 50, lambda channels: channels)
        count = sum(math.prod(v.shape.as_list()) for v in tf.global_variables())
    assert count == 23_587_712 - 4 * 26_560
    assert {name: net.shape.as_list() for name, net in features.items()} == {
        "block1": [1, 56, 48, 256],
        "block2": [1, 28, 24, 512],
        "block3": [1, 14, 12, 1024],
        "block4": [1, 7, 6, 2048],
    }


def test_names_of_a_unit(short: int) -> None:
    """Only the first unit of a block has a shortcut, and only the root keeps its channels."""
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, 64, 64, 3])
        with ConvHyperparams(tf.nn.relu, BatchNorm()).scope(), tf.variable_scope("resnet"):
            resnet_v1_base(image, short, lambda channels: channels // 8)
        shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    weights = {name: shape for name, shape in shapes.items() if name.endswith("/weights")}
    unit = "resnet/block2/unit_{}/bottleneck_v1/{}/weights"
    assert weights["resnet/conv1/weights"] == [7, 7, 3, 64]
    assert weights[unit.format(1, "shortcut")] == [1, 1, 32, 64]
    assert weights[unit.format(1, "conv1")] == [1, 1, 32, 16]
    assert weights[unit.format(2, "conv2")] == [3, 3, 16, 16]
    assert weights[unit.format(2, "conv3")] == [1, 1, 16, 64]
    assert unit.format(2, "shortcut") not in weights
    assert len(weights) == 1 + 4 * (4 + 3)


def test_root_pads_evenly(short: int) -> None:
    """A 7x7 of stride 2 sees three pixels before the image on even sides too."""
    image = np.zeros((1, 8, 8, 1), np.float32)
    image[0, 0, 0] = 1.0
    with tf.Graph().as_default() as graph:
        with ConvHyperparams(None, None).scope():
            resnet_v1_base(tf.constant(image), short, lambda channels: channels)
        with tf.Session(graph=graph) as session:
            kernel = np.zeros((7, 7, 1, 64), np.float32)
            kernel[3, 3] = 1.0
            variables = {v.op.name: v for v in tf.global_variables()}
            variables["conv1/weights"].load(kernel, session)
            variables["conv1/biases"].load(np.zeros(64, np.float32), session)
            found = session.run("conv1/BiasAdd:0")
    np.testing.assert_array_equal(found[0, :, :, 0], image[0, ::2, ::2, 0])


def test_units_end_in_relu_whatever_is_configured(short: int) -> None:
    """The sum of a unit is not bounded by ReLU6, the convolutions inside are."""
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, 64, 64, 3])
        with ConvHyperparams(tf.nn.relu6, BatchNorm()).scope():
            features = resnet_v1_base(image, short, lambda channels: channels // 8)
        ops = {op.name: op.type for op in tf.get_default_graph().get_operations()}
    assert all(net.op.type == "Relu" for net in features.values())
    assert ops["block1/unit_1/bottleneck_v1/conv2/Relu6"] == "Relu6"
    assert not any(name.startswith("block1/unit_1/bottleneck_v1/conv3/Relu") for name in ops)


def test_overridden_hyperparams_keep_slims_epsilon() -> None:
    """conv_hyperparams bring activation and beta; epsilon, decay and gamma are slim's."""
    found = backbone_hyperparams(options())
    assert found.activation is tf.nn.relu6
    assert found.batch_norm == BatchNorm(epsilon=1e-5, decay=0.997, scale=True, center=False)


def test_hyperparams_without_the_override_flag() -> None:
    """ReLU and batch norm as ResNet was trained with."""
    found = backbone_hyperparams(options(override_base_hyperparams=False))
    assert found.activation is tf.nn.relu
    assert found.batch_norm == BatchNorm(epsilon=1e-5, decay=0.997, scale=True, center=True)


def test_overridden_hyperparams_may_take_batch_norm_away() -> None:
    """conv_hyperparams without batch_norm leave the backbone with biases."""
    plain = ConvHyperparams(tf.nn.relu6, None)
    assert backbone_hyperparams(options(hyperparams=plain)) == plain


def test_pyramid_on_a_resnet(short: int) -> None:
    """Levels 2 to 7, names at the joints, and the two epsilons each in its place."""
    changed = options(depth_multiplier=0.125, pad_to_multiple=64, pyramid=Pyramid(2, 7, 64))
    with bare_graph() as graph:
        image = tf.placeholder(tf.float32, [1, 60, 100, 3])
        found = ENTRIES[f"ssd_resnet{short}_v1_fpn"].build(image, changed)
        shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
    assert [net.shape.as_list() for net in found] == [
        [1, 16, 32, 8], [1, 8, 16, 8], [1, 4, 8, 8], [1, 2, 4, 8], [1, 1, 2, 8], [1, 1, 1, 8]
    ]  # fmt: skip
    scope = "resnet_v1_50/fpn"
    assert [shapes[f"{scope}/projection_{n}/weights"][2] for n in (1, 2, 3, 4)] == [
        32, 64, 128, 256
    ]  # fmt: skip
    assert shapes[f"{scope}/bottom_up_block5/weights"] == [3, 3, 8, 8]
    assert shapes[f"{scope}/bottom_up_block6/weights"] == [3, 3, 8, 8]
    epsilons = {
        ("fpn" in node.name): node.attr["epsilon"].f
        for node in graph.as_graph_def().node
        if node.op.startswith("FusedBatchNorm")
    }
    assert epsilons == {False: pytest.approx(1e-5), True: pytest.approx(0.002)}


@pytest.mark.parametrize("layers", [50, 101, 152])
def test_entries_subtract_channel_means(layers: int) -> None:
    """ResNets take pixels as they are, less the ImageNet mean of red, green and blue."""
    entry = ENTRIES[f"ssd_resnet{layers}_v1_fpn"]
    assert entry.scale == (1, 1, 1)
    assert entry.offset == (123.68, 116.779, 103.939)


def test_explicit_padding_is_refused() -> None:
    """The OD API has no such ResNet pyramid."""
    with tf.Graph().as_default():
        image = tf.placeholder(tf.float32, [1, 64, 64, 3])
        changed = options(use_explicit_padding=True)
        with pytest.raises(ConfigError, match=r"use_explicit_padding on a ResNet.*remove"):
            ENTRIES["ssd_resnet50_v1_fpn"].build(image, changed)


@pytest.mark.parametrize("is_training", [False, True])
def test_batch_norm_follows_is_training(short: int, is_training: bool) -> None:
    """In the backbone and in the pyramid alike."""
    changed = options(depth_multiplier=0.125, pyramid=Pyramid(5, 6, 8), is_training=is_training)
    with bare_graph() as graph:
        image = tf.placeholder(tf.float32, [1, 64, 64, 3])
        ENTRIES[f"ssd_resnet{short}_v1_fpn"].build(image, changed)
    norms = [node for node in graph.as_graph_def().node if node.op.startswith("FusedBatchNorm")]
    assert {node.attr["is_training"].b for node in norms} == {is_training}
    assert any("/fpn/" in node.name for node in norms)
