"""Drawings stay inside their frame, and labels stay legible."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from validation.record.pictures import BoxState, Panel
from validation.report import charts

WIDTH, HEIGHT = 360, 240
_sides = st.floats(-0.2, 1.2)
_boxes = st.lists(st.tuples(_sides, _sides, _sides, _sides), max_size=12)


def panel(boxes: list[tuple[float, float, float, float]]) -> Panel:
    scores = tuple(0.9 - 0.05 * index for index in range(len(boxes)))
    return Panel("", tuple(boxes), scores, tuple(range(1, len(boxes) + 1)))


@settings(max_examples=60, deadline=None)
@given(_boxes)
def test_labels_stay_inside(boxes: list[tuple[float, float, float, float]]) -> None:
    """Whatever the box, its label is inside the picture and names class and score."""
    drawn = charts.draw_boxes(panel(boxes), WIDTH, HEIGHT, {"1": "person"})
    assert len(drawn) == len(boxes)
    for box in drawn:
        assert 0 <= box.label_x <= WIDTH - box.label_width + 0.2
        assert 0 <= box.label_y <= HEIGHT - charts.label_height(WIDTH) + 0.2
        assert box.width >= 0
        assert box.height >= 0
    if boxes:
        assert drawn[-1].label == "person 0.90"


def test_box_in_pixels() -> None:
    """A normalised box (ymin, xmin, ymax, xmax) becomes x, y, width, height."""
    (box,) = charts.draw_boxes(
        Panel("", ((0.25, 0.5, 0.75, 0.9),), (0.876,), (17,)), 200, 100, {"17": "cat"}
    )
    assert (box.x, box.y, box.width, box.height) == (100.0, 25.0, 80.0, 50.0)
    assert box.label == "cat 0.88"
    assert "0.8760" in box.tooltip
    assert "0.2500, 0.5000, 0.7500, 0.9000" in box.tooltip


def test_a_long_name_leaves_room_for_its_score() -> None:
    """It is cut on the picture; the tooltip has all of it."""
    one = Panel("", ((0.2, 0.2, 0.6, 0.6),), (0.9,), (1,))
    (box,) = charts.draw_boxes(one, WIDTH, HEIGHT, {"1": "x" * 300})
    assert box.label == f"{'x' * 23}\u2026 0.90"
    assert box.label_x + box.label_width <= WIDTH
    assert box.tooltip.startswith("x" * 300)


def test_labels_of_one_place_are_kept_apart() -> None:
    """Six detections of the same box have six labels that do not cover each other."""
    drawn = charts.draw_boxes(panel([(0.3, 0.3, 0.7, 0.7)] * 6), WIDTH, HEIGHT, {})
    high = charts.label_height(WIDTH)
    for index, one in enumerate(drawn):
        for other in drawn[index + 1 :]:
            apart = (
                one.label_x + one.label_width <= other.label_x + 0.2
                or other.label_x + other.label_width <= one.label_x + 0.2
                or abs(one.label_y - other.label_y) >= high - 0.2
            )
            assert apart


def test_best_score_is_drawn_last() -> None:
    """The best detection lies on top."""
    two = Panel("", ((0, 0, 1, 1), (0, 0, 1, 1)), (0.9, 0.4), (1, 2))
    assert [box.label for box in charts.draw_boxes(two, 100, 100, {})] == [
        "class 2 0.40",
        "class 1 0.90",
    ]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_a_number_is_not_drawn(bad: float) -> None:
    """A box or score that is not a number is not drawn."""
    two = Panel("", ((0, bad, 1, 1), (0, 0, 1, 1)), (0.9, bad), (1, 1))
    assert charts.draw_boxes(two, 100, 100, {}) == ()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100_000))
def test_letters_are_readable(class_id: int) -> None:
    """Letters keep a contrast of 4.5 to their ground (WCAG 2.2, 1.4.3)."""
    colour, ink = charts.class_colour(class_id)
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    contrast = (luminance + 0.05) / 0.05 if ink == "#000000" else 1.05 / (luminance + 0.05)
    assert contrast >= 4.5


def test_classes_differ_in_colour() -> None:
    """The ninety ids of COCO have ninety colours."""
    assert len({charts.class_colour(class_id)[0] for class_id in range(1, 91)}) == 90


def test_what_one_side_alone_shows_says_so() -> None:
    """By a word before class and score; what both show may go without a label."""
    box = (0.1, 0.1, 0.4, 0.4)
    states = (BoxState.LOST, BoxState.FOUND)
    both = Panel("", (box, box), (0.9, 0.8), (1, 1), states)
    drawn = charts.draw_boxes(both, WIDTH, HEIGHT, {"1": "cat"}, label_found=False)
    assert [(each.state, each.label) for each in drawn] == [
        (BoxState.FOUND, ""),
        (BoxState.LOST, "lost cat 0.90"),
    ]
