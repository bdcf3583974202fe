"""Whether a .tflite file may be given to an interpreter, whose code trusts what a file states.

`validation.tflite.model` has checked that every index leads somewhere. Here it is checked that what
it leads to can be run: values that are there before they are read, shapes that a machine can hold,
and attributes of the post-processing op that its kernel takes for granted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from validation.errors import ConversionError
from validation.files.limits import MIB, file_limits
from validation.specs.contracts import POSTPROCESS_NAME, PostprocessAttributes
from validation.tflite.facts import attributes_of
from validation.tflite.heads import postprocess_ops
from validation.tflite.model import UnpackedModel, count_scales, dtype_of, present

# Bits of a value, where NumPy has no type of that name; 0: stored otherwise than by its shape.
_BITS = {
    "int2": 2,
    "int4": 4,
    "uint4": 4,
    "float8_e4m3fn": 8,
    "float8_e5m2": 8,
    "bfloat16": 16,
    "string": 0,
    "resource": 0,
    "variant": 0,
}
_OP_INPUTS, _OP_OUTPUTS = 3, 4
# From which input on an operator may do without one: most kernels take each of theirs for granted.
_MAY_LACK_FROM = {
    "CONV_2D": 2,
    "DEPTHWISE_CONV_2D": 2,
    "FULLY_CONNECTED": 2,
    "CONV_3D": 2,
    "TRANSPOSE_CONV": 3,
    "CONV_3D_TRANSPOSE": 3,
    "LSTM": 1,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 1,
    "BIDIRECTIONAL_SEQUENCE_LSTM": 1,
    "BIDIRECTIONAL_SEQUENCE_RNN": 1,
    "SVDF": 1,
}
# What computes with real values: of numbers of 8 bits it needs the scale.
_ARITHMETIC = frozenset(
    [
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
        "HARD_SWISH",
        "L2_NORMALIZATION",
        "LEAKY_RELU",
        "LOGISTIC",
        "MEAN",
        "MUL",
        "PRELU",
        "QUANTIZE",
        "SOFTMAX",
        "SUB",
        "TANH",
        "TRANSPOSE_CONV",
    ]
)
_EIGHT_BITS = ("int8", "uint8")
# Kernels of 8 bits end the process where a multiplier made of scales has no exponent of theirs.
_LARGEST_SCALE = 1e9
_COORDINATES = 4
_NO_SCALES = np.zeros(0, np.float32)


def check_runnable(model: UnpackedModel) -> None:
    """Refuse a file that an interpreter would read or write beside its memory for, or never end.

    Raises:
        ConversionError: Says which tensor, operator or attribute, and what is wrong with it.
    """
    for complaint in _complaints(model):
        raise ConversionError(
            "the file cannot be run",
            got=complaint,
            where=model.name,
            next_step="fetch or convert the file again",
        )


def _complaints(model: UnpackedModel) -> Iterator[str]:
    for index, buffer in enumerate(model.root.buffers):
        if buffer.offset > 1 and buffer.offset + buffer.size > len(model.content):
            yield f"buffers[{index}]: {buffer.size:,} bytes at {buffer.offset:,} of the file"
    for index, graph in enumerate(model.root.subgraphs):
        for complaint in _of_graph(model, graph):
            yield f"subgraphs[{index}].{complaint}"
    for op in postprocess_ops(model):
        yield from (f"{POSTPROCESS_NAME}: {each}" for each in _of_op(model, op))


def _of_graph(model: UnpackedModel, graph: Any) -> Iterator[str]:
    limits = file_limits()
    tensors = graph.tensors or ()
    for index, tensor in enumerate(tensors):
        shape = _shape(tensor)
        if any(side < 0 for side in shape):
            yield f"tensors[{index}]: a side below 0 in {list(shape)}"
            continue
        scales = _NO_SCALES if tensor.quantization is None else tensor.quantization.scale
        if scales is not None and not ((scales >= 0) & (scales <= _LARGEST_SCALE)).all():
            yield f"tensors[{index}]: a scale that is not from 0 to {_LARGEST_SCALE:g}"
        size, stored = _bytes(tensor), len(model.stored(tensor))
        if size > limits.size_bytes("tflite_tensor_mib"):
            yield (
                f"tensors[{index}]: {list(shape)} are {size / MIB:,.0f} MiB, more than "
                f"{limits.tflite_tensor_mib:g} (setting tflite_tensor_mib of the policy)"
            )
        if stored and size and tensor.sparsity is None and stored != size:
            yield f"tensors[{index}]: {stored:,} bytes for {list(shape)}, which has {size:,}"
    written = set(present(graph.inputs))
    written |= {
        index
        for index, tensor in enumerate(tensors)
        if len(model.stored(tensor)) or _is_outside(model, tensor) or tensor.is_variable
    }
    for place, operator in enumerate(graph.operators or ()):
        name = model.op_name(operator)
        may_lack = _MAY_LACK_FROM.get(name, math.inf)
        for position, index in enumerate(() if operator.inputs is None else operator.inputs):
            if index < 0 and position < may_lack:
                yield f"operators[{place}]: {name} without its input {position}"
        if name in _ARITHMETIC:
            for index in (*present(operator.inputs), *present(operator.outputs)):
                if dtype_of(tensors[index]) in _EIGHT_BITS and not _has_scale(tensors[index]):
                    yield f"operators[{place}]: {name} with tensor {index}, which has no scale"
        for index in present(operator.inputs):
            if index not in written and _bytes(tensors[index]):
                yield f"operators[{place}] reads tensor {index}, which holds nothing before"
        written.update(present(operator.outputs), present(operator.intermediates))
    for index in present(graph.outputs):
        if index not in written and _bytes(tensors[index]):
            yield f"outputs: tensor {index}, which no operator writes"


def _of_op(model: UnpackedModel, op: Any) -> Iterator[str]:
    read, made = present(op.inputs), present(op.outputs)
    if len(read) != _OP_INPUTS or len(made) != _OP_OUTPUTS:
        yield f"{len(read)} inputs and {len(made)} outputs, not {_OP_INPUTS} and {_OP_OUTPUTS}"
        return
    attributes = attributes_of(model, op)
    yield from attribute_complaints(attributes)
    boxes, scores, anchors = (_shape(model.graph.tensors[index]) for index in read)
    # Shapes that are computed may not be stated.
    if len(anchors) != 2 or anchors[1] != _COORDINATES:
        yield f"anchors {list(anchors)}, not [N, {_COORDINATES}]"
    elif len(boxes) == 3 and boxes[1:] != (anchors[0], _COORDINATES):
        yield f"box encodings {list(boxes)} for {anchors[0]} anchors"
    elif len(scores) == 3 and scores[1] != anchors[0]:
        yield f"class predictions {list(scores)} for {anchors[0]} anchors"
    if len(scores) == 3 and scores[2] - attributes.num_classes not in (0, 1):
        yield f"num_classes {attributes.num_classes:g} for {scores[2]} columns of scores"


def attribute_complaints(attributes: PostprocessAttributes) -> Iterator[str]:
    """What the post-processing op cannot be run with, an attribute each."""
    most = file_limits().tflite_detections
    counts = ("max_detections", "max_classes_per_detection", "num_classes", "detections_per_class")
    for name in counts:
        value = getattr(attributes, name)
        if not 1 <= value <= most:
            yield f"{name} {value:g}, not from 1 to {most:g} (setting tflite_detections)"
    slots = attributes.max_detections * attributes.max_classes_per_detection
    if slots > most:
        yield f"{slots:,} slots of detections, more than {most:,g} (setting tflite_detections)"
    if math.isnan(attributes.nms_score_threshold):
        yield "nms_score_threshold is no number"
    if not 0 < attributes.nms_iou_threshold <= 1:
        yield f"nms_iou_threshold {attributes.nms_iou_threshold:g}, not above 0 and at most 1"
    for name in ("y_scale", "x_scale", "h_scale", "w_scale"):
        value = getattr(attributes, name)
        if not 0 < value < math.inf:
            yield f"{name} {value:g}, not above 0"


def _shape(tensor: Any) -> tuple[int, ...]:
    return () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def _bytes(tensor: Any) -> int:
    """What a tensor takes by its shape; 0 for one whose bytes do not follow from it."""
    name = dtype_of(tensor)
    bits = _BITS[name] if name in _BITS else np.dtype(name).itemsize * 8
    return -(-math.prod(_shape(tensor)) * bits // 8)


def _has_scale(tensor: Any) -> bool:
    count = count_scales(tensor)
    # Of many channels some may hold zeros alone.
    return count > 1 or (count == 1 and bool(tensor.quantization.scale[0] > 0))


def _is_outside(model: UnpackedModel, tensor: Any) -> bool:
    """True for weights after the flatbuffer, as files beyond 2 GB have."""
    return bool(model.root.buffers[tensor.buffer].offset > 1)
