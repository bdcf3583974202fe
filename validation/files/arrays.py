"""NumPy's files of unknown origin: a header is held against the bytes before there is an array."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from validation.files.outside import Size, read_bytes, require_size
from validation.files.zips import open_zip

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_MOST_DIMENSIONS = 32


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a .npy file.

    Raises:
        OSError: It cannot be read, or is too large.
        ValueError: As `parse_npy`.
    """
    return parse_npy(read_bytes(path, Size.ARRAYS))


def parse_npy(data: bytes) -> NDArray[Any]:
    """The array of the bytes of a .npy file; read-only, a view of them.

    Raises:
        ValueError: No such file, Python objects, or another size than shape and dtype state.
    """
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"layout {version[0]}.{version[1]} of .npy, not 1.0 or 2.0")
    try:
        shape, by_columns, dtype = _HEADERS[version](stream)
    except (SyntaxError, TypeError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError("a header of .npy that cannot be read") from error
    if dtype.hasobject:
        raise ValueError("Python objects, which only run code of the file could make")
    if len(shape) > _MOST_DIMENSIONS or any(side < 0 for side in shape):
        raise ValueError(f"the shape {shape}")
    stated, there = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if stated != there:
        raise ValueError(f"{there:,} bytes, where {dtype} {list(shape)} has {stated:,}")
    if not math.prod(shape) or not dtype.itemsize:
        return np.zeros(shape, dtype)
    values = np.frombuffer(data, dtype, math.prod(shape), stream.tell())
    return values.reshape(shape, order="F" if by_columns else "C")


def parse_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of the bytes of an .npz file, as `numpy.savez` writes it: not compressed.

    Raises:
        ValueError: No such file, one that is compressed, or as `parse_npy`.
    """
    found: dict[str, NDArray[Any]] = {}
    total = 0
    try:
        with open_zip(data) as archive:
            for about in archive.infolist():
                if about.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{about.filename} is compressed")
                total += about.file_size
                require_size(total, Size.ARRAYS)
                found[about.filename.removesuffix(".npy")] = parse_npy(archive.read(about))
    except (zipfile.BadZipFile, EOFError, RuntimeError, OSError, LookupError) as error:
        raise ValueError(error) from error
    return found
