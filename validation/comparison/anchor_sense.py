"""Whether a table of anchors can be an SSD's, whatever it is compared with.

Anchors lie on the grids of feature maps, one map after the other, finest first: centres are on the
image, sides are positive, and boxes grow from map to map. Every generator of the OD API makes them
so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.policy.load import Policy

_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnchorLayer:
    """The anchors of one feature map, found by where their pattern of sides repeats.

    Args:
        start: Row of the first.
        rows: How many there are.
        per_cell: Anchors that share a centre.
        side: Of the largest anchor, the root of its area.
    """

    start: int
    rows: int
    per_cell: int
    side: float


@dataclass(frozen=True)
class AnchorSense:
    """What a table of anchors is in itself.

    Args:
        rows: How many anchors there are.
        not_finite: Rows with NaN or infinity.
        centre_beyond: How far the worst centre lies off the image, in shares of its sides.
        sides_not_positive: Rows with a side of 0 or less.
        largest_side: In shares of the image's.
        layers: In the order of the table; empty where a row is not finite.
        slack: By such a share rounding makes a layer smaller than another.
        by_column: In the first map of several cells, y moves before x. The OD API's grids go row by
            row.
    """

    rows: int
    not_finite: int
    centre_beyond: float
    sides_not_positive: int
    largest_side: float
    layers: tuple[AnchorLayer, ...]
    slack: float
    by_column: bool = False

    @property
    def shrinking(self) -> tuple[AnchorLayer, ...]:
        """Layers whose anchors are smaller than those of the layer before."""
        pairs = zip(self.layers, self.layers[1:], strict=False)
        return tuple(
            after for before, after in pairs if after.side < before.side * (1 - self.slack)
        )


def anchor_sense(anchors: NDArray[np.float32], step: float, policy: Policy) -> AnchorSense:
    """Look at a table of anchors.

    Args:
        anchors: [N, 4] in centre form: y, x, height, width; 1 is a side of the image.
        step: Distance of two neighbouring numbers that it can hold; 0 for float32.
        policy: Says what rounding explains.
    """
    tolerance = policy.setting("anchor_rounding") + step
    values = anchors.astype(np.float64)
    finite = np.isfinite(values).all(axis=1)
    known = values[finite]
    centres, sides = known[:, :2], known[:, 2:]
    beyond = np.maximum(-centres, centres - 1)
    layers = anchor_layers(values, tolerance) if finite.all() else ()
    return AnchorSense(
        rows=len(values),
        not_finite=int(np.count_nonzero(~finite)),
        centre_beyond=float(np.max(beyond, initial=0.0)),
        sides_not_positive=int(np.count_nonzero((sides <= 0).any(axis=1))),
        largest_side=float(np.max(sides, initial=0.0)),
        layers=layers,
        slack=policy.setting("anchor_layer_slack"),
        by_column=_by_column(values, layers, tolerance),
    )


def _by_column(anchors: _Floats, layers: tuple[AnchorLayer, ...], tolerance: float) -> bool:
    for layer in layers:
        if layer.rows > layer.per_cell:
            first, second = anchors[layer.start, :2], anchors[layer.start + layer.per_cell, :2]
            moved = np.abs(second - first) > tolerance
            return bool(moved[0] and not moved[1])
    return False


def anchor_layers(anchors: _Floats, tolerance: float) -> tuple[AnchorLayer, ...]:
    """Feature maps, by where the sides of a cell's anchors stop repeating.

    Args:
        anchors: [N, 4] in centre form, finite.
        tolerance: What rounding explains.
    """
    layers = []
    start = 0
    while start < len(anchors):
        cell = _same(anchors[start:, :2], anchors[start, :2], tolerance)
        rows = _repeating(anchors[start:, 2:], cell, tolerance)
        sides = np.maximum(anchors[start : start + cell, 2:], 0)
        layers.append(AnchorLayer(start, rows, cell, float(np.sqrt(sides.prod(axis=1)).max())))
        start += rows
    return tuple(layers)


def _same(rows: _Floats, first: _Floats, tolerance: float) -> int:
    """How many rows from the first on equal it."""
    other = np.flatnonzero((np.abs(rows - first) > tolerance).any(axis=1))
    return int(other[0]) if other.size else len(rows)


def _repeating(sides: _Floats, cell: int, tolerance: float) -> int:
    """How many rows from the first on repeat the sides of the first cell, in whole cells."""
    whole = len(sides) // cell * cell
    cells = sides[:whole].reshape(-1, cell, 2)
    other = np.flatnonzero((np.abs(cells - cells[0]) > 2 * tolerance).any(axis=(1, 2)))
    return int(other[0]) * cell if other.size else whole if whole == len(sides) else len(sides)
