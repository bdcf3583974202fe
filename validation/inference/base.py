"""Run a detector over many images, on all cores, with progress."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from validation.isolation.activity import alive
from validation.preprocess.image import ImageFile, load
from validation.record.detections import Detections

if TYPE_CHECKING:
    from concurrent.futures import Future

# Images of each thread that wait, so that a slow one keeps no other thread.
_AHEAD = 16


class Detector(Protocol):
    """From an image at its stored size to detections."""

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """Detections of one RGB image [H, W, 3], in the model's own order."""


# What detects one image file; made anew for each thread.
DetectFile = Callable[[ImageFile], Detections]


def on_files(detector: Detector, size: tuple[int, int] | None = None) -> DetectFile:
    """A detector as it is used on stored images, resized before where `load` is to do so."""
    return lambda image: detector.detect(load(image, size))


def detect_all(
    make: Callable[[], DetectFile],
    images: Sequence[ImageFile],
    *,
    workers: int,
    label: str,
    progress: bool = False,
) -> Mapping[str, Detections]:
    """Detections of every image, by key.

    Args:
        make: Makes what detects an image; called once in each worker thread, for
            interpreters are not shared between threads.
        images: Their keys are unique.
        workers: Threads; 1: this one. Decoding, LiteRT and TensorFlow all work outside of the GIL.
        label: For the progress bar.
        progress: Show the bar on a terminal.

    Raises:
        ValidationError: What the detector raises; no image is left out.
    """
    # In a log file a bar is a thousand lines.
    shown = progress and sys.stderr.isatty()
    results: Iterable[Detections] = (
        detections_in_order(make, images, workers=workers) if workers > 1 else _here(make, images)
    )
    if shown:
        from tqdm import tqdm

        results = tqdm(results, total=len(images), desc=label, unit="image")
    return {image.key: detections for image, detections in zip(images, results, strict=True)}


def _here(
    make: Callable[[], DetectFile], images: Iterable[ImageFile]
) -> Generator[Detections, None, None]:
    """In this thread: one that is waited for takes a twentieth of the time of a small model."""
    detect = make()
    for image in images:
        yield detect(image)
        alive()


def detections_in_order(
    make: Callable[[], DetectFile], images: Iterable[ImageFile], *, workers: int
) -> Generator[Detections, None, None]:
    """Detections of one image after the other; only a few are ahead of what is taken.

    Args:
        make: See `detect_all`.
        images: See `detect_all`.
        workers: Threads.

    Raises:
        ValidationError: What the detector raises.
    """
    from concurrent.futures import ThreadPoolExecutor

    local = threading.local()

    def detect(image: ImageFile) -> Detections:
        if not hasattr(local, "detect"):
            local.detect = make()
        detections: Detections = local.detect(image)
        alive()
        return detections

    pool = ThreadPoolExecutor(workers)
    try:
        ahead: deque[Future[Detections]] = deque()
        for image in images:
            ahead.append(pool.submit(detect, image))
            if len(ahead) > _AHEAD * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
