"""Anchors of an SSD in NumPy, with the arithmetic of the OD API's generators.

Everything is float32 in the order of the OD API's operations, so that the rounding is
the same. In a feature map the anchors of one cell follow each other, then the columns,
then the rows; the feature maps follow each other.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import ConfigError
from validation.root_cause import FaultKind

Size = tuple[int, int]
Pair = tuple[float, float]
Corners = NDArray[np.float32]


@dataclass(frozen=True)
class AnchorGenerator(abc.ABC):
    """What the message AnchorGenerator describes.

    Args:
        boxes: Scale and aspect ratio (width over height) of each anchor of a cell, for each
            feature map.
    """

    boxes: tuple[tuple[Pair, ...], ...]

    @property
    def per_location(self) -> tuple[int, ...]:
        """Anchors in each cell of each feature map."""
        return tuple(len(boxes) for boxes in self.boxes)

    @abc.abstractmethod
    def corners(self, feature_maps: Sequence[Size], image: Size) -> Corners:
        """Anchors of all feature maps.

        Args:
            feature_maps: Height and width in cells, one for each of `per_location`.
            image: Height and width of the model's input in pixels.

        Returns:
            float32 [N, 4] as ymin, xmin, ymax, xmax; 1 is the height or width of the image.
        """


@dataclass(frozen=True)
class SsdAnchors(AnchorGenerator):
    """ssd_anchor_generator (Liu et al., https://arxiv.org/abs/1512.02325, section 2.2).

    Args:
        base_size: Height and width of scale 1; 1 is the shorter side of the image.
        strides: Pixels between cells, for each feature map; None: the grid fills the image.
        offsets: Pixels to the first centre, for each feature map; None: half a stride.
    """

    base_size: Pair = (1.0, 1.0)
    strides: tuple[Size, ...] | None = None
    offsets: tuple[Size, ...] | None = None

    def corners(self, feature_maps: Sequence[Size], image: Size) -> Corners:
        """See `AnchorGenerator.corners`."""
        sides = np.array(image, np.float32)
        base = sides.min() / sides * np.array(self.base_size, np.float32)
        layers = []
        for layer, (cells, boxes) in enumerate(zip(feature_maps, self.boxes, strict=True)):
            if self.strides is None:
                stride = np.float32(1) / np.array(cells, np.float32)
            else:
                stride = np.array(self.strides[layer], np.float32) / sides
            if self.offsets is None:
                offset = np.float32(0.5) * stride
            else:
                offset = np.array(self.offsets[layer], np.float32) / sides
            layers.append(_tile(cells, boxes, base, stride, offset))
        return np.concatenate(layers)


@dataclass(frozen=True)
class PyramidAnchors(AnchorGenerator):
    """multiscale_anchor_generator (Lin et al., https://arxiv.org/abs/1708.02002, section 4).

    Args:
        levels: Finest to coarsest; the stride of a level is 2**level pixels.
        anchor_scale: Side of scale 1 in strides.
    """

    levels: tuple[int, ...]
    anchor_scale: float

    def corners(self, feature_maps: Sequence[Size], image: Size) -> Corners:
        """See `AnchorGenerator.corners`."""
        layers = []
        for cells, level, boxes in zip(feature_maps, self.levels, self.boxes, strict=True):
            stride = np.full(2, 2**level, np.float32)
            base = np.full(2, 2**level * self.anchor_scale, np.float32)
            # Half a stride only where the stride divides the side; else the first centre is 0.
            fits = np.array([side % 2**level == 0 for side in image])
            offset = np.where(fits, stride / np.float32(2), np.float32(0))
            layers.append(_tile(cells, boxes, base, stride, offset))
        return _normalised(np.concatenate(layers), image)


@dataclass(frozen=True)
class GridAnchors(AnchorGenerator):
    """flexible_grid_anchor_generator: every grid written out, a scale as a side in pixels.

    Args:
        strides: Between cells, for each feature map.
        offsets: To the first centre, for each feature map.
    """

    strides: tuple[Size, ...]
    offsets: tuple[Size, ...]

    def corners(self, feature_maps: Sequence[Size], image: Size) -> Corners:
        """See `AnchorGenerator.corners`."""
        one = np.ones(2, np.float32)
        grids = zip(feature_maps, self.boxes, self.strides, self.offsets, strict=True)
        layers = [
            _tile(cells, boxes, one, np.array(stride, np.float32), np.array(offset, np.float32))
            for cells, boxes, stride, offset in grids
        ]
        return _normalised(np.concatenate(layers), image)


def anchor_generator(message: Any, where: str) -> AnchorGenerator:
    """Read an AnchorGenerator message.

    Args:
        message: AnchorGenerator.
        where: Its place in the config, for messages.

    Raises:
        ConfigError: A generator that an SSD cannot have, or values that make no anchors.
    """
    kind = message.WhichOneof("anchor_generator_oneof")
    if kind not in _READERS:
        raise ConfigError(
            "unsupported anchor generator",
            expected=" | ".join(_READERS),
            got=kind or "none",
            where=where,
            fault=FaultKind.UNSUPPORTED,
        )
    generator = _READERS[kind](getattr(message, kind), where)
    if not all(generator.per_location) or not generator.per_location:
        raise ConfigError(
            "a feature map without anchors",
            expected="aspect_ratios for each feature map",
            got=f"{list(generator.per_location)} anchors in a cell",
            where=where,
            fault=FaultKind.ANCHORS,
        )
    return generator


def _ssd(message: Any, where: str) -> SsdAnchors:
    count = message.num_layers
    scales = _layer_scales(message, where)
    ratios = _ratios(message.aspect_ratios, where)
    extra = message.interpolated_scale_aspect_ratio
    layers: list[tuple[Pair, ...]] = []
    for layer in range(count):
        scale, following = scales[layer : layer + 2]
        if layer == 0 and message.reduce_boxes_in_lowest_layer:
            # The small first anchor has a scale of its own, whatever the config says.
            layers.append(((0.1, 1.0), (scale, 2.0), (scale, 0.5)))
            continue
        boxes = [(scale, ratio) for ratio in ratios]
        if extra > 0:
            boxes.append((float(np.sqrt(scale * following)), extra))
        layers.append(tuple(boxes))
    return SsdAnchors(
        tuple(layers),
        (message.base_anchor_height, message.base_anchor_width),
        _pairs("stride", message.height_stride, message.width_stride, count, where),
        _pairs("offset", message.height_offset, message.width_offset, count, where),
    )


def _layer_scales(message: Any, where: str) -> list[float]:
    """The scale of each layer and of the one that would follow the last."""
    count, scales = message.num_layers, list(message.scales)
    if count < 1 or (scales and len(scales) < count):
        raise ConfigError(
            "anchor scales do not fit num_layers",
            expected="one scale for each of at least one layer",
            got=f"num_layers {count}, {len(scales)} scales",
            where=where,
            fault=FaultKind.ANCHORS,
        )
    if scales:
        return [*scales, 1.0]
    if count == 1:
        # The OD API divides by num_layers - 1 here.
        raise ConfigError(
            "one layer has no spread of scales from min_scale to max_scale",
            expected="scales: VALUE",
            got="num_layers 1 without scales",
            where=where,
            fault=FaultKind.ANCHORS,
        )
    spread = message.max_scale - message.min_scale
    return [message.min_scale + spread * layer / (count - 1) for layer in range(count)] + [1.0]


def _pairs(
    name: str, heights: Sequence[int], widths: Sequence[int], count: int, where: str
) -> tuple[Size, ...] | None:
    if not heights and not widths:
        return None
    if not len(heights) == len(widths) == count:
        raise ConfigError(
            f"height_{name} and width_{name} do not fit num_layers",
            expected=f"{count} values each",
            got=f"{len(heights)} and {len(widths)}",
            where=where,
            fault=FaultKind.ANCHORS,
        )
    return tuple(zip(heights, widths, strict=True))


def _pyramid(message: Any, where: str) -> PyramidAnchors:
    _require_normalised(message, where)
    octave = message.scales_per_octave
    scales = [2 ** (step / octave) for step in range(octave)]
    ratios = _ratios(message.aspect_ratios, where)
    levels = tuple(range(message.min_level, message.max_level + 1))
    # The scale varies fastest, and every level has the same anchors.
    boxes = tuple((scale, ratio) for ratio in ratios for scale in scales)
    return PyramidAnchors((boxes,) * len(levels), levels, message.anchor_scale)


def _grids(message: Any, where: str) -> GridAnchors:
    _require_normalised(message, where)
    for grid in message.anchor_grid:
        if len(grid.base_sizes) != len(grid.aspect_ratios):
            raise ConfigError(
                "an anchor_grid's base_sizes and aspect_ratios do not pair",
                expected=f"{len(grid.base_sizes)} aspect_ratios",
                got=len(grid.aspect_ratios),
                where=where,
                fault=FaultKind.ANCHORS,
            )
    grids = message.anchor_grid
    return GridAnchors(
        tuple(
            tuple(zip(grid.base_sizes, _ratios(grid.aspect_ratios, where), strict=True))
            for grid in grids
        ),
        tuple((grid.height_stride, grid.width_stride) for grid in grids),
        tuple((grid.height_offset, grid.width_offset) for grid in grids),
    )


def _ratios(ratios: Sequence[float], where: str) -> tuple[float, ...]:
    for ratio in ratios:
        if not ratio > 0:
            raise ConfigError(
                "an aspect ratio must be positive",
                got=ratio,
                where=where,
                fault=FaultKind.ANCHORS,
            )
    return tuple(ratios)


def _require_normalised(message: Any, where: str) -> None:
    if not message.normalize_coordinates:
        raise ConfigError(
            "anchors in pixels cannot be post-processed",
            expected="normalize_coordinates: true",
            got="false",
            where=where,
            fault=FaultKind.UNSUPPORTED,
        )


_READERS: Mapping[str, Callable[[Any, str], AnchorGenerator]] = {
    "ssd_anchor_generator": _ssd,
    "multiscale_anchor_generator": _pyramid,
    "flexible_grid_anchor_generator": _grids,
}


def _tile(
    cells: Size,
    boxes: Sequence[Pair],
    base: NDArray[np.float32],
    stride: NDArray[np.float32],
    offset: NDArray[np.float32],
) -> Corners:
    """The anchors of a cell, repeated over a grid; base, stride and offset are (y, x)."""
    scales, ratios = np.array(boxes, np.float32).T
    roots = np.sqrt(ratios)
    sizes = np.stack([scales / roots * base[0], scales * roots * base[1]], axis=1)
    rows = np.arange(cells[0], dtype=np.float32) * stride[0] + offset[0]
    columns = np.arange(cells[1], dtype=np.float32) * stride[1] + offset[1]
    centres = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=2)[:, :, None, :]
    half = np.float32(0.5) * sizes
    corners = np.concatenate([centres - half, centres + half], axis=3)
    return corners.reshape(-1, 4)


def _normalised(corners: Corners, image: Size) -> Corners:
    # A product with the reciprocal, as the OD API has it, and not a quotient.
    scale = np.float32(1) / np.array(image, np.float32)
    return corners * np.tile(scale, 2)
