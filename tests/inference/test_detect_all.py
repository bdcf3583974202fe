"""A detector over many images: every image once, by key, and nothing left out silently."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from validation.errors import DatasetError, GraphError
from validation.inference.base import detect_all, detections_in_order, on_files
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections


class _ByHeight:
    """Says of an image how high it is, and notes which thread asked."""

    def __init__(self, threads):
        self._threads = threads

    def detect(self, image):
        self._threads.append((id(self), threading.get_ident()))
        time.sleep(0.002 * (image.shape[0] % 3))
        return Detections((), (), ()) if image.shape[0] == 1 else _of(image.shape[0])


def _of(height):
    return Detections(((0.0, 0.0, 1.0, 1.0),), (0.5,), (height,))


@pytest.fixture
def images(tmp_path):
    """Twelve images, 1 to 12 pixels high."""
    found = []
    for height in range(1, 13):
        path = tmp_path / f"{height}.png"
        Image.fromarray(np.zeros((height, 5, 3), np.uint8)).save(path)
        found.append(ImageFile(f"image {height}", path))
    return found


@pytest.mark.parametrize("workers", [1, 4])
def test_detections_come_by_key_in_the_order_of_the_images(images, workers):
    """However many threads, and whichever of them is ready first."""
    found = detect_all(lambda: on_files(_ByHeight([])), images, workers=workers, label="")
    assert list(found) == [image.key for image in images]
    assert len(found["image 1"]) == 0
    assert all(found[f"image {height}"] == _of(height) for height in range(2, 13))


def test_each_thread_has_a_detector_of_its_own(images):
    """Interpreters are not shared between threads."""
    calls = []
    detect_all(lambda: on_files(_ByHeight(calls)), images, workers=3, label="")
    threads_of = {detector: {t for d, t in calls if d == detector} for detector, _ in calls}
    assert len(calls) == len(images)
    assert 1 <= len(threads_of) <= 3
    assert all(len(threads) == 1 for threads in threads_of.values())


def test_no_images_no_detections():
    """And no detector is made."""
    assert detect_all(lambda: pytest.fail("made"), [], workers=2, label="") == {}


def test_image_that_cannot_be_read_ends_the_run(images, tmp_path):
    """One missing image would change the accuracy."""
    images.insert(3, ImageFile("broken", tmp_path / "broken.jpg"))
    images[3].path.write_bytes(b"404 Not Found")
    with pytest.raises(DatasetError, match=r"broken.jpg"):
        detect_all(lambda: on_files(_ByHeight([])), images, workers=2, label="")


def test_failing_detector_ends_the_run(images):
    """Its own error, not one of threads."""

    class Failing:
        def detect(self, image):
            raise GraphError("the graph failed while it ran", got=image.shape)

    with pytest.raises(GraphError, match="failed while it ran"):
        detect_all(lambda: on_files(Failing()), images, workers=2, label="")


def test_detector_that_cannot_be_made_ends_the_run(images):
    """As above, one step earlier."""

    def make():
        raise GraphError("no graph")

    with pytest.raises(GraphError, match="no graph"):
        detect_all(make, images, workers=2, label="")


def test_progress_is_shown_where_asked_for(images, capsys, monkeypatch):
    """On a terminal, with its label; a log stays quiet."""
    for progress in (False, True):
        detect_all(lambda: on_files(_ByHeight([])), images, workers=1, label="", progress=progress)
        assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    detect_all(lambda: on_files(_ByHeight([])), images, workers=1, label="mini float")
    assert capsys.readouterr().err == ""
    detect_all(
        lambda: on_files(_ByHeight([])), images, workers=1, label="mini float", progress=True
    )
    assert "mini float: 100%" in capsys.readouterr().err


def test_only_a_few_images_are_ahead_of_what_is_taken(images):
    """Of 100,000 images the detections are not all in memory."""
    many = [ImageFile(str(number), images[0].path) for number in range(200)]
    calls = []
    each = detections_in_order(lambda: on_files(_ByHeight(calls)), many, workers=1)
    next(each)
    time.sleep(0.3)
    each.close()
    assert 1 <= len(calls) < 40
