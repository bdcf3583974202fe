"""NumPy's files of unknown origin: a header is held against the bytes before there is an array."""

from __future__ import annotations

import ast
import io
import math
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from validation.files.guard import faults, said
from validation.files.outside import Size, read_bytes, require_size
from validation.files.zips import open_zip

# Where the header's length stands, and how its text is encoded, by version of the layout.
_LAYOUTS = {(1, 0): ("<H", "latin-1"), (2, 0): ("<I", "latin-1"), (3, 0): ("<I", "utf-8")}
_MOST_HEADER_BYTES = 10_000
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
    shape, by_columns, dtype, start = _header(data)
    if dtype.hasobject:
        raise ValueError("Python objects, which only run code of the file could make")
    if len(shape) > _MOST_DIMENSIONS or any(side < 0 for side in shape):
        raise ValueError(f"the shape {shape}")
    stated, there = math.prod(shape) * dtype.itemsize, len(data) - start
    if stated != there:
        raise ValueError(f"{there:,} bytes, where {dtype} {list(shape)} has {stated:,}")
    if not math.prod(shape) or not dtype.itemsize:
        return np.zeros(shape, dtype)
    values = np.frombuffer(data, dtype, math.prod(shape), start)
    return values.reshape(shape, order="F" if by_columns else "C")


def _header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, whether columns come first, dtype, and where the values begin.

    Raises:
        ValueError: None, or a damaged one.
    """
    try:
        length, encoding = _LAYOUTS[npy.read_magic(io.BytesIO(data))]
        (size,) = struct.unpack_from(length, data, npy.MAGIC_LEN)
        start = npy.MAGIC_LEN + struct.calcsize(length)
        if size > _MOST_HEADER_BYTES:
            raise ValueError(f"a header of {size:,} bytes")
        fields = ast.literal_eval(data[start : start + size].decode(encoding).strip())
        shape, by_columns, descr = fields["shape"], fields["fortran_order"], fields["descr"]
        dtype = npy.descr_to_dtype(descr)
        if not isinstance(shape, tuple) or not all(type(side) is int for side in shape):
            raise ValueError(f"the shape {shape!r}")
    except faults() as error:
        raise ValueError(f"no header of .npy that can be read: {said(error)}") from error
    return shape, bool(by_columns), dtype, start + size


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
    except faults() as error:
        raise ValueError(said(error)) from error
    return found
