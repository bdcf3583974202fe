"""Detections of many images as one .npz file, to the last bit: in the work folder and as evidence.

NumPy's own container and not Arrow: it needs no dependency and any NumPy reads it. Not
compressed, so that equal detections have equal bytes, whatever the version of zlib, and the file
can be named by its hash. The arrays, for I images with N detections in all:

- ``keys``: str [I], the images' keys, in their order;
- ``offsets``: int64 [I + 1], image i has the rows from ``offsets[i]`` to ``offsets[i + 1]``;
- ``boxes`` [N, 4], ``scores`` [N], ``classes`` [N]: see `Detections`; as float32 and int32 where
  those hold the same values, which they do for what a model gives.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePath
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from validation.errors import RecordError
from validation.files.arrays import parse_npz
from validation.files.atomic import atomic_file
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.record.detections import Detections

_NO_DETECTIONS = "the file does not hold detections by image"


def write_detections(path: Path, found: Mapping[str, Detections]) -> None:
    """Write detections by image key, in their order.

    Args:
        path: Of the file, ending in .npz.
        found: By image key.
    """
    with atomic_file(path) as file:
        _save(file, found)


def detections_bytes(found: Mapping[str, Detections]) -> bytes:
    """The bytes that `write_detections` writes."""
    with io.BytesIO() as stream:
        _save(stream, found)
        return stream.getvalue()


def _save(file: IO[bytes], found: Mapping[str, Detections]) -> None:
    # Of no image at all there are still arrays of the right shape.
    each = [Detections((), (), ()), *found.values()]
    np.savez(
        file,
        keys=np.array(list(found), np.str_),
        offsets=np.cumsum([len(one) for one in each]),
        boxes=_narrow(np.concatenate([one.boxes for one in each]), np.float32),
        scores=_narrow(np.concatenate([one.scores for one in each]), np.float32),
        classes=_narrow(np.concatenate([one.classes for one in each]), np.int32),
    )


def read_detections(path: Path) -> dict[str, Detections]:
    """What `write_detections` wrote, by image key; see `parse_detections`."""
    with guarded(RecordError, _NO_DETECTIONS, where=path):
        data = read_bytes(path, Size.ARRAYS)
    return parse_detections(data, path)


def parse_detections(data: bytes, where: PurePath) -> dict[str, Detections]:
    """Detections by image key, of the bytes of a file.

    Args:
        data: As `write_detections` wrote them.
        where: Of the file, for messages.

    Raises:
        RecordError: The file holds something else.
    """
    with guarded(
        RecordError,
        _NO_DETECTIONS,
        expected=".npz with keys, offsets, boxes, scores and classes",
        where=where,
    ):
        arrays = parse_npz(data)
        keys, offsets = arrays["keys"].tolist(), arrays["offsets"].tolist()
        whole = Detections(arrays["boxes"], arrays["scores"], arrays["classes"])
        if [offsets[0], offsets[-1]] != [0, len(whole)] or offsets != sorted(offsets):
            raise ValueError("offsets that do not divide the detections among the images")
        return {
            key: whole.take(slice(start, end))
            for key, (start, end) in zip(keys, pairwise(offsets), strict=True)
        }


def _narrow(values: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """The values in half the room, where that loses nothing."""
    with np.errstate(over="ignore"):
        narrow = values.astype(dtype)
    same = np.array_equal(narrow, values, equal_nan=values.dtype.kind == "f")
    return narrow if same else values
