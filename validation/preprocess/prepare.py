"""From a stored image to the tensor that a model is fed."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from validation.errors import FeedError
from validation.preprocess.resize import resize_bilinear
from validation.specs.contracts import Preprocessing


def prepare(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.float32]:
    """The image resized to the model's input and normalised.

    Args:
        image: uint8 RGB [H, W, 3] at its stored size.
        preprocessing: Size, resize flags, and ``pixel * scale - offset`` for each channel.

    Returns:
        float32 [1, height, width, 3].

    Raises:
        FeedError: The image has another dtype, rank or number of channels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise FeedError(
            "the image does not fit the model's preprocessing",
            expected="uint8 RGB [H, W, 3]",
            got=f"{image.dtype} {list(image.shape)}",
            next_step="load it with validation.preprocess.image.load_rgb",
        )
    tensor = resize_bilinear(
        image,
        preprocessing.height,
        preprocessing.width,
        align_corners=preprocessing.align_corners,
        half_pixel_centers=preprocessing.half_pixel_centers,
    )
    # Along whole rows: NumPy would begin anew for each pixel of three.
    rows = tensor.reshape(preprocessing.height, -1)
    rows *= _row(preprocessing.scale, preprocessing.width)
    rows -= _row(preprocessing.offset, preprocessing.width)
    return rows.reshape(1, *tensor.shape)


@functools.lru_cache(maxsize=32)
def _row(channels: tuple[float, ...], width: int) -> NDArray[np.float32]:
    """A row of pixels that all have these channels; not to be written to."""
    return np.tile(np.array(channels, np.float32), width)
