"""How a .tflite file keeps and computes its numbers, read from its tensors."""

from __future__ import annotations

from validation.specs.variants import Scheme
from validation.tflite.facts import TfliteFile


def number_scheme(file: TfliteFile) -> Scheme:
    """The scheme that the file's tensors are of, whatever tool made it."""
    of_8_bits = {dtype: file.tensors.get(dtype, 0) for dtype in ("int8", "uint8")}
    # Arithmetic in 8 bits: the image comes as integers.
    if any(spec.scale is not None for spec in file.inputs):
        return Scheme.INT8 if of_8_bits["int8"] > of_8_bits["uint8"] else Scheme.UINT8
    if file.tensors.get("float16", 0):
        return Scheme.FLOAT16
    # An image that comes as bytes is no weight.
    images = sum(spec.dtype in of_8_bits for spec in file.inputs)
    return Scheme.DYNAMIC if sum(of_8_bits.values()) > images else Scheme.FLOAT
