"""Image files, and their pixels as the uint8 RGB arrays that detectors were trained on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from validation.errors import DatasetError
from validation.files.guard import faults, said
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.preprocess.opening import FORMATS, ManyPixels, opened_image, plain_size
from validation.preprocess.resize import resized_pixels

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")

_READ = f"an image: {', '.join(FORMATS)}"
# Beyond this an image is converted in strips, of about as many pixels.
_STRIP_PIXELS = 4 << 20
# Beyond this one thread at a time decodes: several would fill the memory.
_ALONE_PIXELS = 24 << 20
_ALONE = threading.Lock()

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
        form: Pillow's name of the format; empty where it was not asked.
    """

    size: tuple[int, int]
    orientation: int = 1
    form: str = ""

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
        path: JPEG, PNG, BMP, WebP, GIF or TIFF, with at most 8 bits a channel.
        turned: Turn and mirror them as EXIF says.

    Returns:
        uint8 [H, W, 3].

    Raises:
        DatasetError: No such file, damaged, not an image, more than 8 bits a channel, or more
            pixels than are decoded.
    """
    try:
        with opened_image(path) as image:
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
            with _ALONE if math.prod(image.size) > _ALONE_PIXELS else nullcontext():
                pixels = _rgb(image)
            for turn in turns:
                pixels = turn(pixels)
            return np.ascontiguousarray(pixels)
    except FileNotFoundError as error:
        raise DatasetError(
            "the image is not there",
            where=path,
            next_step="check the image folder against the annotations' file names",
        ) from error
    except ManyPixels as error:
        raise _too_large(error, path) from error
    except faults() as error:
        require_kind(path, Wanted.PICTURE, DatasetError)
        raise DatasetError(
            "the image cannot be read",
            expected=_READ,
            got=said(error),
            where=path,
            next_step="fetch the file again",
        ) from error


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels, a strip at a time: Pillow and NumPy would each copy a large image twice."""
    width, height = image.size
    rows = max(_STRIP_PIXELS // width, 1)
    if rows >= height:
        return _converted(image)
    image.load()
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        end = min(top + rows, height)
        pixels[top:end] = _converted(image.crop((0, top, width, end)))
    return pixels


def _converted(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "P" and "transparency" in image.info:
        # Pillow warns when such a palette loses its alpha in one step.
        image = image.convert("RGBA")
    # To convert what is RGB already is to copy it.
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _too_large(error: ManyPixels, where: object) -> DatasetError:
    return DatasetError(
        "the image has too many pixels",
        got=error,
        where=where,
        next_step="make it smaller: a detector sees less than one million",
    )


def stored_image(source: Path | bytes, where: object = None) -> StoredImage:
    """Size and orientation of an image file, from its header.

    Args:
        source: The file, or its bytes; damaged EXIF says upright.
        where: What messages call it; None: the file.

    Raises:
        DatasetError: No such file, no image, or one of too many pixels.
    """
    if where is None and isinstance(source, Path):
        where = source
    try:
        plain = plain_size(source) if isinstance(source, Path) else None
        if plain is not None:
            return StoredImage(plain, form="JPEG")
        with opened_image(source) as image:
            return StoredImage(image.size, _orientation(image), str(image.format))
    except ManyPixels as error:
        raise _too_large(error, where) from error
    except faults() as error:
        raise DatasetError(
            "the image cannot be read", expected=_READ, got=said(error), where=where
        ) from error


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
    except faults():
        return 1
    return found if isinstance(found, int) and found in _TURNED else 1
