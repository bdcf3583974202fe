"""Image files, and their pixels as the uint8 RGB arrays that detectors were trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from validation.errors import DatasetError
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.preprocess.resize import resized_pixels

# Pillow reports a damaged file by any of these, depending on the format; by warnings where
# the caller has made them errors, and then the file should be named as well.
_DAMAGE = (OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError)
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")

# A tag of EXIF 2.3; 1 is upright, 2 to 8 are turned or mirrored.
_ORIENTATION = 0x0112
_TURNED = range(2, 9)
_ON_THEIR_SIDE = range(5, 9)

# What makes stored pixels [H, W, 3] upright, by orientation.
_TURNS: dict[int, tuple[Callable[[NDArray[np.uint8]], NDArray[np.uint8]], ...]] = {
    1: (),
    2: (np.fliplr,),
    3: (np.rot90, np.rot90),
    4: (np.flipud,),
    5: (np.fliplr, np.rot90),
    6: (np.rot90, np.rot90, np.rot90),
    7: (np.flipud, np.rot90),
    8: (np.rot90,),
}


@dataclass(frozen=True)
class ImageFile:
    """One image under the name that results are kept by.

    Args:
        key: Unique in a run: the COCO image id, or a canary's file name.
        path: The file.
        turned: Its pixels are to be turned as EXIF says.
    """

    key: str
    path: Path
    turned: bool = False


@dataclass(frozen=True)
class StoredImage:
    """What the header of an image file says.

    Args:
        size: Width and height of the stored pixels.
        orientation: Of EXIF: 1 is upright, 2 to 8 are turned or mirrored by viewers.
    """

    size: tuple[int, int]
    orientation: int = 1

    @property
    def is_upright(self) -> bool:
        """True where viewers show the pixels as they are stored."""
        return self.orientation not in _TURNED

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as viewers show the image."""
        width, height = self.size
        return (height, width) if self.orientation in _ON_THEIR_SIDE else self.size


def images_in(folder: Path) -> tuple[ImageFile, ...]:
    """The image files of a folder by name; folders inside it are not looked into.

    Raises:
        DatasetError: No such folder.
    """
    if not folder.is_dir():
        raise DatasetError("no folder of images", where=folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    return tuple(ImageFile(path.name, path) for path in paths)


def load(image: ImageFile, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """`load_rgb` of an image, turned where it is to be.

    Args:
        image: The file.
        size: Height and width to resize it to in whole numbers; None: the size that it has.

    Raises:
        DatasetError: As `load_rgb`.
    """
    pixels = load_rgb(image.path, turned=image.turned)
    return pixels if size is None else resized_pixels(pixels, *size)


def load_rgb(path: Path, *, turned: bool = False) -> NDArray[np.uint8]:
    """The pixels of an image file as RGB, as they are stored unless asked for otherwise.

    Greyscale is repeated, palettes are looked up, CMYK is converted, alpha is
    dropped. EXIF orientation is not applied by itself: the OD API decodes pixels as they are
    stored, and COCO's boxes are given in those pixels.

    Args:
        path: Any format that Pillow reads, with at most 8 bits a channel.
        turned: Turn and mirror them as EXIF says.

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
            turns = _TURNS[_orientation(image)] if turned else ()
            if image.mode == "P" and "transparency" in image.info:
                # Pillow warns when such a palette loses its alpha in one step.
                pixels = np.array(image.convert("RGBA").convert("RGB"))
            else:
                pixels = np.array(image.convert("RGB"))
            for turn in turns:
                pixels = turn(pixels)
            return np.ascontiguousarray(pixels)
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


def stored_image(path: Path | BytesIO) -> StoredImage:
    """Size and orientation of an image file, from its header.

    Args:
        path: The file, or its bytes; damaged EXIF says upright.

    Raises:
        DatasetError: No such file, or no image.
    """
    try:
        with Image.open(path) as image:
            return StoredImage(image.size, _orientation(image))
    except _DAMAGE as error:
        raise DatasetError("the image cannot be read", got=error, where=path) from error


def shown_otherwise(path: Path) -> bool:
    """True where viewers turn or mirror what `load_rgb` gives, as EXIF asks them to.

    Args:
        path: An image that `load_rgb` reads; damaged EXIF asks for nothing.
    """
    try:
        return not stored_image(path).is_upright
    except DatasetError:
        return False


def shown_otherwise_count(images: Sequence[ImageFile]) -> int:
    """How many of these are used as they are stored although viewers turn them."""
    return sum(not image.turned and shown_otherwise(image.path) for image in images)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 where it says nothing that is one."""
    if image.format == "PNG" and "exif" not in image.info:
        # Pillow would decode the whole picture to look behind it.
        return 1
    try:
        found = image.getexif().get(_ORIENTATION)
    except _DAMAGE:
        return 1
    return found if isinstance(found, int) and found in _TURNED else 1
