"""Drawn scenes: repeatable, and labelled with what really shows."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from bundled import scenes
from bundled.scenes import (
    LEAST_VISIBLE,
    LONGEST_SIDE,
    MAX_OVERLAP,
    SHORTEST_SIDE,
    SMALLEST_OBJECT,
    Scene,
    draw_scene,
    draw_scene_with_masks,
)
from bundled.shapes import BALLS, CLASSES, draw_shape
from hypothesis import given, settings

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def drawn(seed: int) -> tuple[Scene, tuple[np.ndarray, ...]]:
    return draw_scene_with_masks(np.random.default_rng(seed))


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


@pytest.fixture(scope="module")
def many() -> list[Scene]:
    """Enough scenes for shares to settle."""
    return [draw_scene(np.random.default_rng([77, index])) for index in range(300)]


@given(seed=SEEDS)
@few
def test_same_seed_same_scene(seed: int) -> None:
    """A scene is its seed's, with and without masks; the next one of the generator is another."""
    random = np.random.default_rng(seed)
    one, following, (again, _) = draw_scene(random), draw_scene(random), drawn(seed)
    for name in ("image", "boxes", "classes", "crowd", "areas"):
        assert np.array_equal(getattr(one, name), getattr(again, name))
    assert one.image.shape != following.image.shape or not np.array_equal(
        one.image, following.image
    )


@given(seed=SEEDS, longest=st.integers(SHORTEST_SIDE, LONGEST_SIDE))
@few
def test_arrays_have_the_promised_form(seed: int, longest: int) -> None:
    """Types, shapes and sides are what those who train and write files rely on."""
    scene = draw_scene(np.random.default_rng(seed), longest)
    height, width, channels = scene.image.shape
    assert scene.image.dtype == np.uint8 and scene.image.flags.c_contiguous and channels == 3
    assert min(height, width) >= SHORTEST_SIDE and max(height, width) <= longest
    assert max(height, width) <= 2 * min(height, width)
    count = len(scene.classes)
    assert scene.boxes.shape == (count, 4) and scene.boxes.dtype == np.float32
    assert scene.classes.dtype == np.int32 and scene.areas.dtype == np.float32
    assert scene.crowd.dtype == np.bool_ and scene.areas.shape == scene.crowd.shape == (count,)
    assert np.isin(scene.classes, range(1, len(CLASSES) + 1)).all()


@given(seed=SEEDS)
@few
def test_boxes_lie_inside_and_are_tight(seed: int) -> None:
    """A box holds all that shows of its object, and no more where nothing covers it."""
    scene, masks = drawn(seed)
    height, width = scene.image.shape[:2]
    assert len(masks) == len(scene.boxes)
    for number, (box, mask) in enumerate(zip(scene.boxes, masks, strict=True)):
        ymin, xmin, ymax, xmax = box.astype(int)
        assert 0 <= ymin < ymax <= height and 0 <= xmin < xmax <= width
        assert min(ymax - ymin, xmax - xmin) >= SMALLEST_OBJECT
        assert mask[ymin:ymax, xmin:xmax].sum() == mask.sum() == scene.areas[number] > 0
        if all(overlap(box, later) == 0 for later in scene.boxes[number + 1 :]):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            tight = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
            assert (ymin, xmin, ymax, xmax) == tight


@given(seed=SEEDS)
@few
def test_a_pixel_belongs_to_one_object_and_the_image_shows_it(seed: int) -> None:
    """Masks do not overlap, and what lies under a ball's mask has the ball's colour."""
    scene, masks = drawn(seed)
    if masks:
        assert np.sum(masks, axis=0).max() == 1
    for label, crowd, mask in zip(scene.classes, scene.crowd, masks, strict=True):
        if label in BALLS and not crowd:
            red, _, blue = scene.image[mask].astype(int).mean(axis=0)
            assert (red > blue + 40) if label == 1 else (blue > red + 40)


def test_objects_overlap_little_and_stay_visible(many: list[Scene]) -> None:
    """No two boxes share too much, nothing lies on a crowd, and balls keep their visible share."""
    overlapping = 0
    for scene in many:
        for number, box in enumerate(scene.boxes):
            for other in range(number):
                shared = overlap(box, scene.boxes[other])
                assert shared <= (0 if scene.crowd[other] else MAX_OVERLAP)
                overlapping += shared > 0
            height, width = box[2:] - box[:2]
            if scene.classes[number] in BALLS and not scene.crowd[number]:
                # The box is at most the whole disc's, so this holds where the border cuts it, too.
                assert scene.areas[number] > 0.95 * LEAST_VISIBLE * np.pi / 4 * height * width
    assert overlapping > 50


def test_the_border_cuts_no_object_too_much() -> None:
    """An object that would lose more than its share at a corner is put elsewhere."""
    ring = draw_shape(np.random.default_rng(0), CLASSES.index("ring") + 1, 40)
    whole = (ring.coverage >= 0.5).sum()
    cut = 0
    for seed in range(300):
        canvas = np.zeros((3, 44, 44), np.float32)
        placed: list[scenes._Placed] = []
        scenes._place(np.random.default_rng(seed), canvas, placed, ring, 8, over_the_edge=True)
        assert placed[0].visible.sum() >= LEAST_VISIBLE * whole
        cut += placed[0].visible.sum() < whole
    assert cut > 100


def test_scenes_are_of_all_kinds(many: list[Scene]) -> None:
    """What makes it detection is there, each kind in about its share."""
    counts = [len(scene.classes) for scene in many]
    assert {0, 1, 2, 3, 4, 5, 6} == set(counts)
    assert 2 < 100 * counts.count(0) / len(many) < 8
    crowds = [scene for scene in many if scene.crowd.any()]
    assert 2 < 100 * len(crowds) / len(many) < 8
    assert all(scene.crowd.sum() == 1 for scene in crowds)
    assert {int(scene.classes[scene.crowd][0]) for scene in crowds} == set(BALLS)
    boxes = np.concatenate([scene.boxes[~scene.crowd] for scene in many])
    assert (boxes[:, 2:] - boxes[:, :2]).min() >= SMALLEST_OBJECT
    small = (boxes[:, 2:] - boxes[:, :2] <= 32).all(axis=1).mean()
    assert 0.08 < small < 0.22
    square = np.mean([scene.image.shape[0] == scene.image.shape[1] for scene in many])
    assert 0.3 < square < 0.5
    wide = np.mean([scene.image.shape[1] > scene.image.shape[0] for scene in many])
    assert 0.2 < wide < 0.4
    share = np.bincount(np.concatenate([scene.classes for scene in many]))[1:] / len(boxes)
    assert (share > 0.08).all()
    assert sum((scene.boxes[:, :2] == 0).any() for scene in many) > 5


def test_most_objects_fill_a_quarter_or_more_of_the_shorter_side(many: list[Scene]) -> None:
    """Networks with small inputs can see them: only the small ones are below a quarter."""
    sizes = np.concatenate(
        [
            np.sqrt(np.prod(scene.boxes[:, 2:] - scene.boxes[:, :2], axis=1))
            / min(scene.image.shape[:2])
            for scene in many
        ]
    )
    assert np.mean((sizes > 0.22) & (sizes < 0.68)) > 0.75
