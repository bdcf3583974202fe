"""Images that stand for all: drawn by a seed, fed to the converter as the model is fed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.convert.calibration import Calibration, watched
from validation.errors import DatasetError
from validation.inference.base import ImageFile
from validation.policy.load import Policy
from validation.preprocess.image import load_rgb
from validation.preprocess.prepare import prepare
from validation.specs.contracts import INPUT_NAME, Preprocessing
from validation.specs.input_stats import wanted_range

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


def images_in(folder: Path) -> tuple[ImageFile, ...]:
    """The image files of a folder by name; folders inside it are not looked into.

    Raises:
        DatasetError: No such folder.
    """
    if not folder.is_dir():
        raise DatasetError("no folder of images", where=folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    return tuple(ImageFile(path.name, path) for path in paths)


def drawn_from(folder: Path, policy: Policy) -> tuple[ImageFile, ...]:
    """As many images of a folder as the policy asks for; all where there are fewer.

    Raises:
        DatasetError: No such folder, or no image in it.
    """
    images = images_in(folder)
    count = min(max(len(images), 1), int(policy.setting("calibration_images")))
    return draw(images, count, int(policy.setting("calibration_seed")))


def draw(images: Sequence[ImageFile], count: int, seed: int) -> tuple[ImageFile, ...]:
    """Some images, the same ones for the same seed, whatever order they come in.

    Args:
        images: To draw from; their keys are unique.
        count: How many.
        seed: Of NumPy's default generator.

    Returns:
        In the order of their keys.

    Raises:
        DatasetError: Fewer images than asked for, or none asked for.
    """
    if not 0 < count <= len(images):
        raise DatasetError(
            "too few representative images",
            expected=f"{max(count, 1)} or more",
            got=len(images),
            next_step="give more images, or ask for fewer",
        )
    ordered = sorted(images, key=lambda image: image.key)
    chosen = np.random.default_rng(seed).choice(len(ordered), count, replace=False)
    return tuple(ordered[place] for place in np.sort(chosen))


def calibration_of(
    images: Sequence[ImageFile], preprocessing: Preprocessing, policy: Policy
) -> Calibration:
    """The images as the converter is to be fed, prepared one by one.

    Args:
        images: As drawn.
        preprocessing: Of the extractor.
        policy: Says how much of the extractor's range they have to span.
    """

    def feeds() -> Iterator[NDArray[np.float32]]:
        for image in images:
            yield prepare(load_rgb(image.path), preprocessing)

    min_span = policy.setting("calibration_min_span")
    return Calibration(feeds, len(images), wanted_range(preprocessing), min_span)


def watched_feeds(
    images: Sequence[ImageFile], preprocessing: Preprocessing, policy: Policy
) -> Iterator[NDArray[np.float32]]:
    """The images one by one as the graph's input is fed, for a calibration of our own.

    Returns:
        float32 [1, H, W, 3] each.

    Raises:
        FeedError: They are not what an extractor's input is made of, see `watched`.
    """
    shape = (1, preprocessing.height, preprocessing.width, 3)
    return watched(calibration_of(images, preprocessing, policy), shape, INPUT_NAME)
