"""The images that a model is calibrated with, drawn from a folder or from labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from validation.errors import DatasetError
from validation.policy.load import Policy
from validation.preprocess.image import ImageFile, images_in, shown_otherwise_count


@dataclass(frozen=True)
class CalibrationImages:
    """Images to calibrate with; their count, seed and source go into the record.

    Args:
        images: As drawn.
        seed: Of the draw.
        source: What they were drawn from, in words.
        min_span: Share of the extractor's input range that they have to span together.
        as_stored: How many are used as they are stored although viewers turn them.
    """

    images: tuple[ImageFile, ...]
    seed: int
    source: str
    min_span: float
    as_stored: int = 0

    def describe(self) -> str:
        """For example "40 of photos, 2 of them as stored, although EXIF turns them"."""
        text = f"{len(self.images)} of {self.source}"
        if self.as_stored:
            text += f", {self.as_stored} of them as stored, although EXIF turns them"
        return text


def drawn_from_folder(folder: Path, policy: Policy, source: str | None = None) -> CalibrationImages:
    """As many images of a folder as the policy asks for; all where there are fewer.

    Args:
        folder: Given by the user, or of the package.
        policy: How many, and the seed.
        source: What the images are, in words; None: the folder's name.

    Raises:
        DatasetError: No such folder, or no image in it.
    """
    images = images_in(folder)
    count = min(max(len(images), 1), int(policy.setting("calibration_images")))
    return _drawn(images, count, policy, source or f"folder {folder.name}")


def drawn_from_labelled(
    images: Sequence[ImageFile], policy: Policy, dataset: str
) -> CalibrationImages | None:
    """Some labelled images, to be set apart: a file is not scored on what it was calibrated on.

    Args:
        images: Of the data set.
        policy: How many, at most which share of them, and the seed.
        dataset: Its name.

    Returns:
        None where there are too few to spare one.
    """
    count = min(
        int(policy.setting("calibration_images")),
        int(policy.setting("calibration_share") * len(images)),
    )
    if not count:
        return None
    return _drawn(images, count, policy, f"{dataset}, set apart from those that are scored")


def _drawn(
    images: Sequence[ImageFile], count: int, policy: Policy, source: str
) -> CalibrationImages:
    seed = int(policy.setting("calibration_seed"))
    min_span = policy.setting("calibration_min_span")
    drawn = draw(images, count, seed)
    return CalibrationImages(drawn, seed, source, min_span, shown_otherwise_count(drawn))


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
    return tuple(ordered[index] for index in np.sort(chosen))
