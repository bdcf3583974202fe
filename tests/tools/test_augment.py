"""Views of scenes."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from bundled.augment import View, cropped, mirrored, relit, viewed
from bundled.scenes import Scene
from hypothesis import given, settings

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def scene_of(seed: int) -> Scene:
    """Noise with up to four boxes, one of them a crowd."""
    random = np.random.default_rng(seed)
    height, width = random.integers(40, 90, 2)
    count = int(random.integers(0, 5))
    low = random.uniform(0, 0.6, (count, 2)) * (height, width)
    high = low + random.uniform(0.1, 0.4, (count, 2)) * (height, width)
    boxes = np.concatenate([low, high], axis=1).astype(np.float32)
    return Scene(
        random.integers(0, 256, (height, width, 3), np.uint8),
        boxes,
        np.arange(1, count + 1, dtype=np.int32),
        np.arange(count) == 3,
        (boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
    )


def same(one: Scene, other: Scene) -> bool:
    return np.array_equal(one.image, other.image) and np.array_equal(one.boxes, other.boxes)


@few
@given(SEEDS)
def test_mirroring_moves_pixels_and_boxes_together(seed: int) -> None:
    """What a box shows is what the mirrored box shows, mirrored."""
    scene = scene_of(seed)
    whole = Scene(scene.image, np.floor(scene.boxes), scene.classes, scene.crowd, scene.areas)
    other = mirrored(whole)
    for old, new in zip(whole.boxes.astype(int), other.boxes.astype(int), strict=True):
        before = whole.image[old[0] : old[2], old[1] : old[3]]
        after = other.image[new[0] : new[2], new[1] : new[3]]
        np.testing.assert_array_equal(before[:, ::-1], after)
    np.testing.assert_array_equal(other.classes, whole.classes)


@few
@given(SEEDS)
def test_mirroring_twice_changes_nothing(seed: int) -> None:
    """Left and right, and back."""
    scene = scene_of(seed)
    twice = mirrored(mirrored(scene))
    np.testing.assert_array_equal(twice.image, scene.image)
    np.testing.assert_allclose(twice.boxes, scene.boxes, atol=1e-4)


@few
@given(SEEDS)
def test_a_crop_cuts_no_object_to_pieces(seed: int) -> None:
    """Boxes stay inside; every object but a crowd keeps three quarters, or is left out."""
    scene = scene_of(seed)
    part = cropped(scene, np.random.default_rng(seed))
    height, width = part.image.shape[:2]
    assert (part.boxes >= 0).all()
    assert (part.boxes[:, 2] <= height).all()
    assert (part.boxes[:, 3] <= width).all()
    sizes = (part.boxes[:, 2:] - part.boxes[:, :2]).prod(axis=1)
    kept = np.isin(scene.classes, part.classes)
    whole = (scene.boxes[kept, 2:] - scene.boxes[kept, :2]).prod(axis=1)
    assert (sizes >= 0.74 * whole)[~part.crowd].all()
    np.testing.assert_array_equal(part.classes, scene.classes[kept])
    np.testing.assert_array_equal(part.crowd, scene.crowd[kept])


def test_crops_differ_and_are_smaller() -> None:
    """Chance cuts: of ten crops of one scene most are smaller, and not alike."""
    scene = scene_of(2)
    sizes = {cropped(scene, np.random.default_rng(seed)).image.shape for seed in range(10)}
    assert len(sizes) > 3
    assert all(size[0] <= scene.image.shape[0] for size in sizes)


def test_a_scene_that_every_crop_would_cut_stays_whole() -> None:
    """An object over the whole image loses too much in any smaller part."""
    image = np.zeros((1000, 1000, 3), np.uint8)
    box = np.array([[0, 0, 1000, 1000]], np.float32)
    scene = Scene(image, box, np.ones(1, np.int32), np.zeros(1, bool), np.full(1, 1e6, np.float32))
    for seed in range(5):
        part = cropped(scene, np.random.default_rng(seed))
        assert part.boxes.tolist()[0][2] * part.boxes.tolist()[0][3] >= 0.75 * 1e6


@few
@given(SEEDS)
def test_light_keeps_red_red_and_blue_blue(seed: int) -> None:
    """Whichever of red and blue is clearly larger stays larger."""
    image = np.array([[[210, 30, 40], [40, 30, 210], [128, 128, 128]]], np.float32)
    lit = relit(image, np.random.default_rng(seed))
    assert lit[0, 0, 0] > lit[0, 0, 2] + 60
    assert lit[0, 1, 2] > lit[0, 1, 0] + 60
    assert lit.dtype == np.float32
    assert lit.min() >= 0
    assert lit.max() <= 255


def test_light_of_no_strength_changes_nothing() -> None:
    """Strength 0 is the image itself."""
    image = scene_of(1).image.astype(np.float32)
    np.testing.assert_allclose(relit(image, np.random.default_rng(0), 0.0), image, atol=1e-4)


def test_views_follow_from_the_generator() -> None:
    """The same chance gives the same view, and other chance another."""
    scene = scene_of(3)
    views = [viewed(scene, np.random.default_rng(seed), View()) for seed in (7, 7, 8, 9, 10)]
    assert same(views[0], views[1])
    assert not all(same(views[0], each) for each in views[2:])


def test_a_view_can_leave_all_as_it_is() -> None:
    """Neither mirrored nor cropped where both shares are 0."""
    scene = scene_of(3)
    assert viewed(scene, np.random.default_rng(0), View(mirror=0, crop=0)) is scene
