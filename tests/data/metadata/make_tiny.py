"""Write tiny.tflite and tiny_raw.tflite: a detector without weights, in both of its forms.

``python tests/data/metadata/make_tiny.py``, with the project's own environment.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.postprocess_node import add_postprocess_node
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    RAW_OUTPUTS,
    PostprocessAttributes,
)

_HERE = Path(__file__).parent
_ATTRIBUTES = PostprocessAttributes(
    max_detections=3,
    max_classes_per_detection=1,
    nms_score_threshold=0.125,
    nms_iou_threshold=0.5,
    num_classes=3,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
    detections_per_class=7,
    use_regular_nms=True,
)


def main() -> None:
    """Boxes and scores of two anchors are pixels of an image of 2x2."""
    with tf.Graph().as_default() as scope:
        image = tf.placeholder(tf.float32, [1, 2, 2, 3], INPUT_NAME)
        tf.reshape(image[..., :2], [1, 2, 4], name=BOX_ENCODINGS_NAME)
        tf.sigmoid(tf.reshape(image[..., 1:], [1, 2, 4]), name=CLASS_PREDICTIONS_NAME)
        tf.constant([[0.25, 0.25, 0.5, 0.5], [0.75, 0.5, 0.25, 0.5]], name=ANCHORS_NAME)
    graph = scope.as_graph_def()
    add_postprocess_node(graph, _ATTRIBUTES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tiny.pb"
        path.write_bytes(graph.SerializeToString())
        whole = conversion_of("float")
        convert(path, whole, _HERE / "tiny.tflite")
        raw = dataclasses.replace(whole, output_arrays=RAW_OUTPUTS)
        convert(path, raw, _HERE / "tiny_raw.tflite")


if __name__ == "__main__":
    main()
