"""Runnable detectors as other tools leave them: constants, the op, and ends of every kind.

The image is an input that nothing reads, so that a file is a kilobyte and detects the same
on every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray
from tiny_tflite import buffer_of, code_of, operator_of, tensor_of

_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "uint8": schema.TensorType.UINT8,
    "int8": schema.TensorType.INT8,
}
OP = b"TFLite_Detection_PostProcess"
# Each row is far from the others, so that none suppresses another.
ANCHORS = 12
CLASSES = 2
Scale = tuple[float, int]


def _anchors() -> NDArray[np.float32]:
    places = np.arange(ANCHORS, dtype=np.float32)
    centre_y, centre_x = (places // 4 + 0.5) / 4, (places % 4 + 0.5) / 4
    sides = np.full(ANCHORS, 0.1, np.float32)
    return np.stack([centre_y, centre_x, sides, sides], axis=1).astype(np.float32)


@dataclass(frozen=True)
class Foreign:
    """What a file is like.

    Args:
        image: Type of the input.
        scale: Its scale and zero point.
        scores: Of every anchor: background and classes, [N, C + 1]; None: `falling_scores`.
        scores_scale: Scores are kept as uint8 by it; None: floats.
        order: Which of the op's outputs the file has: boxes, classes, scores, count.
        names: Of the op's outputs.
        extra: Whether one more output follows, the scores of the anchors.
        raw: Names of outputs in place of the op's: encodings first.
        custom: Another custom op that the file has.
        without_op: The detections are constants: boxes, classes, scores, count.
        inner_scale: The image is quantised by it to int8 first.
        encodings: Of every anchor, all four alike.
    """

    image: str = "float32"
    scale: Scale | None = None
    scores: NDArray[np.float32] | None = None
    scores_scale: Scale | None = None
    order: tuple[int, ...] = (0, 1, 2, 3)
    names: tuple[str, ...] = tuple(f"{OP.decode()}{end}" for end in ("", ":1", ":2", ":3"))
    extra: bool = False
    raw: tuple[str, ...] = ()
    custom: bytes = b""
    without_op: bool = False
    inner_scale: Scale | None = None
    encodings: float = 0.0


def falling_scores() -> NDArray[np.float32]:
    """Class 1 and class 2 in turn, each anchor less sure than the one before."""
    scores = np.zeros((ANCHORS, CLASSES + 1), np.float32)
    places = np.arange(ANCHORS)
    scores[places, 1 + places % CLASSES] = 0.9 - places / 20
    return scores


def write_foreign(path: Path, foreign: Foreign = Foreign()) -> Path:  # frozen
    """Write the file."""
    scores = falling_scores() if foreign.scores is None else foreign.scores
    kept, scores_type, about = scores.astype(np.float32), "float32", {}
    if foreign.scores_scale is not None:
        step, zero = foreign.scores_scale
        whole = step if step > 0 else 1.0
        kept = np.clip(np.rint(scores / whole) + zero, 0, 255).astype(np.uint8)
        scores_type, about = "uint8", {"scales": (step,), "zero": zero}
    encodings = np.full((1, ANCHORS, 4), foreign.encodings, np.float32)
    model = schema.ModelT()
    model.version = 3
    model.buffers = [
        buffer_of(b""), buffer_of(encodings.tobytes()),
        buffer_of(kept.tobytes()), buffer_of(_anchors().tobytes()),
    ]  # fmt: skip
    size = (1, 8, 8, 3)
    raw = foreign.raw or ("encodings", "scores")
    scale = {} if foreign.scale is None else {"scales": foreign.scale[:1], "zero": foreign.scale[1]}
    tensors = [
        tensor_of("image", size, _TYPES[foreign.image], **scale),
        tensor_of(raw[0], encodings.shape, _TYPES["float32"], buffer=1),
        tensor_of(raw[1], (1, *kept.shape), _TYPES[scores_type], buffer=2, **about),
        tensor_of("anchors", (ANCHORS, 4), _TYPES["float32"], buffer=3),
        *(tensor_of(name, (), _TYPES["float32"]) for name in foreign.names),
    ]
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.operators = tensors, [0], []
    model.operatorCodes = []
    if foreign.without_op:
        graph.outputs = _constant_detections(model, tensors)
    elif foreign.raw:
        graph.outputs = [2, 1] if foreign.order[0] == 1 else [1, 2]
    else:
        _add_op(model, graph, OP, [1, 2, 3], [4, 5, 6, 7])
        graph.operators[0].customOptions = np.frombuffer(_options(), np.uint8)
        graph.outputs = [4 + place for place in foreign.order] + [2] * foreign.extra
    if foreign.inner_scale is not None:
        step, zero = foreign.inner_scale
        tensors.append(tensor_of("inner", size, _TYPES["int8"], scales=(step,), zero=zero))
        model.operatorCodes.append(code_of(schema.BuiltinOperator.QUANTIZE))
        code = len(model.operatorCodes) - 1
        graph.operators.insert(0, operator_of(code, [0], [len(tensors) - 1]))
    if foreign.custom:
        tensors.append(tensor_of("compiled", (1,), _TYPES["float32"]))
        _add_op(model, graph, foreign.custom, [0], [len(tensors) - 1])
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _constant_detections(model: Any, tensors: list[Any]) -> list[int]:
    """Two detections as four outputs, and their places."""
    arrays = (
        np.array([[[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]]),
        np.array([[0.0, 1.0]]), np.array([[0.9, 0.8]]), np.array([2.0]),
    )  # fmt: skip
    first = len(tensors)
    for place, array in enumerate(arrays):
        model.buffers.append(buffer_of(array.astype(np.float32).tobytes()))
        kind = {"buffer": len(model.buffers) - 1}
        tensors.append(tensor_of(f"end_{place}", array.shape, _TYPES["float32"], **kind))
    return list(range(first, first + len(arrays)))


def _add_op(model: Any, graph: Any, name: bytes, inputs: list[int], outputs: list[int]) -> None:
    model.operatorCodes.append(code_of(schema.BuiltinOperator.CUSTOM, name))
    graph.operators.append(operator_of(len(model.operatorCodes) - 1, inputs, outputs))


def _options() -> bytes:
    attributes = {
        "max_detections": ANCHORS, "max_classes_per_detection": 1, "nms_score_threshold": 1e-8,
        "nms_iou_threshold": 0.6, "num_classes": CLASSES, "y_scale": 10.0, "x_scale": 10.0,
        "h_scale": 5.0, "w_scale": 5.0, "use_regular_nms": False,
    }  # fmt: skip
    return bytes(flexbuffers.Dumps(attributes))
