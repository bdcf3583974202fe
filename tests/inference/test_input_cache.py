"""Prepared images: as the model is fed them, read once, and forgotten where room ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from validation.errors import DatasetError
from validation.inference.input_cache import InputCache
from validation.preprocess.image import ImageFile, load_rgb
from validation.preprocess.prepare import prepare
from validation.preprocess.resize import resized_pixels
from validation.specs.contracts import Preprocessing

_SMALL = Preprocessing(4, 6, (2 / 255,) * 3, (1.0,) * 3)
_OTHER = Preprocessing(4, 6, (1 / 255,) * 3, (0.0,) * 3)
_BYTES = 4 * 6 * 3 * 4


@pytest.fixture
def images(tmp_path: Path) -> list[ImageFile]:
    """Three images that differ."""
    found = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 256, (9, 7, 3), np.uint8)
        Image.fromarray(pixels).save(path)
        found.append(ImageFile(str(number), path))
    return found


def test_feeds_are_what_preprocessing_makes(images: list[ImageFile]) -> None:
    """One by one and stacked, asked for the first time and again."""
    feeds = InputCache()
    expected = [prepare(load_rgb(image.path), _SMALL) for image in images]
    for _ in range(2):
        stacked = feeds.stacked(images, _SMALL)
        assert (stacked.shape, stacked.dtype) == ((3, 1, 4, 6, 3), np.float32)
        np.testing.assert_array_equal(stacked, np.stack(expected))


def test_an_image_is_read_once(images: list[ImageFile]) -> None:
    """The file may be gone the second time; nobody may write to what all share."""
    feeds = InputCache()
    first = feeds.of(images[0], _SMALL)
    images[0].path.unlink()
    assert feeds.of(images[0], _SMALL) is first
    with pytest.raises(ValueError, match="read-only"):
        first += 1
    with pytest.raises(DatasetError):
        feeds.of(images[0], _OTHER)


def test_images_are_resized_before_in_whole_numbers(images: list[ImageFile]) -> None:
    """To the model's own size or another, which is another feed."""
    feeds = InputCache()
    for size in ((4, 6), (5, 8)):
        resized = resized_pixels(load_rgb(images[0].path), *size)
        feed = feeds.of(images[0], _SMALL, size)
        np.testing.assert_array_equal(feed, prepare(resized, _SMALL))
        np.testing.assert_array_equal(feeds.stacked(images[:1], _SMALL, size)[0], feed)
        assert (feed != feeds.of(images[0], _SMALL)).any()


def test_preprocessing_tells_feeds_apart(images: list[ImageFile]) -> None:
    """One image for two models is two feeds."""
    feeds = InputCache()
    one, other = feeds.of(images[0], _SMALL), feeds.of(images[0], _OTHER)
    np.testing.assert_allclose(one, 2 * other - 1, atol=1e-6)


def test_the_oldest_is_forgotten_beyond_the_room(images: list[ImageFile]) -> None:
    """Two fit: with the third the first is read anew."""
    feeds = InputCache(room_bytes=2 * _BYTES)
    kept = [feeds.of(image, _SMALL) for image in images]
    assert feeds.of(images[2], _SMALL) is kept[2]
    assert feeds.of(images[1], _SMALL) is kept[1]
    assert feeds.of(images[0], _SMALL) is not kept[0]


def test_an_image_larger_than_the_room_is_fed_all_the_same(images: list[ImageFile]) -> None:
    """It is only not kept."""
    feeds = InputCache(room_bytes=_BYTES - 1)
    first = feeds.of(images[0], _SMALL)
    np.testing.assert_array_equal(first, prepare(load_rgb(images[0].path), _SMALL))
    assert feeds.of(images[0], _SMALL) is not first


def test_threads_share_one_keeper(images: list[ImageFile]) -> None:
    """Whoever comes first: every answer is the image's, and its bytes are counted once."""
    feeds = InputCache(room_bytes=3 * _BYTES)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: feeds.of(images[place % 3], _SMALL), range(90)))
    for place, feed in enumerate(found):
        np.testing.assert_array_equal(feed, prepare(load_rgb(images[place % 3].path), _SMALL))
    for image in images:
        assert feeds.of(image, _SMALL) is feeds.of(image, _SMALL)
