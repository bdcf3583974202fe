"""A photograph with its detections drawn on it, as an ordinary image file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from validation.record.detections import Detections
from validation.record.pictures import Panel
from validation.report.charts import DrawnBox, draw_boxes, font_size, label_height

# Width of a frame's line for the width of its picture, in pixels.
_LINE = 0.004
# What Pillow gives: the second where it was built without FreeType.
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_TITLE_INK = "#1c1c1c"
_TITLE_GROUND = "#ffffff"
# Suffixes that keep photographs small; all else is written without loss.
_JPEG = (".jpg", ".jpeg")


def annotated(
    image: NDArray[np.uint8], detections: Detections, labels: Mapping[int, str]
) -> Image.Image:
    """A picture with each detection's box, class and score, the best on top.

    Args:
        image: RGB [H, W, 3]; it is not changed.
        detections: Those to draw.
        labels: Class names by id; an id without name is written as it is.
    """
    return annotated_panel(image, Panel.of("", detections), labels)


def annotated_panel(
    image: NDArray[np.uint8], panel: Panel, labels: Mapping[int, str]
) -> Image.Image:
    """`annotated` with the boxes of a panel; those of labels have no scores."""
    picture = Image.fromarray(image)
    height, width = image.shape[:2]
    names = {str(key): name for key, name in labels.items()}
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(font_size(width))
    for box in draw_boxes(panel, width, height, names):
        _draw(draw, box, width, font)
    return picture


def side_by_side(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures of one height beside each other, each under its title.

    Args:
        panels: Title and picture; at least one.
    """
    size = font_size(panels[0][1].width)
    bar, gap = round(2 * size), round(size / 2)
    width = sum(picture.width for _, picture in panels) + gap * (len(panels) - 1)
    whole = Image.new("RGB", (width, panels[0][1].height + bar), _TITLE_GROUND)
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(size)
    left = 0
    for title, picture in panels:
        draw.text((left + gap, bar / 2), title, fill=_TITLE_INK, font=font, anchor="lm")
        whole.paste(picture, (left, bar))
        left += picture.width + gap
    return whole


def encoded(picture: Image.Image, suffix: str) -> bytes:
    """The bytes of an image file: JPEG for its own suffixes, else PNG."""
    data = io.BytesIO()
    if suffix.lower() in _JPEG:
        picture.save(data, "JPEG", quality=92)
    else:
        picture.save(data, "PNG")
    return data.getvalue()


def _draw(draw: ImageDraw.ImageDraw, box: DrawnBox, width: int, font: _Font) -> None:
    line = max(1, round(width * _LINE))
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    draw.rectangle(corners, outline=box.colour, width=line)
    bottom = box.label_y + label_height(width)
    ground = (box.label_x, box.label_y, box.label_x + box.label_width, bottom)
    draw.rectangle(ground, fill=box.colour)
    middle = (box.label_y + bottom) / 2
    draw.text((box.label_x + 2, middle), box.label, fill=box.ink, font=font, anchor="lm")
