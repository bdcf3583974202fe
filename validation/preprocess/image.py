"""Image files, and their pixels as the uint8 RGB arrays that detectors were trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from validation.errors import DatasetError
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind

# Pillow reports a damaged file by any of these, depending on the format; by warnings where
# the caller has made them errors, and then the file should be named as well.
_DAMAGE = (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError)
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")

# A tag of EXIF 2.3; 1 is upright, 2 to 8 are turned or mirrored.
_ORIENTATION = 0x0112
_TURNED = range(2, 9)


@dataclass(frozen=True)
class ImageFile:
    """One image under the name that results are kept by.

    Args:
        key: Unique in a run: the COCO image id, or a canary's file name.
        path: The file.
    """

    key: str
    path: Path


def images_in(folder: Path) -> tuple[ImageFile, ...]:
    """The image files of a folder by name; folders inside it are not looked into.

    Raises:
        DatasetError: No such folder.
    """
    if not folder.is_dir():
        raise DatasetError("no folder of images", where=folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    return tuple(ImageFile(path.name, path) for path in paths)


def load_rgb(path: Path) -> NDArray[np.uint8]:
    """The stored pixels of an image file as RGB.

    Greyscale is repeated, palettes are looked up, CMYK is converted, alpha is
    dropped. EXIF orientation is not applied: the OD API decodes pixels as they are
    stored, and COCO's boxes are given in those pixels.

    Args:
        path: Any format that Pillow reads, with at most 8 bits a channel.

    Returns:
        uint8 [H, W, 3].

    Raises:
        DatasetError: No such file, damaged, not an image, or more than 8 bits a channel.
    """
    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):
                # Pillow would clip at 255 silently.
                raise DatasetError(
                    "the image has more than 8 bits a channel",
                    expected="8-bit greyscale, palette, RGB, RGBA or CMYK",
                    got=f"mode {image.mode}",
                    where=path,
                    next_step="store it with 8 bits a channel",
                )
            if image.mode == "P" and "transparency" in image.info:
                # Pillow warns when such a palette loses its alpha in one step.
                return np.array(image.convert("RGBA").convert("RGB"))
            return np.array(image.convert("RGB"))
    except FileNotFoundError as error:
        raise DatasetError(
            "the image is not there",
            where=path,
            next_step="check the image folder against the annotations' file names",
        ) from error
    except _DAMAGE as error:
        require_kind(path, Wanted.PICTURE, DatasetError)
        raise DatasetError(
            "the image cannot be read",
            got=error,
            where=path,
            next_step="fetch the file again",
        ) from error


def shown_otherwise(path: Path) -> bool:
    """True where viewers turn or mirror what `load_rgb` gives, as EXIF asks them to.

    Args:
        path: An image that `load_rgb` reads; damaged EXIF asks for nothing.
    """
    try:
        with Image.open(path) as image:
            return image.getexif().get(_ORIENTATION) in _TURNED
    except _DAMAGE:
        return False
