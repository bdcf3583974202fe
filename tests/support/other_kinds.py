"""Files that are no SSD with the post-processing op, by what goes in and what comes out.

Outputs are constants of zeros, so that a file runs and is small; nothing reads the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tiny_tflite import buffer_of, code_of, operator_of, tensor_of

Shape = tuple[int, ...]

_TYPES = {
    "float32": (schema.TensorType.FLOAT32, np.float32),
    "uint8": (schema.TensorType.UINT8, np.uint8),
    "int64": (schema.TensorType.INT64, np.int64),
}

# What public files of each kind give, by name; the large ones with fewer rows.
KINDS: Mapping[str, Mapping[str, Shape]] = {
    "classifier": {"MobilenetV1/Predictions/Reshape_1": (1, 1001)},
    "classifier_head": {"StatefulPartitionedCall:0": (1, 5)},
    "embedder": {"feature_vector": (1, 1, 1, 1280)},
    "segmentation": {"ResizeBilinear_2": (1, 65, 65, 21)},
    "mask": {"activation_10": (1, 64, 64, 1)},
    "posenet": {
        "float_heatmaps": (1, 9, 9, 17),
        "float_short_offsets": (1, 9, 9, 34),
        "float_mid_offsets": (1, 9, 9, 64),
        "float_segments": (1, 9, 9, 1),
    },
    "movenet": {"StatefulPartitionedCall:0": (1, 1, 17, 3)},
    "movenet_multipose": {"StatefulPartitionedCall:0": (1, 6, 56)},
    "blazepose": {
        "Identity": (1, 195), "Identity_1": (1, 1), "Identity_2": (1, 64, 64, 1),
        "Identity_3": (1, 16, 16, 39), "Identity_4": (1, 117),
    },
    "face_mesh": {"conv2d_21": (1, 1, 1, 1404), "conv2d_31": (1, 1, 1, 1)},
    "iris": {"output_eyes_contours_and_brows": (1, 213), "output_iris": (1, 15)},
    "yolov3": {"Identity": (1, 13, 13, 255), "Identity_1": (1, 26, 26, 255)},
    "yolov4": {"Identity": (1, 2535, 4), "Identity_1": (1, 2535, 80)},
    "yolov5": {"StatefulPartitionedCall:0": (1, 1575, 85)},
    "yolov8": {"Identity": (1, 84, 2100)},
    "blazeface": {"regressors": (1, 896, 16), "classificators": (1, 896, 1)},
    "efficientdet_mediapipe": {
        "StatefulPartitionedCall:0": (1, 1227, 90), "StatefulPartitionedCall:1": (1, 1227, 4),
    },
    "centernet": {
        "Identity": (1, 64, 64, 90), "Identity_1": (1, 64, 64, 2), "Identity_2": (1, 64, 64, 2),
    },
    "raw_ssd": {"Squeeze": (1, 1917, 4), "convert_scores": (1, 1917, 91)},
    "raw_ssd_squeezed": {"concat": (1, 1917, 1, 4), "concat_1": (1, 1917, 91)},
    "nms_in_graph": {
        "Identity": (1, 100, 4), "Identity_1": (1, 100), "Identity_2": (1, 100),
        "Identity_3": (1,),
    },
    "nms_in_graph_with_masks": {
        "Identity": (1, 100, 4), "Identity_1": (1, 100), "Identity_2": (1, 100),
        "Identity_3": (1,), "Identity_4": (1, 100, 91), "Identity_5": (1, 100),
    },
    "super_resolution": {"Identity": (1, 200, 200, 3)},
    "depth": {"Const": (1, 64, 64)},
    "number": {"output": (1, 1)},
}  # fmt: skip

# The signature of a TensorFlow 2 SavedModel of the OD API, and its shapes for 100 detections.
SAVED_MODEL: Mapping[str, Shape] = {
    "detection_anchor_indices": (1, 100),
    "detection_boxes": (1, 100, 4),
    "detection_classes": (1, 100),
    "detection_multiclass_scores": (1, 100, 3),
    "detection_scores": (1, 100),
    "num_detections": (1,),
    "raw_detection_boxes": (1, 300, 4),
    "raw_detection_scores": (1, 300, 3),
}
_IMAGES: Mapping[str, Shape] = {"super_resolution": (1, 50, 50, 3)}


def write_kind(path: Path, kind: str) -> Path:
    """A file of one of `KINDS`."""
    arrays = {name: np.zeros(shape) for name, shape in KINDS[kind].items()}
    return write_outputs(path, arrays, image=_IMAGES.get(kind, (1, 64, 64, 3)))


def write_outputs(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    *,
    image: Shape = (1, 64, 64, 3),
    dtype: str = "float32",
    signature: Mapping[str, str] | None = None,
    custom: bytes = b"",
) -> Path:
    """A file that gives the same on every image.

    Args:
        path: The file.
        outputs: float32 by name, in the file's order.
        image: Shape of the input.
        dtype: Of the input.
        signature: The signature's name of each output; None leaves signatures out.
        custom: A custom op that reads the image.
    """
    model = schema.ModelT()
    model.version = 3
    model.buffers = [buffer_of(b"")]
    graph = schema.SubGraphT()
    graph.tensors = [tensor_of("image", image, _TYPES[dtype][0])]
    graph.inputs, graph.operators, graph.outputs = [0], [], []
    model.operatorCodes = []
    for name, array in outputs.items():
        model.buffers.append(buffer_of(np.asarray(array, np.float32).tobytes()))
        graph.outputs.append(len(graph.tensors))
        graph.tensors.append(
            tensor_of(name, array.shape, schema.TensorType.FLOAT32, buffer=len(model.buffers) - 1)
        )
    if custom:
        model.operatorCodes.append(code_of(schema.BuiltinOperator.CUSTOM, custom))
        graph.tensors.append(tensor_of("made", (1,), schema.TensorType.FLOAT32))
        graph.operators.append(operator_of(0, [0], [len(graph.tensors) - 1]))
    if signature is not None:
        model.signatureDefs = [_signature(signature, list(outputs))]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _signature(names: Mapping[str, str], outputs: list[str]) -> schema.SignatureDefT:
    made = schema.SignatureDefT()
    made.signatureKey, made.inputs, made.outputs = b"serving_default", [], []
    for tensor, name in names.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), 1 + outputs.index(tensor)
        made.outputs.append(entry)
    return made
