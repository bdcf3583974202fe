"""Tables of anchors: those of every generator make sense, those that no SSD can have do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from google.protobuf import text_format

from validation.comparison.anchor_sense import AnchorSense, anchor_sense
from validation.graphs.anchors import anchor_generator
from validation.pipeline.messages import message_class
from validation.policy.load import load_policy

_POLICY = load_policy()
_RATIOS = "aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]"
_SSD = f"ssd_anchor_generator {{ {_RATIOS} %s }}"
_STRIDES = "_stride: [16, 32, 64, 128, 256, 512] "
_STRIDED = _SSD % ("height" + _STRIDES + "width" + _STRIDES)
_PYRAMID = "multiscale_anchor_generator { aspect_ratios: [1.0, 2.0, 0.5] %s }"
_GRIDS = (
    "flexible_grid_anchor_generator {"
    "  anchor_grid { base_sizes: [20, 30] aspect_ratios: [1.0, 4.0]"
    "    height_stride: 10 width_stride: 20 height_offset: 5 width_offset: 7 }"
    "  anchor_grid { base_sizes: 90 aspect_ratios: 1.0 height_stride: 40 width_stride: 50 } }"
)
_AT_300 = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
_AT_320 = [(20, 20), *_AT_300[1:]]
_AT_160 = [(10, 10), (5, 5), (3, 3), (2, 2), (1, 1), (1, 1)]


def _levels(side: int, finest: int, coarsest: int) -> list[tuple[int, int]]:
    return [(math.ceil(side / 2**level),) * 2 for level in range(finest, coarsest + 1)]


def _table(text: str, cells: list[tuple[int, int]], image: tuple[int, int]) -> np.ndarray:
    generator = anchor_generator(
        text_format.Parse(text, message_class("AnchorGenerator")()), "a test"
    )
    corners = generator.corners(cells, image)
    low, high = corners[:, :2], corners[:, 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)


_FAMILIES = {
    "SSD at 300, boxes of the lowest layer reduced": (_SSD % "", _AT_300, (300, 300), 6),
    "SSD at 320": (_SSD % "", _AT_320, (320, 320), 6),
    # Two maps of one cell have their anchors at one centre.
    "SSD at 160": (_SSD % "", _AT_160, (160, 160), 5),
    "strides in pixels": (_STRIDED, _AT_320, (320, 320), 6),
    "PPN": (
        _SSD % "reduce_boxes_in_lowest_layer: false min_scale: 0.15",
        _AT_300,
        (300, 300),
        6,
    ),
    "FPN at 640": (_PYRAMID % "", _levels(640, 3, 7), (640, 640), 5),
    "FPN at 256": (_PYRAMID % "", _levels(256, 3, 7), (256, 256), 5),
    "FPN from level 2": (_PYRAMID % "min_level: 2", _levels(512, 2, 7), (512, 512), 6),
    "three scales an octave": (
        _PYRAMID % "max_level: 6 scales_per_octave: 3",
        _levels(320, 3, 6),
        (320, 320),
        4,
    ),
    "grids written out": (_GRIDS, [(10, 5), (3, 2)], (100, 100), 2),
}


@pytest.mark.parametrize("name", _FAMILIES)
def test_tables_of_every_generator_make_sense(name: str) -> None:
    """Layers are found, they grow, and nothing lies far off the image."""
    text, cells, image, layers = _FAMILIES[name]
    sense = anchor_sense(_table(text, cells, image), 0, _POLICY)
    assert len(sense.layers) == layers
    assert sense.shrinking == ()
    assert not sense.by_column
    assert (sense.not_finite, sense.sides_not_positive) == (0, 0)
    assert sense.centre_beyond <= 0.5
    assert sense.largest_side <= 4


@pytest.mark.parametrize("name", _FAMILIES)
def test_rounding_to_bytes_does_not_break_layers(name: str) -> None:
    """Of a uint8 file each number is half a step away at most."""
    text, cells, image, layers = _FAMILIES[name]
    table = _table(text, cells, image)
    step = float(table.max() - table.min()) / 255
    sense = anchor_sense((np.round(table / step) * step).astype(np.float32), step, _POLICY)
    assert sense.shrinking == ()
    assert len(sense.layers) <= layers


def _sense_of(change: object) -> AnchorSense:
    table = _table(*_FAMILIES["SSD at 300, boxes of the lowest layer reduced"][:3]).copy()
    return anchor_sense(change(table), 0, _POLICY)  # type: ignore[operator]


def test_anchors_that_are_not_finite_are_counted() -> None:
    """Two rows; layers are not looked for."""

    def change(table: np.ndarray) -> np.ndarray:
        table[[3, 9], 1] = np.nan, np.inf
        return table

    sense = _sense_of(change)
    assert sense.not_finite == 2
    assert sense.layers == ()


def test_corners_in_the_place_of_centres_have_sides_of_no_area() -> None:
    """What a table of ymin, xmin, ymax, xmax looks like when it is read in centre form."""
    sense = _sense_of(lambda t: np.concatenate([t[:, :2] - t[:, 2:], t[:, 2:] - 0.4], axis=1))
    assert sense.sides_not_positive > 0


def test_anchors_in_pixels_lie_far_off_the_image() -> None:
    """300 times too large."""
    sense = _sense_of(lambda table: table * 300)
    assert sense.centre_beyond > 100
    assert sense.largest_side > 100


def test_feature_maps_in_the_reverse_order_shrink() -> None:
    """Each layer is finer than the one before."""

    def change(table: np.ndarray) -> np.ndarray:
        layers = anchor_sense(table, 0, _POLICY).layers
        parts = [table[each.start : each.start + each.rows] for each in reversed(layers)]
        return np.concatenate(parts)

    assert len(_sense_of(change).shrinking) == 5


def test_columns_first_are_noticed() -> None:
    """Centres' y and x exchanged: y moves first."""
    assert _sense_of(lambda table: table[:, [1, 0, 3, 2]]).by_column


def _grid(rows: int, columns: int, side: float, *, by_column: bool = False) -> np.ndarray:
    centres = [
        ((row + 0.5) / rows, (column + 0.5) / columns)
        for row in range(rows)
        for column in range(columns)
    ]
    if by_column:
        centres = sorted(centres, key=lambda centre: centre[::-1])
    return np.array([(*centre, side, side) for centre in centres], np.float32)


@pytest.mark.parametrize(
    ("layers", "by_column"),
    [
        ([_grid(4, 4, 0.1, by_column=True)], True),
        ([_grid(1, 1, 0.1), _grid(4, 4, 0.2, by_column=True)], True),
        ([_grid(4, 4, 0.1), _grid(1, 1, 0.2)], False),
        # A diagonal: both coordinates move.
        ([_grid(4, 4, 0.1)[::5]], False),
        ([_grid(1, 1, 0.1), _grid(1, 1, 0.2)], False),
    ],
)
def test_the_order_is_that_of_the_first_layer_with_several_cells(
    layers: list[np.ndarray], by_column: bool
) -> None:
    """A layer of one cell has none."""
    assert anchor_sense(np.concatenate(layers), 0, _POLICY).by_column is by_column


def test_rows_from_last_to_first_are_the_same_layers() -> None:
    """Centres that go down are other centres as well."""
    table = np.concatenate([_grid(4, 4, 0.1), _grid(2, 2, 0.3)])[::-1]
    layers = anchor_sense(table, 0, _POLICY).layers
    assert [(each.rows, each.per_cell) for each in layers] == [(4, 1), (16, 1)]
