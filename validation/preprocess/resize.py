"""Bilinear resize with the arithmetic of TensorFlow 1's ResizeBilinear op.

Pillow and OpenCV place their samples elsewhere and smooth when they shrink; on
a detector that alone moves COCO AP by half a point.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from validation.errors import FeedError

_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32))


def resize_bilinear(
    image: NDArray[np.uint8] | NDArray[np.float32],
    height: int,
    width: int,
    *,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
) -> NDArray[np.float32]:
    """The image at another size, as ``tf.raw_ops.ResizeBilinear`` gives it.

    Each step is float32 and in the order of TensorFlow's CPU kernel: first between
    columns, then between rows.

    Args:
        image: [H, W, C], uint8 or float32, at least one pixel and one channel.
        height: Rows of the result, 1 or more.
        width: Columns of the result, 1 or more.
        align_corners: Map the corner pixels' centres onto each other.
        half_pixel_centers: Sample at pixel centres instead of at upper left corners.

    Returns:
        float32 [height, width, C], in the units of the input; never a view of it.

    Raises:
        FeedError: Wrong rank or dtype, an empty side, or both flags at once.
    """
    _check(image, height, width)
    if align_corners and half_pixel_centers:
        raise FeedError(
            "align_corners and half_pixel_centers exclude each other",
            expected="at most one of them",
            got="both",
        )
    rows, columns, channels = image.shape
    upper, lower, row_share = _samples(rows, height, align_corners, half_pixel_centers)
    left, right, column_share = _samples(columns, width, align_corners, half_pixel_centers)

    # Where every sample lies on a pixel, as of sizes that are a whole number of times as large, the
    # other neighbour has no share. A byte is finite, so that nothing times it is nothing.
    is_bytes = image.dtype == np.uint8
    on_rows = is_bytes and not row_share.any()
    on_columns = is_bytes and not column_share.any()

    flat = image.reshape(rows, columns * channels)
    if on_rows:
        flat = flat.take(upper, axis=0)
    elif 2 * height < rows:
        # Rows that no output row reads are not worth resizing.
        flat = flat.take(np.concatenate([upper, lower]), axis=0)
        upper, lower = np.arange(height), np.arange(height, 2 * height)

    # Single numbers are gathered several times faster than pixels of three.
    per_channel = np.arange(channels)
    left = (left[:, np.newaxis] * channels + per_channel).ravel()
    at_left = flat.take(left, axis=1)
    if on_columns:
        lines: NDArray[np.float32] = at_left.astype(np.float32)
    else:
        right = (right[:, np.newaxis] * channels + per_channel).ravel()
        lines = _between(at_left, flat.take(right, axis=1), column_share.repeat(channels))
    if not on_rows:
        lines = _between(
            lines.take(upper, axis=0), lines.take(lower, axis=0), row_share[:, np.newaxis]
        )
    return lines.reshape(height, width, channels)


def resized_pixels(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The image at another size in whole numbers, as what takes bytes of one size is fed.

    Args:
        image: uint8 [H, W, C].
        height: Of the result.
        width: Of the result.

    Returns:
        uint8 [height, width, C]; the image itself where it has that size.

    Raises:
        FeedError: See `resize_bilinear`.
    """
    if image.shape[:2] == (height, width):
        return image
    return np.rint(resize_bilinear(image, height, width)).astype(np.uint8)


@functools.lru_cache(maxsize=256)
def _samples(
    size_in: int, size_out: int, align_corners: bool, half_pixel_centers: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Lower neighbour, upper neighbour and share of the upper one, along one side.

    Not to be written to: images of one size get the same ones.
    """
    if align_corners and size_out > 1:
        step = np.float32(size_in - 1) / np.float32(size_out - 1)
    else:
        step = np.float32(size_in) / np.float32(size_out)
    position = np.arange(size_out, dtype=np.float32)
    if half_pixel_centers:
        half = np.float32(0.5)
        position = (position + half) * step - half
    else:
        position = position * step
    floor = np.floor(position)
    index = floor.astype(np.intp)
    # Half-pixel positions start below 0: there both neighbours are the first pixel.
    return (
        np.maximum(index, 0),
        np.minimum(index + 1, size_in - 1),
        position - floor,
    )


def _between(
    first: NDArray[np.uint8] | NDArray[np.float32],
    second: NDArray[np.uint8] | NDArray[np.float32],
    share: NDArray[np.float32],
) -> NDArray[np.float32]:
    """``first + (second - first) * share``, without temporaries."""
    start = first.astype(np.float32, copy=False)
    result = second.astype(np.float32, copy=False)
    result -= start
    result *= share
    result += start
    return result


def _check(image: NDArray[np.uint8] | NDArray[np.float32], height: int, width: int) -> None:
    if image.ndim != 3 or image.dtype not in _DTYPES or 0 in image.shape:
        raise FeedError(
            "the image cannot be resized",
            expected="uint8 or float32 [H, W, C], no side empty",
            got=f"{image.dtype} {list(image.shape)}",
        )
    if height < 1 or width < 1:
        raise FeedError(
            "an image cannot be resized to nothing",
            expected="height and width of 1 or more",
            got=f"{height} x {width}",
        )
