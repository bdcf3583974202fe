"""Outputs of several images as files of NumPy, written image by image and read by their pages.

A model of 601 classes gives 315 MB of scores for one image.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


def save_stacked(
    paths: Mapping[str, Path], outputs: Iterable[Mapping[str, NDArray[Any]]], count: int
) -> None:
    """Write each output of several images as one array, the images along a new first axis.

    Args:
        paths: The .npy file of each output.
        outputs: For one image after the other, arrays by name; those of an image have the shape and
            dtype of the first one's.
        count: How many images there are.

    Raises:
        OSError: A file cannot be written.
        ValueError: Another number of images, another shape or dtype.
    """
    with contextlib.ExitStack() as files:
        streams = {name: files.enter_context(path.open("wb")) for name, path in paths.items()}
        first: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        written = 0
        # Not by enumerate(), which keeps what it gave last.
        for arrays in outputs:
            written += 1
            for name, stream in streams.items():
                array = arrays[name]
                if name not in first:
                    first[name] = array.shape, array.dtype
                    npy.write_array_header_1_0(
                        stream,
                        {
                            "descr": npy.dtype_to_descr(array.dtype),
                            "fortran_order": False,
                            "shape": (count, *array.shape),
                        },
                    )
                if first[name] != (array.shape, array.dtype):
                    raise ValueError(f"{name} of image {written}: {array.dtype} {array.shape}")
                stream.write(np.ascontiguousarray(array).data)
            # Or these would be held while the next image is run.
            del arrays, array
        if written != count:
            raise ValueError(f"outputs of {written} images, not of {count}")


def open_stacked(path: Path) -> NDArray[Any]:
    """The array of such a file, read-only: its pages are read when they are used.

    Raises:
        OSError, ValueError: It cannot be read.
    """
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
