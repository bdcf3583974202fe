"""Inception backbones and the SSD extractors on them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import bare_graph

from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors import inception
from validation.graphs.extractors.inception import Conv, Fork, Mixed, Pool, run
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

PLAIN = ConvHyperparams(None, None)


def options(**changes: Any) -> ExtractorOptions:
    """Options of an Inception extractor."""
    fields: dict[str, Any] = {
        "kind": "ssd_inception_v2",
        "depth_multiplier": 1.0,
        "min_depth": 16,
        "pad_to_multiple": 1,
        "use_explicit_padding": False,
        "use_depthwise": False,
        "override_base_hyperparams": True,
        "hyperparams": ConvHyperparams(tf.nn.relu6, BatchNorm(epsilon=0.002, scale=True)),
        "pyramid": Pyramid(),
        "num_layers": 6,
    }
    return ExtractorOptions(**{**fields, **changes})


def variables() -> dict[str, list[int]]:
    return {v.op.name: v.shape.as_list() for v in tf.global_variables()}


def parameters() -> int:
    return sum(math.prod(shape) for shape in variables().values())


def test_rows_feed_one_another() -> None:
    """Every row's output is there under its name; branches and forks lie side by side."""
    table = (
        Conv("first", 4, (3, 3), stride=2, padding="VALID"),
        Mixed(
            "mixed",
            (
                (Conv("a", 2), Fork((Conv("b", 4, (1, 3)), Conv("c", 6, (3, 1))))),
                (Pool("MaxPool_0", stride=1), Conv("d", 8)),
            ),
        ),
        Pool("AvgPool_1", stride=2),
    )
    with bare_graph() as graph:
        with PLAIN.scope():
            found = run(tf.placeholder(tf.float32, [1, 9, 7, 3]), table, lambda c: c // 2)
        shapes = variables()
        ops = {op.name: op.type for op in graph.get_operations()}
    assert {name: net.shape.as_list() for name, net in found.items()} == {
        "first": [1, 4, 3, 2],
        "mixed": [1, 4, 3, 9],
        "AvgPool_1": [1, 2, 2, 9],
    }
    assert shapes["mixed/Branch_0/b/weights"] == [1, 3, 1, 2]
    assert shapes["mixed/Branch_0/c/weights"] == [3, 1, 1, 3]
    assert shapes["mixed/Branch_1/d/weights"] == [1, 1, 2, 4]
    assert ops["mixed/Branch_1/MaxPool_0/MaxPool"] == "MaxPool"
    assert ops["AvgPool_1/AvgPool"] == "AvgPool"


def test_inception_v2() -> None:
    """Sizes of the modules and the OD API's number of parameters, biases for batch norm."""
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, 224, 160, 3])
        with PLAIN.scope():
            found = inception.inception_v2_base(image, lambda channels: channels)
        shapes, count = variables(), parameters()
    assert count == 10_153_336
    assert len(shapes) == 139
    assert shapes["Conv2d_1a_7x7/depthwise_weights"] == [7, 7, 3, 8]
    assert shapes["Conv2d_1a_7x7/pointwise_weights"] == [1, 1, 24, 64]
    assert found["Mixed_3c"].shape.as_list() == [1, 28, 20, 320]
    assert found["Mixed_4e"].shape.as_list() == [1, 14, 10, 576]
    assert found["Mixed_5c"].shape.as_list() == [1, 7, 5, 1024]


def test_inception_v3() -> None:
    """Sizes of the modules and the number of parameters of Keras.

    Of its 21,802,784 without the top, 3 x 17,216 are batch norm; here are biases instead.
    """
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, 299, 299, 3])
        with PLAIN.scope():
            found = inception.inception_v3_base(image, lambda channels: channels)
        shapes, count = variables(), parameters()
    assert count == 21_802_784 - 2 * 17_216
    sizes = {name: found[name].shape.as_list() for name in ("Mixed_5d", "Mixed_6e", "Mixed_7c")}
    assert sizes == {
        "Mixed_5d": [1, 35, 35, 288],
        "Mixed_6e": [1, 17, 17, 768],
        "Mixed_7c": [1, 8, 8, 2048],
    }
    odd = {
        "Mixed_5c/Branch_1/Conv2d_0b_1x1": [1, 1, 256, 48],
        "Mixed_5c/Branch_1/Conv_1_0c_5x5": [5, 5, 48, 64],
        "Mixed_6a/Branch_0/Conv2d_1a_1x1": [3, 3, 288, 384],
        "Mixed_7b/Branch_1/Conv2d_0b_3x1": [3, 1, 384, 384],
        "Mixed_7c/Branch_1/Conv2d_0c_3x1": [3, 1, 384, 384],
    }
    assert {name: shapes[f"{name}/weights"] for name in odd} == odd


@pytest.fixture(params=["v2", "v3"])
def short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An Inception whose table has the modules that SSD reads and nothing else."""
    if request.param == "v2":
        rows = ("Mixed_4c", "Mixed_5c")
        monkeypatch.setitem(inception.TABLES, "inception_v2", _short_table(rows))
    else:
        rows = ("Mixed_5d", "Mixed_6e", "Mixed_7c")
        monkeypatch.setitem(inception.TABLES, "inception_v3", _short_table(rows))
    return str(request.param)


def _short_table(rows: tuple[str, ...]) -> tuple[Conv, ...]:
    return tuple(Conv(row, 64, stride=2) for row in rows)


def build(version: str, changed: ExtractorOptions) -> tuple[list[list[int]], Any]:
    """Shapes of the feature maps of a 100x180 image, and the graph."""
    with bare_graph() as graph:
        image = tf.placeholder(tf.float32, [1, 100, 180, 3])
        found = inception.ENTRIES[f"ssd_inception_{version}"].build(image, changed)
    return [net.shape.as_list() for net in found], graph


def test_added_layers_follow_the_last_module(short: str) -> None:
    """Six feature maps, the added ones named after the last module of the backbone."""
    found, graph = build(short, options(pad_to_multiple=64, depth_multiplier=0.5))
    names = {op.name for op in graph.get_operations()}
    depths = {"v2": [32, 32, 256, 128, 128, 64], "v3": [32, 32, 32, 256, 128, 64]}[short]
    # Padded to 128x192: the separable first layer of V2 and the rows have stride 2 each.
    first = {"v2": (32, 48), "v3": (64, 96)}[short]
    sizes = [(math.ceil(first[0] / 2**n), math.ceil(first[1] / 2**n)) for n in range(6)]
    assert found == [[1, *size, depth] for size, depth in zip(sizes, depths, strict=True)]
    added = {
        "v2": "InceptionV2/Mixed_5c_2_Conv2d_2_3x3_s2_256/weights",
        "v3": "InceptionV3/Mixed_7c_2_Conv2d_3_3x3_s2_256/weights",
    }[short]
    assert added in names


def test_num_layers_limits_the_feature_maps(short: str) -> None:
    """Of the table's six the first few."""
    found, _ = build(short, options(num_layers=4))
    assert len(found) == 4


@pytest.mark.parametrize("flag", [True, False])
def test_conv_hyperparams_go_for_the_backbone(short: str, flag: bool) -> None:
    """Whatever the override flag says: configs older than it leave it out."""
    _, graph = build(short, options(override_base_hyperparams=flag))
    nodes = graph.as_graph_def().node
    epsilons = {node.attr["epsilon"].f for node in nodes if node.op.startswith("FusedBatchNorm")}
    assert list(epsilons) == [pytest.approx(0.002)]
    assert not any(node.op == "Relu" for node in nodes)
    assert any(node.op == "Relu6" for node in nodes)


@pytest.mark.parametrize("is_training", [False, True])
def test_batch_norm_follows_is_training(short: str, is_training: bool) -> None:
    """In the backbone and in the added layers alike."""
    _, graph = build(short, options(is_training=is_training))
    norms = [node for node in graph.as_graph_def().node if node.op.startswith("FusedBatchNorm")]
    assert {node.attr["is_training"].b for node in norms} == {is_training}
    assert any("Mixed_5" in node.name and "_s2_" not in node.name for node in norms)
