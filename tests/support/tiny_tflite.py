"""A .tflite file of three operators, packed by the schema alone, with a post-processing op."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

_ATTRIBUTES = {
    "max_detections": 10,
    "max_classes_per_detection": 1,
    "nms_score_threshold": 0.5,
    "nms_iou_threshold": 0.6,
    "num_classes": 2,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
    "use_regular_nms": True,
}
_UINT8 = schema.TensorType.UINT8
_INT8 = schema.TensorType.INT8
_FLOAT32 = schema.TensorType.FLOAT32
_FLOAT16 = schema.TensorType.FLOAT16


def write_tiny_tflite(path: Path, layer: str = "FeatureExtractor/M/M/Conv2d_0") -> Path:
    """Input, one convolution, and the post-processing op, whose encodings are half precision.

    Args:
        path: Where it is written.
        layer: Scope of the convolution.
    """
    model = schema.ModelT()
    model.version = 3
    model.buffers = [buffer_of(b""), buffer_of(bytes(108)), buffer_of(bytes(16))]
    tensors = [
        tensor_of("image", (1, 8, 8, 3), _UINT8, scales=(0.0078125,), zero=128),
        tensor_of(f"{layer}/Conv2D", (4, 3, 3, 3), _INT8, buffer=1, scales=(0.1, 0.2, 0.3, 0.4)),
        tensor_of(f"{layer}/Relu6;{layer}/Conv2D", (1, 4, 4, 4), _UINT8, scales=(0.0235,), zero=0),
        tensor_of("encodings/half", (2, 4), _FLOAT16, buffer=2),
        tensor_of("encodings", (2, 4), _FLOAT32),
        tensor_of("TFLite_Detection_PostProcess", (), _FLOAT32),
    ]
    convolution = schema.Conv2DOptionsT()
    convolution.strideH = convolution.strideW = 2
    convolution.dilationHFactor = convolution.dilationWFactor = 1
    convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    graph = schema.SubGraphT()
    graph.tensors = tensors
    graph.inputs, graph.outputs = [0], [5]
    graph.operators = [
        operator_of(0, [3], [4]),
        operator_of(1, [0, 1, -1], [2], schema.BuiltinOptions.Conv2DOptions, convolution),
        operator_of(2, [4, 2, 4], [5]),
    ]
    graph.operators[2].customOptions = np.frombuffer(flexbuffers.Dumps(_ATTRIBUTES), np.uint8)
    model.subgraphs = [graph]
    model.operatorCodes = [
        code_of(schema.BuiltinOperator.DEQUANTIZE),
        code_of(schema.BuiltinOperator.CONV_2D),
        code_of(schema.BuiltinOperator.CUSTOM, b"TFLite_Detection_PostProcess"),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def buffer_of(data: bytes) -> Any:
    """A buffer of the schema."""
    made = schema.BufferT()
    made.data = np.frombuffer(data, np.uint8) if data else None
    return made


def tensor_of(
    name: str,
    shape: tuple[int, ...],
    dtype: int,
    *,
    buffer: int = 0,
    scales: tuple[float, ...] = (),
    zero: int = 0,
) -> Any:
    """A tensor of the schema."""
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, buffer
    if scales:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = list(scales)
        tensor.quantization.zeroPoint = [zero] * len(scales)
    return tensor


def operator_of(
    code: int, inputs: list[int], outputs: list[int], kind: int = 0, options: Any = None
) -> Any:
    """An operator of the schema."""
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator


def code_of(builtin: int, custom: bytes | None = None) -> Any:
    """An operator code of the schema."""
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
    code.customCode = custom
    code.version = 1
    return code
