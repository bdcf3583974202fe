"""The feature pyramid, and the MobileNet extractors that end in one."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import bare_graph, extractor_options
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors import inverted_residual, mobilenet_v1
from validation.graphs.extractors.fpn import PyramidConvs, feature_pyramid, top_down, upsample
from validation.graphs.extractors.mobilenet_fpn import ENTRIES, MobilenetFpn
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams

# tf-slim calls its layers in a way that TensorFlow 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated")

PLAIN = ConvHyperparams(None, None)
NORMALISED = ConvHyperparams(tf.nn.relu6, BatchNorm(scale=True))
options = functools.partial(
    extractor_options,
    kind="ssd_mobilenet_v1_fpn",
    min_depth=1,
    hyperparams=NORMALISED,
    pyramid=Pyramid(3, 7, 16),
)


def maps(*shapes: tuple[int, ...], first: int = 3) -> dict[int, tf.Tensor]:
    """Placeholders by level, finest first."""
    return {level: tf.placeholder(tf.float32, shape) for level, shape in enumerate(shapes, first)}


def shapes(tensors: list[tf.Tensor]) -> list[list[int]]:
    return [tensor.shape.as_list() for tensor in tensors]


def variables() -> dict[str, list[int]]:
    return {v.op.name: v.shape.as_list() for v in tf.global_variables()}


def smoothed(features: NDArray[Any], weights: NDArray[Any], bias: NDArray[Any]) -> NDArray[Any]:
    """3x3 convolution with one pixel of zeros around, in NumPy."""
    padded = np.pad(features, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = features.shape[1:3]
    total = np.zeros((*features.shape[:3], weights.shape[-1])) + bias
    for row in range(3):
        for column in range(3):
            window = padded[:, row : row + height, column : column + width]
            total += window @ weights[row, column]
    return total


@pytest.mark.parametrize("explicit", [False, True])
def test_sums_go_down_unsmoothed(explicit: bool) -> None:
    """Each level is the smoothed sum of its projection and the repeated coarser sum."""
    height, width = 1, 3
    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=(1, height * scale, width * scale, 2 + scale)) for scale in (4, 2, 1)]
    with tf.Graph().as_default() as graph:
        backbone = [tf.constant(array, tf.float32) for array in inputs]
        with PLAIN.scope():
            found = top_down(backbone, PyramidConvs(3, explicit=explicit), where="here")
        values = {
            v.op.name: rng.normal(size=v.shape.as_list()).astype(np.float32)
            for v in tf.global_variables()
        }
        with tf.Session(graph=graph) as session:
            for variable in tf.global_variables():
                variable.load(values[variable.op.name], session)
            results = session.run(found)

    def projected(number: int) -> NDArray[Any]:
        name = f"projection_{number}"
        return inputs[number - 1] @ values[f"{name}/weights"][0, 0] + values[f"{name}/biases"]

    merged = projected(3)
    expected = [merged]
    for number in (2, 1):
        merged = merged.repeat(2, axis=1).repeat(2, axis=2) + projected(number)
        name = f"smoothing_{number}"
        expected.insert(0, smoothed(merged, values[f"{name}/weights"], values[f"{name}/biases"]))
    for result, right in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, right, rtol=1e-4, atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(arrays(np.float32, st.tuples(*[st.integers(1, 4)] * 4), elements=st.floats(-9, 9, width=32)))
def test_upsampling_repeats(image: NDArray[np.float32]) -> None:
    """Every pixel comes back as a square of four."""
    found = np.asarray(upsample(tf.convert_to_tensor(image)))
    np.testing.assert_array_equal(found, image.repeat(2, axis=1).repeat(2, axis=2))


def test_upsampling_is_one_op() -> None:
    """TFLite has a builtin for ResizeNearestNeighbor; pack and reshape crash it."""
    with tf.Graph().as_default() as graph:
        upsample(tf.placeholder(tf.float32, [1, 2, 3, 4]))
        ops = {node.op for node in graph.as_graph_def().node}
    assert ops == {"Placeholder", "Const", "ResizeNearestNeighbor"}


def test_levels_above_the_backbone_are_made_by_stride_2() -> None:
    """Levels 6 and 7 follow level 5, each named by coarse_scope; odd sides round up."""
    with tf.Graph().as_default():
        levels = maps((1, 20, 12, 8), (1, 10, 6, 8), (1, 5, 3, 8))
        found = feature_pyramid(levels, options(), lambda level: f"level{level}")
        names = variables()
    assert shapes(found) == [
        [1, 20, 12, 16], [1, 10, 6, 16], [1, 5, 3, 16], [1, 3, 2, 16], [1, 2, 1, 16]
    ]  # fmt: skip
    assert {name.split("/")[1] for name in names} == {
        "projection_1", "projection_2", "projection_3", "smoothing_1", "smoothing_2", "level6",
        "level7",
    }  # fmt: skip
    assert names["fpn/level7/weights"] == [3, 3, 16, 16]
    assert "fpn/projection_1/biases" in names
    assert "fpn/smoothing_1/biases" not in names


def test_numbers_count_from_the_finest_level_used() -> None:
    """A pyramid of levels 4 and 5 has projection_1 on level 4 and nothing above."""
    with tf.Graph().as_default():
        levels = maps((1, 8, 8, 3), (1, 4, 4, 5), (1, 2, 2, 7))
        found = feature_pyramid(levels, options(pyramid=Pyramid(4, 5, 16)), str)
        names = variables()
    assert shapes(found) == [[1, 4, 4, 16], [1, 2, 2, 16]]
    assert names["fpn/projection_1/weights"] == [1, 1, 5, 16]
    assert not any("smoothing_2" in name for name in names)


def test_depth_follows_the_multiplier() -> None:
    """Channels of the levels are multiplied, and min_depth holds."""
    with tf.Graph().as_default():
        changed = options(depth_multiplier=0.25, min_depth=6)
        found = feature_pyramid(maps((1, 2, 2, 3), first=3), changed, str)
    assert shapes(found)[0] == [1, 2, 2, 6]


def test_depthwise_smoothing_is_separable() -> None:
    """use_depthwise separates the 3x3 convolutions, not the projections."""
    with tf.Graph().as_default():
        levels = maps((1, 4, 4, 3), (1, 2, 2, 3), first=4)
        feature_pyramid(
            levels, options(pyramid=Pyramid(4, 6, 16)), "level{}".format, depthwise=True
        )
        names = variables()
    for scope in ("smoothing_1", "level6"):
        assert names[f"fpn/{scope}/depthwise_weights"] == [3, 3, 16, 1]
        assert names[f"fpn/{scope}/pointwise_weights"] == [1, 1, 16, 16]
    assert names["fpn/projection_1/weights"] == [1, 1, 3, 16]


def test_explicit_padding_cuts_what_is_over() -> None:
    """A side of 5 halves to 3 and comes back as 6; with explicit padding one row goes."""
    with tf.Graph().as_default():
        levels = maps((1, 5, 8, 3), (1, 3, 4, 3), first=4)
        found = feature_pyramid(levels, options(pyramid=Pyramid(4, 5, 16)), str, explicit=True)
    assert shapes(found) == [[1, 5, 8, 16], [1, 3, 4, 16]]


def test_sizes_that_do_not_halve_are_refused() -> None:
    """As in the OD API; the message says which sizes met and what to set."""
    with tf.Graph().as_default():
        levels = maps((1, 5, 8, 3), (1, 3, 4, 3), first=4)
        with pytest.raises(ConfigError, match=r"halve exactly.*5x8.*6x8.*pad_to_multiple"):
            feature_pyramid(levels, options(pyramid=Pyramid(4, 5, 16)), str)


@pytest.mark.parametrize(("least", "most"), [(2, 7), (6, 7), (5, 4)])
def test_levels_that_are_not_there_are_refused(least: int, most: int) -> None:
    """Finer than the backbone, coarser than the backbone, or none at all."""
    with tf.Graph().as_default():
        levels = maps((1, 8, 8, 3), (1, 4, 4, 3), (1, 2, 2, 3))
        message = rf"3 <= min_level <= 5.*min_level {least}, max_level {most}"
        with pytest.raises(ConfigError, match=message):
            feature_pyramid(levels, options(pyramid=Pyramid(least, most, 16)), str)


class Backbone:
    """Stands in for a MobileNet base function: strides 4 to 32, odd sides rounded up.

    Args:
        names: Layers of the feature maps, finest first.
    """

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.layers: Sequence[Any] = ()

    def __call__(
        self, image: tf.Tensor, options: ExtractorOptions, _: str, *, layers: Sequence[Any]
    ) -> dict[str, tf.Tensor]:
        """Placeholders with 2, 3, 4 and 5 channels; keeps the table that was asked for."""
        assert isinstance(options, ExtractorOptions)
        self.layers = layers
        sides = [[-(-int(side) // 2**level) for side in image.shape[1:3]] for level in (2, 3, 4, 5)]
        return {
            name: tf.placeholder(tf.float32, [1, *side, channels])
            for channels, (name, side) in enumerate(zip(self.names, sides, strict=True), start=2)
        }


@pytest.fixture
def backbones(monkeypatch: pytest.MonkeyPatch) -> dict[str, Backbone]:
    """Both backbones by version, in place of the real ones."""
    v1 = Backbone([f"Conv2d_{number}_pointwise" for number in (3, 5, 11, 13)])
    v2 = Backbone([f"layer_{number}" for number in (4, 7, 14, 19)])
    for version, backbone in (("v1", v1), ("v2", v2)):
        entry = ENTRIES[kind := f"ssd_mobilenet_{version}_fpn"]
        assert isinstance(entry.build, MobilenetFpn)
        changed = dataclasses.replace(entry.build, base=backbone)
        monkeypatch.setitem(ENTRIES, kind, dataclasses.replace(entry, build=changed))
    return {"v1": v1, "v2": v2}


def build(kind: str, changed: ExtractorOptions, size: tuple[int, int]) -> Any:
    """Shapes of the feature maps and of the variables of an extractor."""
    with bare_graph():
        image = tf.placeholder(tf.float32, [1, *size, 3])
        found = ENTRIES[kind].build(image, changed)
        return shapes(list(found)), variables()


@pytest.mark.usefixtures("backbones")
@pytest.mark.parametrize(
    ("version", "network", "coarse"),
    [("v1", "MobilenetV1", (14, 15)), ("v2", "MobilenetV2", (20, 21))],
)
def test_joints_of_backbone_and_pyramid(
    version: str, network: str, coarse: tuple[int, int]
) -> None:
    """Levels 2 to 5 are the backbone's, 6 and 7 are numbered on from its last layer."""
    found, names = build(
        f"ssd_mobilenet_{version}_fpn", options(pyramid=Pyramid(2, 7, 8)), (64, 128)
    )
    assert found == [[1, 2**n, 2 ** (n + 1), 8] for n in (4, 3, 2, 1, 0)] + [[1, 1, 1, 8]]
    inputs = [names[f"{network}/fpn/projection_{n}/weights"] for n in (1, 2, 3, 4)]
    assert inputs == [[1, 1, channels, 8] for channels in (2, 3, 4, 5)]
    for number in coarse:
        assert names[f"{network}/fpn/bottom_up_Conv2d_{number}/weights"] == [3, 3, 8, 8]


@pytest.mark.usefixtures("backbones")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_explicit_padding_reaches_the_pyramid(version: str) -> None:
    """Sizes that SAME would refuse are cut."""
    changed = options(use_explicit_padding=True, pyramid=Pyramid(4, 5, 8))
    found, _ = build(f"ssd_mobilenet_{version}_fpn", changed, (80, 64))
    assert found == [[1, 5, 4, 8], [1, 3, 2, 8]]


def test_a_full_backbone_is_the_familys_own(backbones: dict[str, Backbone]) -> None:
    """Without use_depthwise nothing is narrowed."""
    build("ssd_mobilenet_v1_fpn", options(), (64, 64))
    build("ssd_mobilenet_v2_fpn", options(), (64, 64))
    assert backbones["v1"].layers == mobilenet_v1.MOBILENET_V1
    assert backbones["v2"].layers == inverted_residual.TABLES["mobilenet_v2"]


def test_depthwise_narrows_the_end_of_mobilenet_v1(backbones: dict[str, Backbone]) -> None:
    """The last two layers have 512 and 256 channels instead of 1024."""
    _, names = build("ssd_mobilenet_v1_fpn", options(use_depthwise=True), (64, 64))
    layers = backbones["v1"].layers
    assert [(layer.depth, layer.stride) for layer in layers[-2:]] == [(512, 2), (256, 1)]
    assert layers[:-2] == mobilenet_v1.MOBILENET_V1[:-2]
    assert names["MobilenetV1/fpn/bottom_up_Conv2d_14/pointwise_weights"] == [1, 1, 16, 16]


def test_mobilenet_v2_fpnlite() -> None:
    """The fpnlite sample of the zoo, on the real backbone: 0.75, separable, narrow end."""
    changed = options(
        kind="ssd_mobilenet_v2_fpn",
        depth_multiplier=0.75,
        min_depth=16,
        use_depthwise=True,
        pyramid=Pyramid(3, 7, 128),
    )
    found, names = build("ssd_mobilenet_v2_fpn", changed, (256, 256))
    assert found == [[1, side, side, 96] for side in (32, 16, 8, 4, 2)]
    assert names["MobilenetV2/Conv_1/weights"] == [1, 1, 240, 192]
    inputs = [names[f"MobilenetV2/fpn/projection_{n}/weights"][2] for n in (1, 2, 3)]
    assert inputs == [24, 72, 192]
    assert names["MobilenetV2/fpn/smoothing_2/depthwise_weights"] == [3, 3, 96, 1]
    assert names["MobilenetV2/fpn/bottom_up_Conv2d_21/pointwise_weights"] == [1, 1, 96, 96]
