"""The op itself: a .tflite that holds nothing else, written straight from the schema."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from validation.specs.contracts import PostprocessAttributes

Arrays = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], int]


def _make_attributes(**changes: Any) -> PostprocessAttributes:
    defaults: dict[str, Any] = {
        "max_detections": 10,
        "max_classes_per_detection": 1,
        "nms_score_threshold": 1e-8,
        "nms_iou_threshold": 0.6,
        "num_classes": 3,
        "y_scale": 10.0,
        "x_scale": 10.0,
        "h_scale": 5.0,
        "w_scale": 5.0,
        "detections_per_class": 100,
        "use_regular_nms": False,
    }
    return PostprocessAttributes(**{**defaults, **changes})


def _tensor(name: str, shape: tuple[int, ...], buffer: int = 0) -> Any:
    tensor = schema.TensorT()
    tensor.name = name
    tensor.shape = list(shape)
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = buffer
    return tensor


def _op_model(
    encodings_shape: tuple[int, ...],
    predictions_shape: tuple[int, ...],
    anchors: NDArray[np.float32],
    attributes: PostprocessAttributes,
) -> bytes:
    """The flatbuffer: two inputs, the anchors as a constant, four outputs."""
    code = schema.OperatorCodeT()
    code.builtinCode = schema.BuiltinOperator.CUSTOM
    code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "TFLite_Detection_PostProcess"
    code.version = 1

    # Buffer 0 is the empty one by convention.
    empty, constant = schema.BufferT(), schema.BufferT()
    empty.data = []
    constant.data = np.frombuffer(anchors.tobytes(), np.uint8)

    slots = attributes.max_detections * attributes.max_classes_per_detection
    graph = schema.SubGraphT()
    graph.name = "main"
    graph.tensors = [
        _tensor("raw_outputs/box_encodings", encodings_shape),
        _tensor("raw_outputs/class_predictions", predictions_shape),
        _tensor("anchors", anchors.shape, buffer=1),
        _tensor("TFLite_Detection_PostProcess", (1, slots, 4)),
        _tensor("TFLite_Detection_PostProcess:1", (1, slots)),
        _tensor("TFLite_Detection_PostProcess:2", (1, slots)),
        _tensor("TFLite_Detection_PostProcess:3", (1,)),
    ]
    graph.inputs, graph.outputs = [0, 1], [3, 4, 5, 6]
    op = schema.OperatorT()
    op.opcodeIndex = 0
    op.inputs, op.outputs = [0, 1, 2], graph.outputs
    # Dumps sorts a map's keys, which the op's binary search for them needs.
    op.customOptions = list(flexbuffers.Dumps(dataclasses.asdict(attributes)))
    graph.operators = [op]

    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [code]
    model.buffers = [empty, constant]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _run_op(
    box_encodings: NDArray[np.float32],
    class_predictions: NDArray[np.float32],
    anchors: NDArray[np.float32],
    attributes: PostprocessAttributes,
) -> Arrays:
    model = _op_model(box_encodings.shape, class_predictions.shape, anchors, attributes)
    # One thread: with more, the order of equal scores depends on who comes first.
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    for detail, array in zip(
        interpreter.get_input_details(), (box_encodings, class_predictions), strict=True
    ):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    boxes, classes, scores, count = (
        interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()
    )
    return boxes, classes, scores, int(count[0])


@pytest.fixture(scope="session")
def make_attributes() -> Callable[..., PostprocessAttributes]:
    """Attributes as the exporter's defaults with three classes, changed by keyword."""
    return _make_attributes


@pytest.fixture(scope="session")
def run_op() -> Callable[..., Arrays]:
    """LiteRT's own op on [1, N, 4], [1, N, C], [N, 4] and attributes."""
    return _run_op
