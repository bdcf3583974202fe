"""Pictures with boxes are drawn where the detections are, and nowhere else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from validation.record.detections import Detections
from validation.report.annotated import annotated, encoded, side_by_side
from validation.report.charts import class_colour

_GREY = np.full((60, 100, 3), 128, np.uint8)
_FOUND = Detections(((0.25, 0.5, 0.75, 0.9),), (0.8,), (2,))


def test_frame_stands_on_the_box() -> None:
    """Rows are scaled by the height and columns by the width."""
    drawn = np.asarray(annotated(_GREY, _FOUND, {2: "dog"}))
    colour = tuple(int(class_colour(2)[0][index : index + 2], 16) for index in (1, 3, 5))
    assert tuple(drawn[45, 70]) == colour
    assert tuple(drawn[30, 50]) == colour
    assert tuple(drawn[30, 20]) == (128, 128, 128)
    assert _GREY.min() == _GREY.max() == 128


def test_nothing_found_is_the_image_itself() -> None:
    """Without detections nothing is drawn."""
    drawn = annotated(_GREY, Detections((), (), ()), {})
    assert np.asarray(drawn).tobytes() == _GREY.tobytes()


def test_panels_stand_side_by_side() -> None:
    """Each picture is whole, the titles above."""
    one = Image.fromarray(_GREY)
    whole = side_by_side([("a.tflite", one), ("b.tflite", one)])
    assert whole.width > 200
    assert whole.height > 60
    assert np.asarray(whole)[-60:, :100].tobytes() == _GREY.tobytes()


@pytest.mark.parametrize(("suffix", "format_"), [(".JPG", "JPEG"), (".png", "PNG"), ("", "PNG")])
def test_suffix_says_how_it_is_written(suffix: str, format_: str) -> None:
    """Photographs stay small; everything else keeps every pixel."""
    with Image.open(io.BytesIO(encoded(Image.fromarray(_GREY), suffix))) as read:
        assert read.format == format_
