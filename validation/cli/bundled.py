"""The images that ship with the package, by the name of the group that they belong to."""

from __future__ import annotations

from pathlib import Path

from validation.zoo.bundled_files import BUNDLED_GROUP, calibration_scenes, labelled_scenes

LABELLED_WORDS = f", or {BUNDLED_GROUP}: the scenes that ship with the package"
CALIBRATION_WORDS = f"; {BUNDLED_GROUP}: those that ship with the package"


def labelled_places(annotations: Path, images: Path | None) -> tuple[Path, Path | None]:
    """The data set and the folder that flags name; the package's own by their name.

    Args:
        annotations: Of --coco-annotations.
        images: Of --coco-images.
    """
    if images is None and _is_named(annotations):
        return labelled_scenes()
    return annotations, images


def calibration_place(images: Path) -> Path:
    """The folder of images to calibrate with; the package's own by its name."""
    return calibration_scenes() if _is_named(images) else images


def _is_named(path: Path) -> bool:
    # What is there under that name is what is meant.
    return str(path) == BUNDLED_GROUP and not path.exists()
