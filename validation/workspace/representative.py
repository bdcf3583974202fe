"""Which images calibrate a post-training quantisation, and how they were chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from validation.coco.dataset import Dataset
from validation.inference.base import ImageFile
from validation.inference.representative import draw, drawn_from
from validation.policy.load import Policy


@dataclass(frozen=True)
class Representative:
    """Images to calibrate with; count, seed and source go into the record.

    Args:
        images: As drawn.
        seed: Of the draw.
        source: What they were drawn from, in words.
        policy: Says what the images have to span.
    """

    images: tuple[ImageFile, ...]
    seed: int
    source: str
    policy: Policy


def representative(
    folder: Path | None, dataset: Dataset | None, policy: Policy, source: str | None = None
) -> Representative | None:
    """Images of a folder; else of the data set that is evaluated; None without either.

    Images that are calibrated with and judged by flatter a file a little, so the source says
    where that is so.

    Args:
        folder: Given by the user, or of the package.
        dataset: Labelled images of the session.
        policy: How many, and the seed.
        source: What the folder's images are, in words; None: its name.

    Raises:
        DatasetError: No such folder, or no image in it.
    """
    seed = int(policy.setting("calibration_seed"))
    if folder is not None:
        told = source or f"folder {folder.name}"
        return Representative(drawn_from(folder, policy), seed, told, policy)
    if dataset is None:
        return None
    labelled = [ImageFile(str(image.id), image.path) for image in dataset.images]
    count = min(len(labelled), int(policy.setting("calibration_images")))
    told = f"{dataset.name}, the very images that accuracy is measured on"
    return Representative(draw(labelled, count, seed), seed, told, policy)
