"""Scenes of several shapes before clutter, with their boxes: a detection task small networks learn.

A scene has what makes detection more than classification: objects of several scales and aspect
ratios, images that are not square, clutter that is no class, overlap, objects cut by the border,
crowds, and images without any object.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bundled.shapes import BALLS, CLASSES, Drawing, Floats, Mask, draw_crowd, draw_shape

__all__ = ["CLASSES", "Scene", "draw_scene", "draw_scene_with_masks"]

SHORTEST_SIDE = 128
LONGEST_SIDE = 320
SMALLEST_OBJECT = 18
MAX_OVERLAP = 0.25
LEAST_VISIBLE = 0.6

_EMPTY_SHARE = 0.04
_CROWD_SHARE = 0.04
_SQUARE_SHARE = 0.4
_SMALL_SHARE = 0.15
_APART_SHARE = 0.7
_OVER_THE_EDGE_SHARE = 0.12
# Of the images with objects, those with 1, 2, ... 6.
_COUNT_SHARES = (0.12, 0.22, 0.26, 0.2, 0.12, 0.08)
_PLACING_TRIES = 25


@dataclass(frozen=True)
class Scene:
    """One labelled image; objects in the order of drawing, a later one covers an earlier one.

    Args:
        image: uint8 [height, width, 3], RGB.
        boxes: float32 [N, 4], ymin, xmin, ymax, xmax in pixels: tight around the whole object,
            covered parts included, as far as it lies in the image.
        classes: int32 [N], from 1.
        crowd: bool [N]; a crowd is one entry for many small balls of one class.
        areas: float32 [N], visible square pixels.
    """

    image: NDArray[np.uint8] = field(repr=False)
    boxes: Floats
    classes: NDArray[np.int32]
    crowd: Mask
    areas: Floats


@dataclass(frozen=True)
class _Placed:
    """An object of the scene.

    Args:
        box: As in `Scene`.
        visible: bool [height, width], where it shows; shrinks as later objects cover it.
        least: Pixels that must stay visible.
    """

    label: int
    crowd: bool
    box: tuple[int, int, int, int]
    visible: Mask
    least: float


def draw_scene(random: np.random.Generator, longest_side: int = LONGEST_SIDE) -> Scene:
    """The next scene of a generator; generators of one seed give the same scenes.

    Args:
        random: Where all chance comes from.
        longest_side: Most pixels of a side, at least `SHORTEST_SIDE`.
    """
    return draw_scene_with_masks(random, longest_side)[0]


def draw_scene_with_masks(
    random: np.random.Generator, longest_side: int = LONGEST_SIDE
) -> tuple[Scene, tuple[Mask, ...]]:
    """`draw_scene`, and for each object the bool mask [height, width] of its visible pixels."""
    height, width = _image_size(random, longest_side)
    shorter = min(height, width)
    canvas = _background(random, height, width)
    placed: list[_Placed] = []
    kind = random.random()
    if kind >= _EMPTY_SHARE:
        count = 1 + int(random.choice(len(_COUNT_SHARES), p=_COUNT_SHARES))
        if kind < _EMPTY_SHARE + _CROWD_SHARE:
            label = int(random.choice(BALLS))
            drawing = draw_crowd(random, label, random.uniform(0.3, 0.45) * shorter)
            _place(random, canvas, placed, drawing, label, crowd=True)
            count = min(count, 3)
        for _ in range(count):
            label = 1 + int(random.integers(len(CLASSES)))
            small = random.random() < _SMALL_SHARE
            drawing = draw_shape(random, label, _object_size(random, shorter, count, small))
            over_the_edge = not small and random.random() < _OVER_THE_EDGE_SHARE
            _place(random, canvas, placed, drawing, label, over_the_edge=over_the_edge)
    scene = Scene(
        image=_rgb(canvas),
        boxes=np.array([item.box for item in placed], np.float32).reshape(-1, 4),
        classes=np.array([item.label for item in placed], np.int32),
        crowd=np.array([item.crowd for item in placed], bool),
        areas=np.array([item.visible.sum() for item in placed], np.float32),
    )
    return scene, tuple(item.visible for item in placed)


def _image_size(random: np.random.Generator, longest: int) -> tuple[int, int]:
    """Height and width; neither side is more than twice the other."""
    if random.random() < _SQUARE_SHARE:
        side = int(random.integers(SHORTEST_SIDE, longest + 1))
        return side, side
    ratio = random.uniform(1, min(2, longest / SHORTEST_SIDE))
    shorter = int(random.integers(SHORTEST_SIDE, int(longest / ratio) + 1))
    longer = int(ratio * shorter)
    return (shorter, longer) if random.random() < 0.5 else (longer, shorter)


def _object_size(random: np.random.Generator, shorter: int, count: int, small: bool) -> float:
    """Side in pixels of a square with about the area of the object's box."""
    if small:
        # A board's short side is 0.8 of its size.
        return random.uniform(SMALLEST_OBJECT / 0.75, 30)
    # Many large objects would not find a place.
    return random.uniform(0.25, 0.6 if count < 4 else 0.45) * shorter


def _background(random: np.random.Generator, height: int, width: int) -> Floats:
    """A muted gradient with clutter and grain, float32 [3, height, width], 0 to 255."""
    colour = random.uniform(90, 205) + random.normal(0, 8, 3)
    corners = colour + random.uniform(-30, 30, (4, 1)) + random.normal(0, 6, (4, 3))
    north_west, north_east, south_west, south_east = corners.astype(np.float32)[..., None, None]
    across = np.linspace(0, 1, width, dtype=np.float32)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    top = north_west + across * (north_east - north_west)
    bottom = south_west + across * (south_east - south_west)
    picture = Image.fromarray(_rgb(np.clip(top + down * (bottom - top), 0, 255)))
    _draw_clutter(random, picture, colour)
    # One grain for a block of four pixels: as visible, and smaller as a file.
    grain = random.integers(-7, 8, (height // 2 + 1, width // 2 + 1), np.int8)
    grain = grain.repeat(2, axis=0)[:height].repeat(2, axis=1)[:, :width]
    canvas = np.asarray(picture).transpose(2, 0, 1).astype(np.float32, order="C")
    canvas += grain
    return canvas.clip(0, 255)


def _rgb(planes: Floats) -> NDArray[np.uint8]:
    """The image [height, width, 3] of planes [3, height, width] that hold 0 to 255."""
    # np.stack is five times as fast here as a transposed copy.
    return np.stack(tuple((planes + 0.5).astype(np.uint8)), axis=-1)


def _draw_clutter(
    random: np.random.Generator, picture: Image.Image, colour: NDArray[np.float64]
) -> None:
    """Add what belongs to no class: dull polygons, thin lines and dots."""
    draw = ImageDraw.Draw(picture)

    def muted() -> tuple[int, int, int]:
        shade = colour + random.uniform(-45, 45) + random.normal(0, 8, 3)
        red, green, blue = np.clip(shade, 0, 255).astype(int).tolist()
        return red, green, blue

    def somewhere(points: int) -> NDArray[np.float64]:
        return random.random((points, 2)) * picture.size

    reach = 0.09 * min(picture.size)
    for _ in range(int(random.integers(0, 5))):
        corners = somewhere(1) + random.uniform(-reach, reach, (int(random.integers(3, 6)), 2))
        draw.polygon([(x, y) for x, y in corners.tolist()], fill=muted())
    for _ in range(int(random.integers(1, 6))):
        line = [(x, y) for x, y in somewhere(2).tolist()]
        draw.line(line, fill=muted(), width=int(random.integers(1, 3)))
    for x, y in somewhere(int(random.integers(4, 16))).tolist():
        radius = random.uniform(0.5, 2)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=muted())


def _place(
    random: np.random.Generator,
    canvas: Floats,
    placed: list[_Placed],
    drawing: Drawing,
    label: int,
    *,
    crowd: bool = False,
    over_the_edge: bool = False,
) -> None:
    """Draw an object where it covers no other one too much; leave it out where there is no room."""
    solid = drawing.coverage >= 0.5
    least = LEAST_VISIBLE * np.count_nonzero(solid)
    sides, image_sides = np.array(solid.shape), np.array(canvas.shape[1:])
    beyond = 0.2 * sides if over_the_edge else np.zeros(2)
    limit = 0.0 if random.random() < _APART_SHARE else MAX_OVERLAP
    for _ in range(_PLACING_TRIES):
        start = random.uniform(-beyond, image_sides - sides + beyond).astype(int)
        low, high = np.maximum(start, 0), np.minimum(start + sides, image_sides)
        part = tuple(slice(*limits) for limits in zip(low - start, high - start, strict=True))
        mask = solid[part]
        box = _tight_box(mask, int(low[0]), int(low[1]))
        if any(_overlap(box, other.box) > (0 if other.crowd else limit) for other in placed):
            continue
        inside = (slice(low[0], high[0]), slice(low[1], high[1]))
        enough = all(_left_visible(other, inside, mask) >= other.least for other in placed)
        if not enough or np.count_nonzero(mask) < least:
            continue
        for other in placed:
            other.visible[inside] &= ~mask
        coverage = drawing.coverage[part]
        canvas[:, *inside] += coverage * (drawing.colour[:, *part] - canvas[:, *inside])
        visible = np.zeros(canvas.shape[1:], bool)
        visible[inside] = mask
        placed.append(_Placed(label, crowd, box, visible, least))
        return


def _left_visible(other: _Placed, inside: tuple[slice, slice], mask: Mask) -> int:
    """Pixels of an object that still show when a mask covers this part of the image."""
    covered = np.count_nonzero(other.visible[inside] & mask)
    return int(np.count_nonzero(other.visible) - covered)


def _tight_box(mask: Mask, top: int, left: int) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    ymin, ymax = int(rows[0]), int(rows[-1]) + 1
    xmin, xmax = int(columns[0]), int(columns[-1]) + 1
    return top + ymin, left + xmin, top + ymax, left + xmax


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Intersection over union of two boxes."""
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[1], other[1])
    if height <= 0 or width <= 0:
        return 0.0
    shared = height * width
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)
