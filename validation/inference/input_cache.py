"""Prepared images, read once for all files that take the same input."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.preprocess.image import ImageFile, load
from validation.preprocess.prepare import prepare
from validation.specs.contracts import Preprocessing

# Some 200 images of 300 pixels: a small data set as a whole, and little next to TensorFlow.
_ROOM_BYTES = 250_000_000

_Size = tuple[int, int]
# The file, whether it is turned, what it is resized to before, and how it is fed.
_Key = tuple[Path, bool, _Size | None, Preprocessing]


class InputCache:
    """Prepared images, the latest ones kept; may be asked from several threads.

    Args:
        room_bytes: The oldest are forgotten beyond this.
    """

    def __init__(self, room_bytes: int = _ROOM_BYTES) -> None:
        self._room = room_bytes
        self._kept: OrderedDict[_Key, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(
        self, image: ImageFile, preprocessing: Preprocessing, size: _Size | None = None
    ) -> NDArray[np.float32]:
        """One image, float32 [1, H, W, 3]; not to be written to.

        Args:
            image: The file.
            preprocessing: From the image to the input.
            size: See `load`: what the image is resized to before that.

        Raises:
            DatasetError: It cannot be read.
        """
        key = (image.path, image.turned, size, preprocessing)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        feed = prepare(load(image, size), preprocessing)
        feed.setflags(write=False)
        with self._lock:
            # Two threads may have prepared the same one.
            if key not in self._kept:
                self._kept[key] = feed
                self._bytes += feed.nbytes
            while self._bytes > self._room:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
        return feed

    def stacked(
        self,
        images: Sequence[ImageFile],
        preprocessing: Preprocessing,
        size: _Size | None = None,
    ) -> NDArray[np.float32]:
        """Several images, float32 [I, 1, H, W, 3]; see `of`.

        Raises:
            DatasetError: One cannot be read.
        """
        return np.stack([self.of(image, preprocessing, size) for image in images])
