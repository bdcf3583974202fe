"""The eight classes of the bundled scenes, and how one object of each looks.

One trait tells the classes apart, so that a fault of the harness shows as lost precision:
the balls differ by colour alone (exchanged channels), the arrows by direction alone (exchanged or
flipped axes), the boards by texture alone (lost detail). No class becomes another one when the
image is mirrored left to right, and only the balls do when red and blue are exchanged.

Shapes come from signed distances (pixels, negative inside), not from an imaging library: their
boxes are the same with every version of Pillow.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Colour = tuple[float, float, float]

# In the order of the class ids, which count from 1.
CLASSES = (
    "red_ball",
    "blue_ball",
    "arrow_up",
    "arrow_down",
    "striped_board",
    "checker_board",
    "star",
    "ring",
)
BALLS = (1, 2)

_BALL_COLOURS: tuple[Colour, Colour] = ((225, 35, 35), (35, 35, 225))
_OUTLINE: Colour = (25, 25, 25)
_PALE: Colour = (240, 240, 240)
# Hues in degrees, away from the balls' 0 and 240. Exchanging red and blue maps a hue to 240 - hue,
# which leaves both spans as they are: to the other classes an exchange means nothing.
_HUES = ((40, 200), (275, 325))
_TILT = math.radians(10)


@dataclass(frozen=True)
class Drawing:
    """An object on a canvas of its own.

    Args:
        colour: float32 [3, height, width], RGB, 0 to 255. Planes, because NumPy works on long
            rows several times as fast as on rows of three.
        coverage: float32 [height, width], 0 outside to 1 inside; from 0.5 on a pixel is the
            object's.
    """

    colour: Floats
    coverage: Floats


@dataclass(frozen=True)
class _Grid:
    """Pixel centres seen from a shape's centre, in the shape's own upright axes."""

    x: Floats
    y: Floats


def draw_shape(random: np.random.Generator, label: int, size: float) -> Drawing:
    """One object of a class.

    Args:
        random: Decides on colour, tilt, aspect ratio and the position between the pixels.
        label: Class id, from 1.
        size: Side in pixels of a square with about the area of the object's box.
    """
    return _PAINTERS[label - 1](random, size)


def draw_crowd(random: np.random.Generator, label: int, size: float) -> Drawing:
    """A cluster of 8 to 15 tiny balls.

    Args:
        random: Decides on number, places and sizes.
        label: Class id, one of `BALLS`.
        size: Side of the cluster in pixels.
    """
    side = math.ceil(size)
    colour, coverage = np.zeros((3, side, side), np.float32), np.zeros((side, side), np.float32)
    for _ in range(int(random.integers(8, 16))):
        ball = draw_shape(random, label, random.uniform(10, 14))
        height, width = ball.coverage.shape
        # Bates (mean of two uniforms): dense in the middle, as clusters are.
        top, left = (random.random((2, 2)).mean(axis=0) * (side - height, side - width)).astype(int)
        inside = slice(top, top + height), slice(left, left + width)
        colour[:, *inside] += ball.coverage * (ball.colour - colour[:, *inside])
        coverage[inside] = np.maximum(coverage[inside], ball.coverage)
    return Drawing(colour, coverage)


def _ball(random: np.random.Generator, size: float, *, colour: Colour) -> Drawing:
    grid = _grid(random, size, size, tilt=0)
    radius = size / 2
    distance: Floats = np.hypot(grid.x, grid.y)
    shade = 1 - 0.3 * np.square(distance / radius)
    fill = shade * _planes(colour)
    spot_x, spot_y = random.uniform(-0.35, 0.35) * radius, -0.35 * radius
    to_spot: Floats = np.hypot(grid.x - spot_x, grid.y - spot_y)
    spot = _coverage(to_spot - 0.2 * radius)
    return _painted(distance - radius, _mixed(fill, _PALE, spot), size)


def _arrow(random: np.random.Generator, size: float, *, upwards: bool) -> Drawing:
    height, width = _sides(size, random.uniform(1, 1.5))
    grid = _grid(random, height, width, random.uniform(-_TILT, _TILT))
    sideways, along = np.abs(grid.x), grid.y if upwards else -grid.y
    # The head fills the upper half: a triangle with its tip at -height / 2, its base at 0.
    slope = math.hypot(height, width)
    side = (sideways * height - (along + height / 2) * width) / slope
    head = np.maximum(side, along)
    shaft = np.maximum(sideways - 0.22 * width, np.abs(along - height / 8) - height * 3 / 8)
    return _painted(np.minimum(head, shaft), _plain(random, grid), size)


def _board(random: np.random.Generator, size: float, *, striped: bool) -> Drawing:
    height, width = _sides(size, math.exp(random.uniform(-0.45, 0.45)))
    grid = _grid(random, height, width, random.uniform(-_TILT, _TILT))
    step = min(height, width) / float(random.integers(3, 5))
    if striped:
        lying = random.random() < 0.5
        pattern = _alternating(grid.y if lying else grid.x, height if lying else width, step)
    else:
        pattern = _alternating(grid.x, width, step)
        pattern = pattern * _alternating(grid.y, height, step)
    distance = np.maximum(np.abs(grid.x) - width / 2, np.abs(grid.y) - height / 2)
    fill = _mixed(_plain(random, grid), _PALE, 0.5 + 0.5 * pattern)
    return _painted(distance, fill, size)


def _star(random: np.random.Generator, size: float) -> Drawing:
    radius = 0.56 * size
    grid = _grid(random, 2 * radius, 2 * radius, tilt=0)
    turn = random.uniform(0, 2 * math.pi)
    # The five long edges bound the inner pentagon; what lies beyond at most one of them is star.
    furthest = np.full_like(grid.x, -np.inf)
    second = furthest
    for angle in (turn + 2 * math.pi * tip / 5 for tip in range(5)):
        beyond = grid.x * math.cos(angle) + grid.y * math.sin(angle)
        second = np.maximum(second, np.minimum(furthest, beyond))
        furthest = np.maximum(furthest, beyond)
    # An edge of the star polygon {5/2} lies cos(2 pi / 5) of its circumradius from the centre.
    distance = second - radius * math.cos(2 * math.pi / 5)
    return _painted(distance, _plain(random, grid), size)


def _ring(random: np.random.Generator, size: float) -> Drawing:
    grid = _grid(random, size, size, tilt=0)
    half_band = random.uniform(0.08, 0.1) * size
    distance: Floats = np.hypot(grid.x, grid.y)
    distance = np.abs(distance - (size / 2 - half_band)) - half_band
    return _painted(distance, _plain(random, grid), size)


_PAINTERS: tuple[Callable[[np.random.Generator, float], Drawing], ...] = (
    *(partial(_ball, colour=colour) for colour in _BALL_COLOURS),
    partial(_arrow, upwards=True),
    partial(_arrow, upwards=False),
    partial(_board, striped=True),
    partial(_board, striped=False),
    _star,
    _ring,
)


def _sides(size: float, height_over_width: float) -> tuple[float, float]:
    root = math.sqrt(height_over_width)
    return size * root, size / root


def _grid(random: np.random.Generator, height: float, width: float, tilt: float) -> _Grid:
    """The pixels that a tilted rectangle covers, and a rim of one."""
    cosine, sine = math.cos(tilt), math.sin(tilt)
    rows = math.ceil(height * cosine + width * abs(sine)) + 2
    columns = math.ceil(width * cosine + height * abs(sine)) + 2
    middle_y, middle_x = (rows - 1) / 2, (columns - 1) / 2
    down = (np.arange(rows, dtype=np.float32) - middle_y - random.uniform(-0.5, 0.5))[:, None]
    across = np.arange(columns, dtype=np.float32) - middle_x - random.uniform(-0.5, 0.5)
    return _Grid(across * cosine + down * sine, down * cosine - across * sine)


def _plain(random: np.random.Generator, grid: _Grid) -> Floats:
    """A canvas of one saturated colour that is neither of the balls'."""
    widths = [high - low for low, high in _HUES]
    position = random.uniform(0, sum(widths))
    hue = _HUES[0][0] + position if position < widths[0] else _HUES[1][0] + position - widths[0]
    rgb = colorsys.hsv_to_rgb(hue / 360, random.uniform(0.8, 1), random.uniform(0.75, 1))
    return np.broadcast_to(255 * _planes(rgb), (3, *grid.x.shape))


def _alternating(along: Floats, side: float, step: float) -> Floats:
    """Fields of alternating sign, -1 to 1, as many as fit best into a side."""
    step = side / max(2, round(side / step))
    position = (along + side / 2) / step
    # A triangle wave, in fields: the signed distance to the nearest border between two of them.
    to_border: Floats = 0.5 - np.abs((position + 0.5) % 2 - 1)
    return (2 * step * to_border).clip(-1, 1)


def _painted(distance: Floats, fill: Floats, size: float) -> Drawing:
    """A filled shape with a dark outline inside its border."""
    line = min(max(0.04 * size, 1.0), 3.0)
    colour = _mixed(fill, _OUTLINE, 1 - _coverage(distance + np.float32(line)))
    return Drawing(colour, _coverage(distance))


def _planes(colour: Colour) -> Floats:
    return np.array(colour, np.float32)[:, None, None]


def _mixed(base: Floats, colour: Colour, share: Floats) -> Floats:
    return base + share * (_planes(colour) - base)


def _coverage(distance: Floats) -> Floats:
    """How much of a pixel lies inside of a border at this distance from its centre."""
    return (0.5 - distance).clip(0, 1)
