"""A copy of a .tflite file whose post-processing op has other attributes or anchors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from validation.errors import ConversionError
from validation.specs.contracts import POSTPROCESS_NAME
from validation.tflite.facts import attributes_of
from validation.tflite.model import MODEL, UnpackedModel, present, read_model, tensor_spec

_ANCHORS = 2


def write_copy(
    source: Path,
    target: Path,
    attributes: Mapping[str, int | float | bool],
    anchors: NDArray[np.float32] | None,
) -> Path:
    """Write the copy.

    Args:
        source: A file with the op.
        target: The copy.
        attributes: Values by name, in the place of the op's own.
        anchors: [N, 4], as many as there are, in centre form; None leaves them.

    Raises:
        ConversionError: No op, damaged options, or anchors that are computed or of another shape.
    """
    model = read_model(source)
    ops = [each for each in model.graph.operators if model.op_name(each) == POSTPROCESS_NAME]
    if not ops:
        raise ConversionError(f"the file has no {POSTPROCESS_NAME}", where=source.name)
    if attributes:
        attributes_of(model, ops[0])
        options = flexbuffers.Loads(bytearray(ops[0].custom_options))
        ops[0].custom_options = np.frombuffer(
            flexbuffers.Dumps({**options, **attributes}), np.uint8
        )
    if anchors is not None:
        _set_anchors(model, ops[0], anchors)
    target.write_bytes(MODEL.pack(model.root))
    return target


def _set_anchors(model: UnpackedModel, op: Any, anchors: NDArray[np.float32]) -> None:
    source = model.constants().get(present(op.inputs)[_ANCHORS])
    tensor = None if source is None else model.graph.tensors[source]
    spec = None if tensor is None else tensor_spec(tensor)
    if tensor is None or spec is None or spec.shape != anchors.shape:
        raise ConversionError(
            "the file's anchors cannot be replaced",
            expected=f"a constant {list(anchors.shape)}",
            got="a computed tensor" if spec is None else list(spec.shape),
            where=model.name,
        )
    values: NDArray[Any] = anchors
    if spec.scale is not None and spec.zero_point is not None:
        limits = np.iinfo(spec.dtype)
        values = np.clip(np.rint(anchors / spec.scale) + spec.zero_point, limits.min, limits.max)
    stored = np.frombuffer(values.astype(spec.dtype).tobytes(), np.uint8)
    model.root.buffers[tensor.buffer].data = stored
