"""Where lines and letters stand in the report's drawings: numbers in, coordinates out.

The templates turn these into inline SVG; nothing here knows HTML.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping
from dataclasses import dataclass

from validation.record.pictures import GROUND_TRUTH, BoxState, Panel

# Labels are set in a monospace face, whose letters are about this wide for their height.
_LETTER_WIDTH = 0.61
_LINE_HEIGHT = 1.35
# Of a name on a picture, in letters: a longer one would push the score out of it.
_LONGEST_NAME = 24

# Successive multiples of the golden angle keep the hues of neighbouring class ids far apart.
_GOLDEN_ANGLE = 137.508
_LIGHTNESS = (0.56, 0.45, 0.35)

_Rectangle = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class DrawnBox:
    """One detection as it is drawn, in pixels of the picture.

    Args:
        x: Left edge.
        y: Top edge.
        width: Of the box.
        height: Of the box.
        colour: Of the outline and of the label's ground.
        ink: Of the label's letters.
        label: Class name and score, after the state where it is not found; empty for none.
        label_x: Left edge of the label.
        label_y: Top edge of the label.
        label_width: Of the label's ground.
        tooltip: Class, score and corners, for the tooltip.
        state: What the other side makes of it.
    """

    x: float
    y: float
    width: float
    height: float
    colour: str
    ink: str
    label: str
    label_x: float
    label_y: float
    label_width: float
    tooltip: str
    state: BoxState = BoxState.FOUND


def class_colour(class_id: int) -> tuple[str, str]:
    """Colour of a class and of the letters that can be read on it."""
    hue = (class_id * _GOLDEN_ANGLE % 360) / 360
    red, green, blue = colorsys.hls_to_rgb(hue, _LIGHTNESS[class_id % len(_LIGHTNESS)], 0.82)
    # Relative luminance of https://www.w3.org/TR/WCAG22/, gamma taken as 2.2.
    luminance = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2
    colour = "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
    return colour, "#000000" if luminance > 0.18 else "#ffffff"


def label_height(width: int) -> float:
    """Height of a label in a picture of that width, so that it is read at column size."""
    return round(font_size(width) * _LINE_HEIGHT, 2)


def font_size(width: int) -> float:
    """Height of the letters of a label, in pixels of the picture."""
    return max(7.0, width * 0.034)


def draw_boxes(
    panel: Panel,
    width: int,
    height: int,
    labels: Mapping[str, str],
    *,
    label_found: bool = True,
) -> tuple[DrawnBox, ...]:
    """Every detection with finite numbers, the best score drawn last, labels kept apart.

    Args:
        panel: Boxes normalised.
        width: Of the picture in pixels.
        height: Of the picture in pixels.
        labels: Class names by id; an id without name is written as it is.
        label_found: What both sides show has a label too.
    """
    taken: list[_Rectangle] = []
    drawn = []
    for index in sorted(finite(panel), key=lambda i: -panel.scores[i]):
        box, score = panel.boxes[index], panel.scores[index]
        state = panel.states[index] if panel.states else BoxState.FOUND
        class_id = panel.classes[index]
        name = labels.get(str(class_id), f"class {class_id}")
        left, right = sorted((box[1] * width, box[3] * width))
        top, bottom = sorted((box[0] * height, box[2] * height))
        scored = panel.title != GROUND_TRUTH
        short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"
        text = f"{short} {score:.2f}" if scored else short
        if state is not BoxState.FOUND:
            text = f"{state} {text}"
        elif not label_found:
            text = ""
        label_width = len(text) * font_size(width) * _LETTER_WIDTH + 4
        spot = _free_spot((left, top, right, bottom), label_width, width, height, taken)
        if text:
            taken.append(spot)
        colour, ink = class_colour(class_id)
        corners = ", ".join(f"{number:.4f}" for number in box)
        drawn.append(
            DrawnBox(
                x=round(left, 1),
                y=round(top, 1),
                width=round(right - left, 1),
                height=round(bottom - top, 1),
                colour=colour,
                ink=ink,
                label=text,
                label_x=round(spot[0], 1),
                label_y=round(spot[1], 1),
                label_width=round(label_width, 1),
                tooltip=f"{name}{f' {score:.4f}' if scored else ''}, ymin xmin ymax xmax {corners}",
                state=state,
            )
        )
    return tuple(reversed(drawn))


def finite(panel: Panel) -> list[int]:
    """Indices of the detections that can be drawn: all their numbers are finite."""
    return [
        index
        for index, (box, score) in enumerate(zip(panel.boxes, panel.scores, strict=True))
        if all(map(math.isfinite, (*box, score)))
    ]


def _free_spot(
    box: _Rectangle, label_width: float, width: int, height: int, taken: list[_Rectangle]
) -> _Rectangle:
    """The first of the spots by a box where a label covers the least of the others."""
    line = label_height(width)
    left, top, right, bottom = box
    starts = [
        (x, y)
        for y in (top - line, top, bottom - line, bottom)
        for x in (left, right - label_width)
    ]
    starts += [(left, top + step * line) for step in range(1, 5)]
    spots = []
    for start_x, start_y in starts:
        x = min(max(start_x, 0.0), max(width - label_width, 0.0))
        y = min(max(start_y, 0.0), max(height - line, 0.0))
        spots.append((x, y, x + label_width, y + line))
    return min(spots, key=lambda spot: sum(_overlap(spot, other) for other in taken))


def _overlap(one: _Rectangle, other: _Rectangle) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)
