"""Image files of unknown origin, opened: formats of a list, bounded sizes, one way to fail."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from validation.files.limits import file_limits
from validation.files.outside import Size, open_file, require_size
from validation.preprocess.jpeg_header import HEAD_BYTES, plain_jpeg_size

# What photographs are stored in. Pillow reads more, and hands some of it to other programs: EPS
# to Ghostscript, whatever the file is called.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF")
_MEGA = 1_000_000

# The policy's limit replaces this warning, and is below the one at which Pillow refuses.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)


class ManyPixels(ValueError):
    """An image whose header states more pixels than are decoded."""


@contextmanager
def opened_image(source: Path | bytes) -> Iterator[Image.Image]:
    """An image whose header has been read, its pixels not yet.

    Args:
        source: The file, or its bytes.

    Raises:
        OSError: No such file, no regular one, too large, or of none of the formats.
        ManyPixels: More than are decoded.
        ValueError, SyntaxError, struct.error, ...: As Pillow reports damage, see
            `validation.files.guard`.
    """
    with open_file(source) if isinstance(source, Path) else BytesIO(source) as stream:
        if isinstance(source, Path):
            require_size(os.fstat(stream.fileno()).st_size, Size.IMAGE, source)
        with _identified(stream) as image:
            width, height = image.size
            most = file_limits().read_image_megapixels
            if width * height > most * _MEGA:
                raise ManyPixels(
                    f"{width} x {height} pixels, and more than {most:g} million are not decoded "
                    "(setting read_image_megapixels of the policy)"
                )
            yield image


def plain_size(path: Path) -> tuple[int, int] | None:
    """Width and height of an image that is upright, where its first bytes alone tell.

    Returns:
        None where `opened_image` has to be asked, and may raise.

    Raises:
        OSError: See `opened_image`.
    """
    with open_file(path) as stream:
        require_size(os.fstat(stream.fileno()).st_size, Size.IMAGE, path)
        size = plain_jpeg_size(stream.read(HEAD_BYTES))
    if size is None or size[0] * size[1] > file_limits().read_image_megapixels * _MEGA:
        return None
    return size


def _identified(stream: IO[bytes]) -> Image.Image:
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        # Pillow's own message shows the stream object.
        raise UnidentifiedImageError("another format, or a damaged header") from error
