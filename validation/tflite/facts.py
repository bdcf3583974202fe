"""What a .tflite file says of itself, without running it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from validation.errors import ConversionError
from validation.files.guard import faults
from validation.specs.contracts import POSTPROCESS_NAME, PostprocessAttributes
from validation.specs.tensors import TensorSpec
from validation.tflite.heads import constant_path, postprocess_ops
from validation.tflite.model import (
    UnpackedModel,
    count_scales,
    present,
    read_model,
    tensor_spec,
)

# Where the post-processing kernel takes a value that the file does not have.
_KERNEL_DEFAULTS = {"detections_per_class": 100, "use_regular_nms": False}
_MIN_RUNTIME = "min_runtime_version"
_ANCHORS = 2


@dataclass(frozen=True)
class TfliteFile:
    """The facts of a .tflite file.

    Args:
        inputs: In the file's order.
        outputs: In the file's order.
        ops: How often each op occurs; custom ops by their own name.
        tensors: How many tensors of each dtype there are.
        float_tensors: Names of those in floating point, constants among them.
        per_channel: How many tensors have a scale for each channel.
        postprocess: Attributes of the post-processing op, None without it.
        postprocess_outputs: Names of the tensors that the op writes, in the op's own
            order: boxes, classes, scores, count. Empty without it.
        postprocess_inputs: What the op reads: encodings, scores, anchors. Empty without it.
        anchors: Shape of the op's third input. Empty without it.
        min_runtime: As the converter noted it, or empty.
        size_bytes: Of the file.
        constant_bytes: Of weights and all other constants: the file without its structure.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    ops: dict[str, int]
    tensors: dict[str, int]
    float_tensors: tuple[str, ...]
    per_channel: int
    postprocess: PostprocessAttributes | None
    postprocess_outputs: tuple[str, ...]
    postprocess_inputs: tuple[TensorSpec, ...]
    anchors: tuple[int, ...]
    min_runtime: str
    size_bytes: int
    constant_bytes: int


def read_tflite(path: Path) -> TfliteFile:
    """Read what a .tflite file says of itself.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: Not a TFLite flatbuffer, or a damaged one.
    """
    return describe(read_model(path))


def describe(model: UnpackedModel) -> TfliteFile:
    """`read_tflite` of a file that is open already."""
    graph = model.graph
    specs = [tensor_spec(tensor) for tensor in graph.tensors]
    dtypes = Counter(spec.dtype for spec in specs)
    op = _postprocess(model)
    read = [] if op is None else [specs[index] for index in present(op.inputs)]
    return TfliteFile(
        inputs=tuple(specs[index] for index in graph.inputs),
        outputs=tuple(specs[index] for index in graph.outputs),
        ops=dict(sorted(Counter(map(model.op_name, graph.operators)).items())),
        tensors=dict(sorted(dtypes.items())),
        float_tensors=tuple(spec.name for spec in specs if spec.dtype.startswith("float")),
        per_channel=sum(count_scales(tensor) > 1 for tensor in graph.tensors),
        postprocess=None if op is None else attributes_of(model, op),
        postprocess_outputs=()
        if op is None
        else tuple(specs[index].name for index in present(op.outputs)),
        postprocess_inputs=tuple(read),
        anchors=() if op is None else read[_ANCHORS].shape,
        min_runtime=_min_runtime(model),
        size_bytes=len(model.content),
        constant_bytes=sum(len(each.data) for each in model.root.buffers if each.data is not None),
    )


def op_versions(model: UnpackedModel) -> dict[str, int]:
    """The highest version of each op, by name."""
    versions: dict[str, int] = {}
    for name, code in zip(model.op_names, model.root.operator_codes, strict=True):
        versions[name] = max(versions.get(name, 0), code.version)
    return dict(sorted(versions.items()))


def read_anchors(path: Path) -> tuple[NDArray[Any], TensorSpec]:
    """The anchors of the post-processing op of a .tflite file.

    Half precision is kept as such and widened by an operator of its own: what that reads is
    taken.

    Returns:
        As they are stored, [N, 4], and what they are stored as.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: No op, a damaged file, or anchors that are not a constant.
    """
    model = read_model(path)
    op = _postprocess(model)
    found = None if op is None else constant_path(model, present(op.inputs)[_ANCHORS])
    try:
        if found is None:
            raise ValueError(f"no {POSTPROCESS_NAME}" if op is None else "a computed tensor")
        tensor = model.graph.tensors[found[1]]
        spec = tensor_spec(tensor)
        if not spec.dtype.startswith("float") and spec.scale is None:
            raise ValueError(f"{spec.dtype} {list(spec.shape)} without one scale")
        return np.frombuffer(model.stored(tensor), spec.dtype).reshape(spec.shape), spec
    except (TypeError, ValueError) as error:
        raise ConversionError(
            "the file has no anchors",
            expected=f"a constant as third input of {POSTPROCESS_NAME}",
            got=error,
            where=path.name,
        ) from error


def attributes_of(model: UnpackedModel, op: Any) -> PostprocessAttributes:
    """The post-processing op's options, a flexbuffer map; what the kernel defaults is filled in.

    Only the wanted numbers are looked up: a map can hold anything, itself included.

    Raises:
        ConversionError: No options, damaged ones, one missing, or one that is not a number.
    """
    kinds = {field.name: field.type for field in fields(PostprocessAttributes)}
    try:
        options = flexbuffers.GetRoot(bytearray(op.custom_options)).AsMap
        values = {name: _option(options, name) for name in kinds}
    except faults() as error:
        damaged = f"options of {POSTPROCESS_NAME}: no map of numbers that can be read"
        raise model.damage(damaged) from error
    for name, value in values.items():
        is_number = isinstance(value, int | float)
        # Neither a document nor a kernel has a whole number that is NaN or infinite.
        if not is_number or (kinds[name] == "int" and not math.isfinite(value)):
            raise ConversionError(
                f"{name} of the post-processing op is not a number",
                got=repr(value),
                where=model.name,
            )
    values["use_regular_nms"] = bool(values["use_regular_nms"])
    return PostprocessAttributes(**values)


def _option(options: Any, name: str) -> Any:
    try:
        value = options[name]
    except KeyError:
        if name in _KERNEL_DEFAULTS:
            return _KERNEL_DEFAULTS[name]
        raise
    return value.Value if value.IsNumeric or value.IsBool or value.IsString else "a list or a map"


def _postprocess(model: UnpackedModel) -> Any:
    """The first post-processing op, which reads encodings, scores and anchors; or None."""
    op = next(iter(postprocess_ops(model)), None)
    if op is not None and len(present(op.inputs)) <= _ANCHORS:
        raise model.damage(f"{POSTPROCESS_NAME} has {len(present(op.inputs))} inputs")
    return op


def _min_runtime(model: UnpackedModel) -> str:
    for entry in model.root.metadata or ():
        data = model.root.buffers[entry.buffer].data
        if entry.name == _MIN_RUNTIME and data is not None:
            try:
                return bytes(data).rstrip(b"\0").decode()
            except UnicodeDecodeError as error:
                raise model.damage(f"metadata {_MIN_RUNTIME}: {error}") from error
    return ""
