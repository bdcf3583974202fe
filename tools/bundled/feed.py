"""Training batches, made ahead of time in other processes.

A batch follows from the options and its number alone, whichever process makes it.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bundled.augment import View, relit, viewed
from bundled.scene_set import scene_random
from bundled.scenes import Scene, draw_scene
from bundled.targets import AnchorTargets, Boxes, MatchRule, Scales, anchor_targets, stacked
from validation.preprocess.resize import resize_bilinear
from validation.specs.contracts import Preprocessing

# What happens to the scenes of a batch is seeded beside the scenes, see `scene_random`.
_BATCHES = 1
# Batches that are made, or wait, for each process.
_AHEAD = 4


@dataclass(frozen=True)
class FeedOptions:
    """What batches are made of.

    Args:
        seed: Of all scenes and of all that happens to them.
        scenes: How many are drawn; batches show views of these.
        batch: Images of a batch.
        preprocessing: Of the model.
        anchors: float32 [A, 4] as ymin, xmin, ymax, xmax; 1 is the height or width.
        scales: Of the box coder.
        rule: When an anchor answers for a box.
        view: What happens to the scenes.
    """

    seed: int
    scenes: int
    batch: int
    preprocessing: Preprocessing
    anchors: Boxes = field(repr=False)
    scales: Scales
    rule: MatchRule
    view: View


@dataclass(frozen=True)
class Batch:
    """Images and what the anchors should answer for them.

    Args:
        images: uint8 [B, H, W, 3], RGB, at the model's size.
        targets: [B, A, ...].
    """

    images: NDArray[np.uint8]
    targets: AnchorTargets


class BatchMaker:
    """Makes batches by their number; scenes are drawn once.

    Args:
        options: What they are made of.
    """

    def __init__(self, options: FeedOptions) -> None:
        self._options = options
        self._scene = functools.lru_cache(maxsize=None)(self._drawn)

    def __call__(self, number: int) -> Batch:
        """The batch of a number."""
        options = self._options
        random = np.random.default_rng([options.seed, _BATCHES, number])
        images, targets = [], []
        for chosen in random.integers(options.scenes, size=options.batch).tolist():
            scene = viewed(self._scene(chosen), random, options.view)
            image = resized(scene.image, options.preprocessing)
            image = relit(image, random, options.view.light)
            images.append((image + np.float32(0.5)).astype(np.uint8))
            targets.append(self._targets(scene))
        return Batch(np.stack(images), stacked(targets))

    def _drawn(self, number: int) -> Scene:
        return draw_scene(scene_random(self._options.seed, number))

    def _targets(self, scene: Scene) -> AnchorTargets:
        options = self._options
        sides = np.array(scene.image.shape[:2], np.float32)
        boxes = (scene.boxes / np.tile(sides, 2)).astype(np.float32)
        return anchor_targets(
            boxes, scene.classes, scene.crowd, options.anchors, options.scales, options.rule
        )


def resized(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """An image at the model's size, as the inference graph resizes it.

    Args:
        image: uint8 [H, W, 3].
        preprocessing: Of the model.

    Returns:
        float32 [height, width, 3], 0 to 255.
    """
    return resize_bilinear(
        image,
        preprocessing.height,
        preprocessing.width,
        align_corners=preprocessing.align_corners,
        half_pixel_centers=preprocessing.half_pixel_centers,
    )


def normalised(images: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Images as the feature extractor wants them.

    Args:
        images: uint8 [B, H, W, 3].
        preprocessing: ``pixel * scale - offset`` for each channel.

    Returns:
        float32 [B, H, W, 3].
    """
    scale = np.array(preprocessing.scale, np.float32)
    return images * scale - np.array(preprocessing.offset, np.float32)


def batches(options: FeedOptions, count: int, *, workers: int) -> Iterator[Batch]:
    """The first batches in their order, made ahead of time.

    Args:
        options: What they are made of.
        count: How many.
        workers: Processes that make them; 0 makes each when it is asked for. Every process
            draws its own scenes, about 0.15 MB each.
    """
    if workers == 0:
        yield from map(BatchMaker(options), range(count))
        return
    # A forked TensorFlow hangs.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _set_maker, (options,))
    waiting: deque[Future[Batch]] = deque()
    try:
        for number in range(count):
            waiting.append(pool.submit(_made, number))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


# One for each worker process.
_maker: BatchMaker | None = None


def _set_maker(options: FeedOptions) -> None:
    global _maker
    _maker = BatchMaker(options)


def _made(number: int) -> Batch:
    assert _maker is not None
    return _maker(number)
