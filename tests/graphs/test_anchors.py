"""Anchors: counts, places, sizes and order, and the refusals of what makes no anchors."""

import math

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ConfigError
from validation.graphs import anchors
from validation.graphs.anchors import AnchorGenerator, PyramidAnchors, SsdAnchors, anchor_generator
from validation.pipeline.messages import message_class

RATIOS = "aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]"
SSD = f"ssd_anchor_generator {{ {RATIOS} %s }}"
STRIDES = "_stride: [16, 32, 64, 128, 256, 512] "
STRIDED = SSD % ("height" + STRIDES + "width" + STRIDES)
PYRAMID = "multiscale_anchor_generator { aspect_ratios: [1.0, 2.0, 0.5] %s }"
GRIDS = (
    "flexible_grid_anchor_generator {"
    "  anchor_grid { base_sizes: [20, 30] aspect_ratios: [1.0, 4.0]"
    "    height_stride: 10 width_stride: 20 height_offset: 5 width_offset: 7 }"
    "  anchor_grid { base_sizes: 50 aspect_ratios: 1.0 height_stride: 40 width_stride: 50 } }"
)
AT_300 = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
AT_320 = [(20, 20), *AT_300[1:]]

few = settings(deadline=None, max_examples=40)
sides = st.integers(1, 7)
images = st.tuples(st.integers(32, 700), st.integers(32, 700))
scale_values = st.floats(0.05, 0.98)
ratio_values = st.floats(0.2, 5.0)


def generator(text: str) -> AnchorGenerator:
    """A generator from the text of an AnchorGenerator message."""
    message = text_format.Parse(text, message_class("AnchorGenerator")())
    return anchor_generator(message, "line 7")


def levels(side: int, finest: int, coarsest: int) -> list[tuple[int, int]]:
    """Cells of the levels of a pyramid on a square image."""
    return [(math.ceil(side / 2**level),) * 2 for level in range(finest, coarsest + 1)]


@pytest.mark.parametrize(
    ("text", "cells", "side", "count"),
    [
        (SSD % "", AT_300, 300, 1917),
        (SSD % "", AT_320, 320, 2034),
        (STRIDED, AT_320, 320, 2034),
        (SSD % "reduce_boxes_in_lowest_layer: false min_scale: 0.15", AT_300, 300, 3000),
        (PYRAMID % "", levels(640, 3, 7), 640, 51150),
        (PYRAMID % "", levels(256, 3, 7), 256, 8184),
        (PYRAMID % "min_level: 2", levels(512, 2, 7), 512, 131040),
        (PYRAMID % "max_level: 6 scales_per_octave: 3", levels(320, 3, 6), 320, 19125),
    ],
)
def test_counts_of_the_zoo(text: str, cells: list, side: int, count: int) -> None:
    """The zoo's generators make as many anchors as its models have rows."""
    made = generator(text)
    corners = made.corners(cells, (side, side))
    assert corners.shape == (count, 4)
    assert corners.dtype == np.float32
    assert count == sum(
        rows * columns * per for (rows, columns), per in zip(cells, made.per_location, strict=True)
    )


# Read from graphs of the OD API: ssd_mobilenet_v1_coco, facessd_mobilenet_v2 and
# ssd_mobilenet_v1_fpn (anchor, ymin, xmin, ymax, xmax).
GOLDEN = {
    "fills the image": (
        SSD % "",
        AT_300,
        300,
        {
            0: (-0.0236841999, -0.0236841999, 0.0763157979, 0.0763157979),
            20: (-0.1151055992, 0.2713946104, 0.1677372009, 0.4128158987),
            806: (0.6217365861, 0.0608683005, 0.9045792818, 0.2022895962),
            1552: (0.6262564063, 0.6025125980, 0.8737437129, 1.0974874496),
            1916: (0.0126603004, 0.0126603004, 0.9873396754, 0.9873396754),
        },
    ),
    "strides in pixels": (
        STRIDED,
        AT_320,
        320,
        {
            21: (-0.0250000004, 0.3249999881, 0.0750000030, 0.4250000119),
            856: (0.6542893052, 0.1335785985, 0.7957106233, 0.4164214134),
            1647: (0.6489636898, 0.1468912065, 0.8510363102, 0.7531087995),
            2033: (0.3126603067, 0.3126603067, 1.2873396873, 1.2873396873),
        },
    ),
    "pyramid": (
        PYRAMID % "",
        levels(640, 3, 7),
        640,
        {
            0: (-0.0187500007, -0.0187500007, 0.03125, 0.03125),
            538: (-0.0166053008, 0.1010722965, 0.0541053005, 0.1364277005),
            21536: (0.5385723114, 0.8333945870, 0.5739277005, 0.9041054249),
            51149: (0.1000000015, 0.5, 1.7000000477, 1.3000000715),
        },
    ),
}


@pytest.mark.parametrize("generated", GOLDEN)
def test_places_of_the_zoo(generated: str) -> None:
    """Anchors stand where the OD API's graphs have them, to the last bit of float32 or so."""
    text, cells, side, rows = GOLDEN[generated]
    corners = generator(text).corners(cells, (side, side))
    np.testing.assert_allclose(corners[list(rows)], list(rows.values()), rtol=0, atol=2e-7)


@few
@given(cells=st.tuples(sides, sides), image=images, scale=scale_values, ratio=ratio_values)
def test_an_ssd_grid_fills_a_rectangular_image(
    cells: tuple[int, int], image: tuple[int, int], scale: float, ratio: float
) -> None:
    """Centres are those of the cells; sizes are in shares of the shorter side."""
    corners = SsdAnchors((((scale, ratio),),)).corners([cells], image).astype(np.float64)
    assert corners.shape == (cells[0] * cells[1], 4)
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    expected = [
        ((row + 0.5) / cells[0], (column + 0.5) / cells[1])
        for row in range(cells[0])
        for column in range(cells[1])
    ]
    np.testing.assert_allclose(centres, expected, atol=1e-6)
    pixels = (corners[:, 2:] - corners[:, :2]) * np.array(image)
    shorter = min(image)
    expected_size = (scale / math.sqrt(ratio) * shorter, scale * math.sqrt(ratio) * shorter)
    np.testing.assert_allclose(pixels, np.tile(expected_size, (len(corners), 1)), rtol=1e-4)


@few
@given(image=images, stride=st.tuples(sides, sides), offset=st.tuples(sides, sides))
def test_strides_and_offsets_are_pixels(
    image: tuple[int, int], stride: tuple[int, int], offset: tuple[int, int]
) -> None:
    """With both given, centre (row, column) is at offset + index * stride in pixels."""
    made = SsdAnchors((((0.5, 1.0),),), strides=(stride,), offsets=(offset,))
    corners = made.corners([(3, 4)], image).astype(np.float64)
    pixels = (corners[:, :2] + corners[:, 2:]) / 2 * np.array(image)
    rows, columns = np.divmod(np.arange(12), 4)
    expected = np.stack([rows * stride[0] + offset[0], columns * stride[1] + offset[1]], axis=1)
    np.testing.assert_allclose(pixels, expected, atol=1e-3)


def test_offsets_default_to_half_a_stride() -> None:
    """Strides alone put the first centre half a stride into the image."""
    made = SsdAnchors((((0.5, 1.0),),), strides=((40, 60),))
    ymin, xmin, ymax, xmax = made.corners([(1, 1)], (200, 300))[0]
    assert ((ymin + ymax) / 2, (xmin + xmax) / 2) == pytest.approx((0.1, 0.1))


@few
@given(scales=st.lists(scale_values, min_size=2, max_size=5))
def test_the_extra_anchor_lies_between_two_scales(scales: list[float]) -> None:
    """It has the geometric mean of its layer's scale and the next; 1 follows the last."""
    text = f"num_layers: {len(scales)} scales: {scales} interpolated_scale_aspect_ratio: 2.5"
    made = generator(SSD % f"{text} reduce_boxes_in_lowest_layer: false")
    assert isinstance(made, SsdAnchors)
    for boxes, scale, following in zip(made.boxes, scales, [*scales[1:], 1.0], strict=True):
        assert boxes[0] == pytest.approx((scale, 1.0), rel=1e-6)
        assert boxes[-1] == pytest.approx((math.sqrt(scale * following), 2.5), rel=1e-6)


def test_scales_are_spread_evenly() -> None:
    """Without scales they run from min_scale to max_scale in equal steps."""
    made = generator(SSD % "num_layers: 4 min_scale: 0.25 max_scale: 1.0")
    assert isinstance(made, SsdAnchors)
    assert [boxes[1][0] for boxes in made.boxes] == [0.25, 0.5, 0.75, 1.0]


def test_a_scale_beyond_the_layers_ends_the_last_interpolation() -> None:
    """A scale more than layers takes the place of 1."""
    made = generator(SSD % "num_layers: 1 scales: [0.25, 0.64] reduce_boxes_in_lowest_layer: false")
    assert isinstance(made, SsdAnchors)
    assert made.boxes[0][-1] == pytest.approx((0.4, 1.0))


def test_the_lowest_layer_is_reduced() -> None:
    """Three anchors: a small square and two of the layer's scale; other layers have all."""
    made = generator(SSD % "num_layers: 2 scales: [0.5, 0.75]")
    assert isinstance(made, SsdAnchors)
    assert made.boxes[0] == ((0.1, 1.0), (0.5, 2.0), (0.5, 0.5))
    assert made.per_location == (3, 6)


def test_no_extra_anchor_for_ratio_zero() -> None:
    """interpolated_scale_aspect_ratio 0 leaves the listed ratios alone."""
    assert generator(SSD % "interpolated_scale_aspect_ratio: 0").per_location == (3, *[5] * 5)


def test_base_size_stretches_anchors() -> None:
    """base_anchor_height and base_anchor_width are factors of height and width."""
    plain = generator(SSD % "").corners(AT_300, (300, 300)).astype(np.float64)
    made = generator(SSD % "base_anchor_height: 0.5 base_anchor_width: 2.0")
    stretched = made.corners(AT_300, (300, 300)).astype(np.float64)
    ratio = (stretched[:, 2:] - stretched[:, :2]) / (plain[:, 2:] - plain[:, :2])
    np.testing.assert_allclose(ratio, np.tile([0.5, 2.0], (1917, 1)), rtol=1e-5)


@few
@given(
    image=images,
    finest=st.integers(2, 4),
    count=st.integers(1, 3),
    ratio=ratio_values,
    anchor_scale=st.floats(1.0, 6.0),
)
def test_a_pyramid_on_a_rectangular_image(
    image: tuple[int, int], finest: int, count: int, ratio: float, anchor_scale: float
) -> None:
    """Every level has its stride; centres are moved in where the stride divides the side."""
    numbers = tuple(range(finest, finest + count))
    made = PyramidAnchors((((1.0, ratio),),) * len(numbers), numbers, anchor_scale)
    cells = [(math.ceil(image[0] / 2**n), math.ceil(image[1] / 2**n)) for n in numbers]
    corners = made.corners(cells, image).astype(np.float64) * np.tile(image, 2)
    expected = []
    for level, (rows, columns) in zip(numbers, cells, strict=True):
        stride = 2**level
        top, left = (stride / 2 if side % stride == 0 else 0 for side in image)
        height = stride * anchor_scale / math.sqrt(ratio)
        width = stride * anchor_scale * math.sqrt(ratio)
        for row in range(rows):
            for column in range(columns):
                y, x = row * stride + top, column * stride + left
                box = (y - height / 2, x - width / 2, y + height / 2, x + width / 2)
                expected.append(box)
    np.testing.assert_allclose(corners, expected, atol=2e-3)
    centres = (corners[:, :2] + corners[:, 2:]) / 2
    assert (centres > -2e-3).all()
    assert (centres < np.array(image)).all()


def test_the_scale_varies_fastest_in_a_pyramid() -> None:
    """In a cell the octave's scales follow each other for each aspect ratio."""
    made = generator(PYRAMID % "min_level: 3 max_level: 3 anchor_scale: 2.0")
    corners = made.corners([(1, 1)], (8, 8)) * 8
    heights, widths = (corners[:, 2:] - corners[:, :2]).T
    half, octave = math.sqrt(0.5), math.sqrt(2)
    expected = [16, 16 * octave, 16 * half, 16, 16 * octave, 32]
    np.testing.assert_allclose(heights, expected, rtol=1e-6)
    np.testing.assert_allclose(heights * widths, [256, 512] * 3, rtol=1e-6)


@few
@given(st.data())
def test_anchors_of_a_cell_follow_each_other(data: st.DataObject) -> None:
    """Row by row, cell by cell, box by box; feature maps one after the other."""
    cells = data.draw(st.lists(st.tuples(sides, sides), min_size=1, max_size=3))
    boxes = tuple(
        tuple(data.draw(st.lists(st.tuples(scale_values, ratio_values), min_size=1, max_size=3)))
        for _ in cells
    )
    layer = data.draw(st.integers(0, len(cells) - 1))
    row = data.draw(st.integers(0, cells[layer][0] - 1))
    column = data.draw(st.integers(0, cells[layer][1] - 1))
    box = data.draw(st.integers(0, len(boxes[layer]) - 1))
    corners = SsdAnchors(boxes).corners(cells, (100, 100))
    before = sum(
        rows * columns * len(kind)
        for (rows, columns), kind in zip(cells[:layer], boxes[:layer], strict=True)
    )
    index = before + (row * cells[layer][1] + column) * len(boxes[layer]) + box
    ymin, xmin, ymax, xmax = corners[index]
    assert (ymin + ymax) / 2 == pytest.approx((row + 0.5) / cells[layer][0], abs=1e-5)
    assert (xmin + xmax) / 2 == pytest.approx((column + 0.5) / cells[layer][1], abs=1e-5)
    assert (ymax - ymin) * (xmax - xmin) == pytest.approx(boxes[layer][box][0] ** 2, rel=1e-3)


def test_written_out_grids() -> None:
    """flexible_grid_anchor_generator takes sizes, strides and offsets in pixels."""
    made = generator(GRIDS)
    assert made.per_location == (2, 1)
    corners = made.corners([(1, 2), (1, 1)], (100, 200)) * [100, 200, 100, 200]
    expected = [
        (-5, -3, 15, 17),
        (5 - 7.5, 7 - 30, 5 + 7.5, 7 + 30),
        (-5, 17, 15, 37),
        (5 - 7.5, 27 - 30, 5 + 7.5, 27 + 30),
        (-25, -25, 25, 25),
    ]
    np.testing.assert_allclose(corners, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"unsupported anchor generator \(line 7\): expected .*, got none"),
        ("grid_anchor_generator {}", "unsupported anchor generator .* got grid_anchor_generator"),
        (SSD % "num_layers: 1", "no spread of scales .* got num_layers 1 without scales"),
        (SSD % "num_layers: 0", "scales do not fit num_layers .* got num_layers 0, 0 scales"),
        (SSD % "num_layers: 3 scales: [0.1, 0.2]", "got num_layers 3, 2 scales"),
        (SSD % "num_layers: 2 height_stride: [8, 16]", "height_stride and width_stride .* 2 and 0"),
        (SSD % "num_layers: 2 height_offset: 1 width_offset: 1", "width_offset .* got 1 and 1"),
        (SSD % "aspect_ratios: 0", "an aspect ratio must be positive .*got 0.0"),
        (
            "ssd_anchor_generator { interpolated_scale_aspect_ratio: 0 }",
            r"a feature map without anchors .* got \[3, 0, 0, 0, 0, 0\]",
        ),
        (PYRAMID % "min_level: 5 max_level: 4", "a feature map without anchors"),
        (PYRAMID % "scales_per_octave: 0", "a feature map without anchors"),
        (PYRAMID % "aspect_ratios: -1", "an aspect ratio must be positive"),
        (PYRAMID % "normalize_coordinates: false", "anchors in pixels cannot be post-processed"),
        (GRIDS.removesuffix("}") + "normalize_coordinates: false }", "anchors in pixels cannot"),
        (GRIDS.replace("50 aspect", "[50, 60] aspect"), "base_sizes .* expected 2 .* got 1"),
        ("flexible_grid_anchor_generator {}", "a feature map without anchors"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    """What the OD API cannot make anchors from either is refused, with the place."""
    with pytest.raises(ConfigError, match=message):
        generator(text)


def test_every_generator_of_the_proto_is_read_or_refused() -> None:
    """A kind that is added to the proto has to be thought of here."""
    oneof = message_class("AnchorGenerator").DESCRIPTOR.oneofs_by_name["anchor_generator_oneof"]
    kinds = {field.name for field in oneof.fields}
    assert kinds == {*anchors._READERS, "grid_anchor_generator"}


@pytest.mark.parametrize("text", [SSD % "", PYRAMID % "", GRIDS])
def test_every_feature_map_needs_its_layer(text: str) -> None:
    """Fewer feature maps than layers of anchors are never passed over."""
    with pytest.raises(ValueError, match="zip"):
        generator(text).corners([(2, 2)], (64, 64))
