"""The classes' looks: each is known by its own trait, and by nothing that it should not."""

from __future__ import annotations

import colorsys

import hypothesis.strategies as st
import numpy as np
import pytest
from bundled.shapes import BALLS, CLASSES, Drawing, draw_crowd, draw_shape
from hypothesis import given, settings

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.floats(20, 150)
few = settings(max_examples=25, deadline=None)
LABEL = {name: label for label, name in enumerate(CLASSES, start=1)}


def drawn(name: str, seed: int, size: float) -> Drawing:
    return draw_shape(np.random.default_rng(seed), LABEL[name], size)


def solid(drawing: Drawing) -> np.ndarray:
    """The object's mask, cut to its tight box."""
    mask = drawing.coverage >= 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def ball_coloured(drawing: Drawing) -> np.ndarray:
    """Where a colourful pixel's hue is within 30 degrees of pure red or pure blue."""
    pixels = drawing.colour[:, drawing.coverage >= 0.5].T
    vivid = pixels[np.ptp(pixels, axis=1) > 40] / 255
    hues = np.array([colorsys.rgb_to_hsv(*pixel)[0] * 360 for pixel in vivid.tolist()])
    return np.minimum(np.abs(hues % 240), np.abs(360 - hues)) < 30


def test_there_are_eight_classes_in_a_fixed_order() -> None:
    """Class ids are written into models: the order may never change."""
    assert (
        *("red_ball", "blue_ball", "arrow_up", "arrow_down"),
        *("striped_board", "checker_board", "star", "ring"),
    ) == CLASSES
    assert [CLASSES[label - 1] for label in BALLS] == ["red_ball", "blue_ball"]


@pytest.mark.parametrize("name", CLASSES)
@given(seed=SEEDS, size=SIZES)
@few
def test_objects_fit_their_canvas_and_have_the_size_that_was_asked_for(
    name: str, seed: int, size: float
) -> None:
    """No part is cut off by the object's own canvas; the box has about the area of the size."""
    drawing = drawn(name, seed, size)
    coverage = drawing.coverage
    assert drawing.colour.dtype == coverage.dtype == np.float32
    assert drawing.colour.shape == (3, *coverage.shape)
    assert coverage.min() == 0 and coverage.max() == 1
    assert drawing.colour.min() >= 0 and drawing.colour.max() <= 255
    rim = np.ones_like(coverage, bool)
    rim[1:-1, 1:-1] = False
    assert (coverage[rim] < 0.5).all()
    height, width = solid(drawing).shape
    assert 0.9 * size - 1 < np.sqrt(height * width) < 1.2 * size + 1


@given(seed=SEEDS, size=SIZES)
@few
def test_balls_differ_by_exchanged_red_and_blue_alone(seed: int, size: float) -> None:
    """A blue ball is the red one with its channels exchanged, bit by bit."""
    red, blue = drawn("red_ball", seed, size), drawn("blue_ball", seed, size)
    assert np.array_equal(red.colour[::-1], blue.colour)
    assert np.array_equal(red.coverage, blue.coverage)
    assert not np.array_equal(red.colour, blue.colour)


@pytest.mark.parametrize("name", CLASSES[2:])
@given(seed=SEEDS)
@few
def test_other_classes_never_have_a_balls_colour(name: str, seed: int) -> None:
    """Only balls are red or blue, so only they change when the channels are exchanged."""
    drawing = drawn(name, seed, 40)
    assert ball_coloured(drawing).size
    assert not ball_coloured(drawing).any()


@given(seed=SEEDS, size=SIZES)
@few
def test_balls_are_ball_coloured(seed: int, size: float) -> None:
    """The colour that the other classes avoid is the one that balls have."""
    assert ball_coloured(drawn("red_ball", seed, size)).all()


@pytest.mark.parametrize(
    ("name", "head", "shaft"), [("arrow_up", 0.4, 0.8), ("arrow_down", 0.6, 0.2)]
)
@given(seed=SEEDS, size=SIZES)
@few
def test_arrows_have_their_head_where_they_point(
    name: str, head: float, shaft: float, seed: int, size: float
) -> None:
    """The broad half is the upper one of arrow_up and the lower one of arrow_down."""
    mask = solid(drawn(name, seed, size))
    widths = mask.sum(axis=1)
    assert widths[int(head * len(mask))] > 1.25 * widths[int(shaft * len(mask))]


@given(seed=SEEDS, size=st.floats(30, 150))
@few
def test_boards_differ_by_texture(seed: int, size: float) -> None:
    """Stripes leave rows or columns of one colour; checks mix both colours in each of them."""

    def unevenness(name: str) -> float:
        drawing = drawn(name, seed, size)
        # The pale fields have no chroma; the outline neither, and is left out with the rim.
        pale = np.ptp(drawing.colour, axis=0) < 60
        height, width = pale.shape
        middle = pale[height // 4 : -height // 4, width // 4 : -width // 4]
        return max(middle.mean(axis=0).std(), middle.mean(axis=1).std())

    assert unevenness("striped_board") > 0.25 > unevenness("checker_board")


@given(seed=SEEDS, size=SIZES)
@few
def test_ring_is_open_and_ball_is_not(seed: int, size: float) -> None:
    """Through the middle of a ring one sees what is behind it."""
    for name, filled in (("ring", False), ("red_ball", True)):
        mask = solid(drawn(name, seed, size))
        height, width = mask.shape
        assert mask[height // 2, width // 2] == filled


@given(seed=SEEDS, size=st.floats(120, 150))
@few
def test_star_has_five_tips(seed: int, size: float) -> None:
    """A circle between the inner and the outer corners crosses the star five times."""
    mask = solid(drawn("star", seed, size))
    middle = np.argwhere(mask).mean(axis=0)
    # Steps of several pixels: finer ones would count the ragged border.
    turns = np.linspace(0, 2 * np.pi, 61)
    circle = middle + 0.6 * 0.56 * size * np.stack((np.sin(turns), np.cos(turns)), 1)
    inside = mask[tuple(np.clip(circle.round().astype(int), 0, np.array(mask.shape) - 1).T)]
    assert (inside[1:] & ~inside[:-1]).sum() == 5


@pytest.mark.parametrize("label", BALLS)
@given(seed=SEEDS, size=st.floats(38, 140))
@few
def test_crowd_is_many_small_balls_of_one_class(label: int, seed: int, size: float) -> None:
    """A cluster fits the size that was asked for and has only its ball's colour."""
    drawing = draw_crowd(np.random.default_rng(seed), label, size)
    assert max(drawing.coverage.shape) < size + 1
    one_ball = np.pi * 7**2
    assert one_ball < (drawing.coverage >= 0.5).sum() < 15 * one_ball
    assert ball_coloured(drawing).all()
    red, _, blue = drawing.colour.mean(axis=(1, 2))
    assert (red > blue) == (label == LABEL["red_ball"])


@pytest.mark.parametrize("name", CLASSES)
def test_same_seed_same_shape(name: str) -> None:
    """Nothing but the generator decides on a shape, and the generator does."""
    one, again, other = (drawn(name, seed, 50) for seed in (3, 3, 4))
    assert np.array_equal(one.colour, again.colour)
    assert np.array_equal(one.coverage, again.coverage)
    assert one.coverage.shape != other.coverage.shape or not np.array_equal(
        one.coverage, other.coverage
    )
