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
    model.buffers = [_buffer(b""), _buffer(bytes(108)), _buffer(bytes(16))]
    tensors = [
        _tensor("image", (1, 8, 8, 3), _UINT8, scales=(0.0078125,), zero=128),
        _tensor(f"{layer}/Conv2D", (4, 3, 3, 3), _INT8, buffer=1, scales=(0.1, 0.2, 0.3, 0.4)),
        _tensor(f"{layer}/Relu6;{layer}/Conv2D", (1, 4, 4, 4), _UINT8, scales=(0.0235,), zero=0),
        _tensor("encodings/half", (2, 4), _FLOAT16, buffer=2),
        _tensor("encodings", (2, 4), _FLOAT32),
        _tensor("TFLite_Detection_PostProcess", (), _FLOAT32),
    ]
    convolution = schema.Conv2DOptionsT()
    convolution.strideH = convolution.strideW = 2
    convolution.dilationHFactor = convolution.dilationWFactor = 1
    convolution.fusedActivationFunction = schema.ActivationFunctionType.RELU6
    graph = schema.SubGraphT()
    graph.tensors = tensors
    graph.inputs, graph.outputs = [0], [5]
    graph.operators = [
        _operator(0, [3], [4]),
        _operator(1, [0, 1, -1], [2], schema.BuiltinOptions.Conv2DOptions, convolution),
        _operator(2, [4, 2, 4], [5]),
    ]
    graph.operators[2].customOptions = np.frombuffer(flexbuffers.Dumps(_ATTRIBUTES), np.uint8)
    model.subgraphs = [graph]
    model.operatorCodes = [
        _code(schema.BuiltinOperator.DEQUANTIZE),
        _code(schema.BuiltinOperator.CONV_2D),
        _code(schema.BuiltinOperator.CUSTOM, b"TFLite_Detection_PostProcess"),
    ]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _buffer(data: bytes) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8) if data else None
    return buffer


def _tensor(
    name: str,
    shape: tuple[int, ...],
    dtype: int,
    *,
    buffer: int = 0,
    scales: tuple[float, ...] = (),
    zero: int = 0,
) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), dtype, buffer
    if scales:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = list(scales)
        tensor.quantization.zeroPoint = [zero] * len(scales)
    return tensor


def _operator(
    code: int, inputs: list[int], outputs: list[int], kind: int = 0, options: Any = None
) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, inputs, outputs
    operator.builtinOptionsType, operator.builtinOptions = kind, options
    return operator


def _code(builtin: int, custom: bytes | None = None) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
    code.customCode = custom
    code.version = 1
    return code
