"""SSD extractors on MobileNet V1, V2, V3 and EdgeTPU, and the embedded one."""

from __future__ import annotations

import functools
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import built_extractor, digest_of, extractor_options, variable_shapes

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors import embedded, mobilenet_v1, mobilenet_v2_v3
from validation.graphs.extractors.inverted_residual import TABLES, squeeze_excite, table_base
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

ENTRIES: dict[str, ExtractorEntry] = {
    **embedded.ENTRIES,
    **mobilenet_v1.ENTRIES,
    **mobilenet_v2_v3.ENTRIES,
}
GIVEN = ConvHyperparams(tf.nn.relu, BatchNorm(epsilon=0.25))
options = functools.partial(extractor_options, override_base_hyperparams=False)


V1_075 = options("ssd_mobilenet_v1", depth_multiplier=0.75, override_base_hyperparams=True)
V2 = options("ssd_mobilenet_v2", use_depthwise=True)
LARGE = options("ssd_mobilenet_v3_large", use_depthwise=True, override_base_hyperparams=True)
SMALL = options("ssd_mobilenet_v3_small", use_depthwise=True, override_base_hyperparams=True)
EDGETPU = options("ssd_mobilenet_edgetpu", use_depthwise=True, override_base_hyperparams=True)
PUBLISHED = ("v1", "v2", "v3_large", "v3_small", "edgetpu")

EMBEDDED = options("embedded_ssd_mobilenet_v1", depth_multiplier=0.125)


@pytest.mark.parametrize(
    ("published", "side", "count", "parameters", "expected"),
    [
        (V1_075, 300, 175, 3086928, "fccdf8dafa9a1e7d"),
        (V2, 300, 320, 2919552, "59b3163d999907f8"),
        (LARGE, 320, 322, 2096400, "1b52c5031936272d"),
        (SMALL, 320, 266, 855264, "a2f5c4c4367fd5f6"),
        (EDGETPU, 320, 345, 2981472, "6b9066ecea4ba4c9"),
    ],
    ids=PUBLISHED,
)
def test_variables_are_those_of_the_od_api(
    published: ExtractorOptions, side: int, count: int, parameters: int, expected: str
) -> None:
    """Names and shapes are what the OD API's builder makes of the published config."""
    graph, _ = built_extractor(published, side, side)
    shapes = variable_shapes(graph)
    assert len(shapes) == count
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == parameters
    assert digest_of(shapes) == expected


@pytest.mark.parametrize(
    ("published", "side", "channels"),
    [
        (V1_075, 300, [384, 768, 384, 192, 192, 96]),
        (V2, 300, [576, 1280, 512, 256, 256, 128]),
        (LARGE, 320, [672, 480, 512, 256, 256, 128]),
        (SMALL, 320, [288, 288, 512, 256, 256, 128]),
        (EDGETPU, 320, [384, 192, 512, 256, 256, 128]),
    ],
    ids=PUBLISHED,
)
def test_feature_maps(published: ExtractorOptions, side: int, channels: list[int]) -> None:
    """Six maps from stride 16 on, each half of the one before, rounded up."""
    _, maps = built_extractor(published, side, side)
    sides = [-(-side // 16), 10, 5, 3, 2, 1]
    assert [net.shape.as_list() for net in maps] == [
        [1, cells, cells, depth] for cells, depth in zip(sides, channels, strict=True)
    ]


@pytest.mark.parametrize(
    ("published", "side", "activations"),
    [
        # Overridden by relu6, which is V1's own as well.
        (V1_075, 300, {"Relu6": 35}),
        (V2, 300, {"Relu6": 47}),
        # relu6 is the upper half of hard-swish and of the gates too.
        (LARGE, 320, {"Relu": 11 + 8, "Relu6": 20 + 8 + 12}),
        (SMALL, 320, {"Relu": 5 + 9, "Relu6": 18 + 9 + 12}),
        (EDGETPU, 320, {"Relu": 1 + 8 + 2 * 13, "Relu6": 12}),
    ],
    ids=PUBLISHED,
)
def test_activations(published: ExtractorOptions, side: int, activations: dict[str, int]) -> None:
    """Backbones have those of their tables; the twelve of the added layers are the config's."""
    graph, _ = built_extractor(published, side, side)
    found = Counter(node.op for node in graph.as_graph_def().node)
    assert {op: found[op] for op in ("Relu", "Relu6") if found[op]} == activations


@pytest.mark.parametrize(
    ("published", "side", "names"),
    [
        (
            V1_075,
            300,
            ["MobilenetV1/Conv2d_0/Conv2D", "Conv2d_13_pointwise_1_Conv2d_2_1x1_192/Relu6"],
        ),
        (V2, 300, ["Conv/Relu6", "expanded_conv_13/expansion_output", "expanded_conv_16/output"]),
    ],
    ids=["v1", "v2"],
)
def test_operations_are_named_as_in_published_graphs(
    published: ExtractorOptions, side: int, names: list[str]
) -> None:
    """Tensors of a published frozen graph are found by name in one that was built."""
    graph, _ = built_extractor(published, side, side)
    scope = "MobilenetV1" if published is V1_075 else "MobilenetV2"
    found = {operation.name for operation in graph.get_operations()}
    assert {f"FeatureExtractor/{scope}/{name}" for name in names} <= found


@pytest.mark.parametrize(
    ("module", "kind", "base", "first", "second"),
    [
        (mobilenet_v1, "ssd_mobilenet_v1", "mobilenet_v1_base", "Conv2d_11_pointwise",
         "Conv2d_13_pointwise"),
        (mobilenet_v2_v3, "ssd_mobilenet_v2", "table_base", "layer_15/expansion_output",
         "layer_19"),
        (mobilenet_v2_v3, "ssd_mobilenet_edgetpu", "table_base", "layer_18/expansion_output",
         "layer_23"),
    ],
    ids=["v1", "v2", "edgetpu"],
)  # fmt: skip
def test_num_layers_cuts_the_maps(
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    kind: str,
    base: str,
    first: str,
    second: str,
) -> None:
    """Three layers are the backbone's two and one added."""
    with tf.Graph().as_default():
        image = tf.placeholder(tf.float32, [1, 60, 130, 3])
        endpoints = {
            first: tf.placeholder(tf.float32, [1, 4, 9, 8]),
            second: tf.placeholder(tf.float32, [1, 2, 5, 8]),
        }
        monkeypatch.setattr(module, base, lambda *_: endpoints)
        maps = ENTRIES[kind].build(image, options(kind, num_layers=3))
    assert list(maps[:2]) == [endpoints[first], endpoints[second]]
    assert [net.shape.as_list() for net in maps[2:]] == [[1, 1, 3, 512]]


def v1_base(given_options: ExtractorOptions, *arguments: Any, **changes: Any) -> tf.Graph:
    """The graph of the V1 backbone alone."""
    with tf.Graph().as_default() as graph, tf.variable_scope("MobilenetV1"):
        image = tf.placeholder(tf.float32, [1, 40, 40, 3])
        mobilenet_v1.mobilenet_v1_base(image, given_options, *arguments, **changes)
    return graph


@pytest.mark.parametrize(
    ("override", "hyperparams", "epsilon", "activation", "gammas"),
    [
        (False, GIVEN, 0.001, "Relu6", 3),
        (True, GIVEN, 0.25, "Relu", 0),
        (True, ConvHyperparams(tf.nn.relu, None), 0.001, "Relu", 3),
    ],
)
def test_hyperparams_of_v1(
    override: bool, hyperparams: ConvHyperparams, epsilon: float, activation: str, gammas: int
) -> None:
    """V1 takes all of conv_hyperparams when they override, but keeps a batch norm."""
    given_options = options(
        "ssd_mobilenet_v1", override_base_hyperparams=override, hyperparams=hyperparams
    )
    graph = v1_base(given_options, "Conv2d_1_pointwise")
    nodes = graph.as_graph_def().node
    norms = [node.attr["epsilon"].f for node in nodes if node.op == "FusedBatchNormV3"]
    assert norms == pytest.approx([epsilon] * 3)
    assert [node.op for node in nodes if node.op.startswith("Relu")] == [activation] * 3
    assert sum(name.endswith("gamma") for name in variable_shapes(graph)) == gammas


def test_v1_stops_at_the_final_endpoint() -> None:
    """A depthwise layer can be the last; nothing behind it is built."""
    graph = v1_base(options("ssd_mobilenet_v1"), "Conv2d_2_depthwise")
    assert {name.split("/")[1] for name in variable_shapes(graph)} == {
        "Conv2d_0", "Conv2d_1_depthwise", "Conv2d_1_pointwise", "Conv2d_2_depthwise"
    }  # fmt: skip


def test_v1_refuses_an_unknown_endpoint() -> None:
    """The message lists the layers of the table that was given."""
    table = mobilenet_v1.MOBILENET_V1[:1]
    with pytest.raises(ConfigError, match="no such layer: expected Conv2d_0, got Conv2d_13_point"):
        v1_base(options("ssd_mobilenet_v1"), layers=table)


def test_v1_pads_by_the_kernel() -> None:
    """With explicit padding every 3x3 convolution is VALID behind a Pad."""
    given_options = options("ssd_mobilenet_v1", use_explicit_padding=True)
    nodes = v1_base(given_options, "Conv2d_2_pointwise").as_graph_def().node
    assert sum(node.op == "Pad" for node in nodes) == 3
    depthwise = [node for node in nodes if node.op == "DepthwiseConv2dNative"]
    assert {node.attr["padding"].s for node in depthwise} == {b"VALID"}


def test_squeeze_excite_against_numpy() -> None:
    """Average, 1x1 with relu to a quarter, 1x1 with hard sigmoid, product; no batch norm."""
    rng = np.random.default_rng(3)
    image = rng.normal(size=(1, 2, 3, 40)).astype(np.float32)
    norm = ConvHyperparams(tf.nn.relu6, BatchNorm())
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        with norm.scope():
            output = squeeze_excite(tf.constant(image))
        shapes = variable_shapes(graph)
        values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        for variable in tf.global_variables():
            variable.load(values[variable.op.name], session)
        result = session.run(output)
    assert shapes == {
        "squeeze_excite/Conv/weights": [1, 1, 40, 16],
        "squeeze_excite/Conv/biases": [16],
        "squeeze_excite/Conv_1/weights": [1, 1, 16, 40],
        "squeeze_excite/Conv_1/biases": [40],
    }

    def dense(net: Any, name: str) -> Any:
        scope = f"squeeze_excite/{name}"
        return net @ values[f"{scope}/weights"][0, 0] + values[f"{scope}/biases"]

    squeezed = np.maximum(dense(image.mean(axis=(1, 2)), "Conv"), 0)
    gate = np.clip(dense(squeezed, "Conv_1") + 3, 0, 6) * 0.16667
    assert np.any((gate > 0) & (gate < 1))
    np.testing.assert_allclose(result, image * gate[:, None, None], rtol=1e-4, atol=1e-5)


def test_v3_grows_with_explicit_padding() -> None:
    """The reference pads the input of a block whose convolutions pad too; so do its maps."""
    given_options = options("ssd_mobilenet_v3_small", use_explicit_padding=True)
    with tf.Graph().as_default():
        image = tf.placeholder(tf.float32, [1, 64, 64, 3])
        table = TABLES["mobilenet_v3_small"][:5]
        found = table_base(image, given_options, "layer_5", table)
    # The first convolution halves; a block makes (side + kernel - 1) / stride of a side.
    sides = [found[f"layer_{number}"].shape.as_list()[1] for number in range(1, 6)]
    assert sides == [32, 17, 10, 12, 8]


def test_edgetpu_refuses_explicit_padding() -> None:
    """The reference cannot build it either."""
    with pytest.raises(ConfigError, match="use_explicit_padding does not go with fused blocks"):
        built_extractor(options("ssd_mobilenet_edgetpu", use_explicit_padding=True), 64, 64)


def test_embedded_has_five_maps_down_to_one_cell() -> None:
    """The last kernel is 2x2, as large as the map that it reads."""
    graph, maps = built_extractor(EMBEDDED, 256, 256)
    assert [net.shape.as_list()[1:] for net in maps] == [
        [16, 16, 64],
        [8, 8, 128],
        [4, 4, 64],
        [2, 2, 32],
        [1, 1, 32],
    ]
    name = "FeatureExtractor/MobilenetV1/Conv2d_13_pointwise_2_Conv2d_4_2x2_s2_32/weights"
    assert variable_shapes(graph)[name] == [2, 2, 16, 32]


def test_embedded_refuses_other_sizes() -> None:
    """The reference does so too."""
    with pytest.raises(ConfigError, match=r"one image size .*: expected 256x256, got 256x300"):
        built_extractor(EMBEDDED, 256, 300)


def test_embedded_refuses_padding() -> None:
    """The reference does so too."""
    with pytest.raises(ConfigError, match=r"does not pad .*: expected 1, got 32"):
        built_extractor(options("embedded_ssd_mobilenet_v1", pad_to_multiple=32), 256, 256)
