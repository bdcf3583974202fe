"""Read from a .tflite flatbuffer what it promises, without running it."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from validation.errors import ArtefactMissing, ConversionError
from validation.specs.contracts import POSTPROCESS_NAME, PostprocessAttributes
from validation.specs.tensors import TensorSpec

# What the schema's reader raises on bytes that are no flatbuffer, or a torn one.
DAMAGE = (struct.error, IndexError, TypeError, AttributeError, KeyError, ValueError)

IDENTIFIER = b"TFL3"
_MIN_RUNTIME = "min_runtime_version"


def names_of(enumeration: type) -> dict[int, str]:
    """The schema's names of an enumeration's values."""
    return {value: name for name, value in vars(enumeration).items() if not name.startswith("_")}


_DTYPES = {value: name.lower() for value, name in names_of(schema.TensorType).items()}
_OPS = names_of(schema.BuiltinOperator)


@dataclass(frozen=True)
class TfliteFile:
    """What stands in a .tflite file.

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
    """Read a .tflite file's contract from its bytes.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: No flatbuffer of TFLite, or a damaged one.
    """
    data = tflite_bytes(path)
    if data[4:8] != IDENTIFIER:
        raise ConversionError(
            "the file is no TFLite flatbuffer",
            expected=f"identifier {IDENTIFIER.decode()} at byte 4",
            got=f"{data[4:8]!r} in {len(data)} bytes",
            where=path.name,
        )
    try:
        return _describe(schema.ModelT.InitFromPackedBuf(data, 0), len(data))
    except DAMAGE as error:
        raise ConversionError(
            "the TFLite flatbuffer is damaged", got=repr(error), where=path.name
        ) from error


def read_anchors(path: Path) -> tuple[NDArray[Any], TensorSpec]:
    """The anchors that stand in the post-processing op of a .tflite file.

    Half precision is kept as such and widened by an operator of its own: what that reads is
    taken.

    Returns:
        As they are stored, [N, 4], and what they are stored as.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: No op, a damaged file, or anchors that are no constant.
    """
    data = tflite_bytes(path)
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        graph = model.subgraphs[0]
        names = {op: op_name(model.operatorCodes[op.opcodeIndex]) for op in graph.operators}
        place = next(op for op, name in names.items() if name == POSTPROCESS_NAME).inputs[2]
        widened = [op.inputs[0] for op in graph.operators if list(op.outputs) == [place]]
        tensor = graph.tensors[widened[0] if widened else place]
        spec = tensor_spec(tensor)
        stored = bytes(model.buffers[tensor.buffer].data)
        return np.frombuffer(stored, spec.dtype).reshape(spec.shape), spec
    except (StopIteration, *DAMAGE) as error:
        raise ConversionError(
            "no anchors stand in the file",
            expected=f"a constant as third input of {POSTPROCESS_NAME}",
            got=repr(error),
            where=path.name,
        ) from error


def tflite_bytes(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ArtefactMissing: No such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtefactMissing("no .tflite file", got=error.strerror, where=path) from error


def _describe(model: Any, size: int) -> TfliteFile:
    graph = model.subgraphs[0]
    codes = [op_name(code) for code in model.operatorCodes]
    ops = Counter(codes[operator.opcodeIndex] for operator in graph.operators)
    dtypes = Counter(_DTYPES[tensor.type] for tensor in graph.tensors)
    specs = [tensor_spec(tensor) for tensor in graph.tensors]
    custom = next((op for op in graph.operators if codes[op.opcodeIndex] == POSTPROCESS_NAME), None)
    return TfliteFile(
        inputs=tuple(specs[index] for index in graph.inputs),
        outputs=tuple(specs[index] for index in graph.outputs),
        ops=dict(sorted(ops.items())),
        tensors=dict(sorted(dtypes.items())),
        float_tensors=tuple(spec.name for spec in specs if spec.dtype.startswith("float")),
        per_channel=sum(count_scales(tensor) > 1 for tensor in graph.tensors),
        postprocess=None if custom is None else attributes_of(bytes(custom.customOptions)),
        postprocess_outputs=()
        if custom is None
        else tuple(specs[index].name for index in custom.outputs),
        postprocess_inputs=() if custom is None else tuple(specs[index] for index in custom.inputs),
        anchors=() if custom is None else specs[custom.inputs[2]].shape,
        min_runtime=_min_runtime(model),
        size_bytes=size,
        constant_bytes=sum(len(each.data) for each in model.buffers if each.data is not None),
    )


def op_name(code: Any) -> str:
    """TFLite's name of an operator code of the schema; a custom op's own."""
    if code.customCode:
        return str(code.customCode.decode())
    # Old files keep the code in the first field, new ones in the second; the larger one is true.
    return _OPS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def tensor_spec(tensor: Any) -> TensorSpec:
    """Name, dtype and shape of a tensor of the schema; scale and zero point if it has one."""
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    quantisation = tensor.quantization
    per_tensor = count_scales(tensor) == 1
    return TensorSpec(
        name=tensor.name.decode(),
        dtype=_DTYPES[tensor.type],
        shape=() if signature is None else tuple(int(side) for side in signature),
        scale=float(quantisation.scale[0]) if per_tensor else None,
        zero_point=int(quantisation.zeroPoint[0]) if per_tensor else None,
    )


def count_scales(tensor: Any) -> int:
    """How many scales a tensor has: none, its own, or one for each channel."""
    quantisation = tensor.quantization
    if quantisation is None or quantisation.scale is None:
        return 0
    return int(np.size(quantisation.scale))


def attributes_of(options: bytes) -> PostprocessAttributes:
    """The post-processing op's options, a flexbuffer map; what the kernel defaults is filled in.

    Defaults of the kernel: detections_per_class 100, use_regular_nms false.
    """
    table: dict[str, Any] = flexbuffers.Loads(bytearray(options))
    return PostprocessAttributes(
        max_detections=table["max_detections"],
        max_classes_per_detection=table["max_classes_per_detection"],
        nms_score_threshold=table["nms_score_threshold"],
        nms_iou_threshold=table["nms_iou_threshold"],
        num_classes=table["num_classes"],
        y_scale=table["y_scale"],
        x_scale=table["x_scale"],
        h_scale=table["h_scale"],
        w_scale=table["w_scale"],
        detections_per_class=table.get("detections_per_class", 100),
        use_regular_nms=bool(table.get("use_regular_nms", False)),
    )


def _min_runtime(model: Any) -> str:
    for entry in model.metadata or []:
        if entry.name.decode() == _MIN_RUNTIME:
            data = bytes(model.buffers[entry.buffer].data)
            return data.rstrip(b"\0").decode()
    return ""
