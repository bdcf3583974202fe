"""frozen_inference_graph.pb from the builder: image_tensor in, detections out.

For a model that has no inference graph of its own. It shares our reading of the
config, so it is weaker evidence than an independent graph; the report says which
was used. Scopes are the OD API's, so that the graph can be cut and exported
like any other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

from validation.export.freezing import prune
from validation.export.graph_io import GraphExport
from validation.export.light_graph import with_weights, without_weights
from validation.graphs.boxes import corners
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import (
    DETECTION_OUTPUTS,
    IMAGE_TENSOR,
    INPUT_NAME,
    RAW_OUTPUTS,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)


def inference_graph(body: Any, built: BuiltSsd) -> Any:
    """Add preprocessing and post-processing to a frozen body, as TensorFlow ops.

    Args:
        body: GraphDef from the normalised image to both raw outputs.
        built: What it was built as.

    Returns:
        GraphDef from image_tensor (uint8 [1, H, W, 3], any H and W) to the detections.
    """
    outputs = (built.box_encodings.name, built.scores.name)
    return _with_processing(body, outputs, built.anchors, built.contract)


def inference_graph_of_export(export: GraphExport) -> Any:
    """Do the same to an exported graph; its post-processing node is dropped.

    Args:
        export: In either form.

    Returns:
        See `inference_graph`.
    """
    body = prune(export.graph, RAW_OUTPUTS)
    outputs = (f"{RAW_OUTPUTS[0]}:0", f"{RAW_OUTPUTS[1]}:0")
    return _with_processing(body, outputs, corners(export.anchors), export.contract)


def _with_processing(
    body: Any, outputs: tuple[str, str], anchors: NDArray[np.float32], contract: SsdContract
) -> Any:
    with tf.Graph().as_default() as graph:
        image = tf.placeholder(tf.uint8, [1, None, None, 3], name=IMAGE_TENSOR)
        normalised = _preprocess(tf.cast(image, tf.float32, name="ToFloat"), contract.preprocessing)
        encodings, scores = tf.import_graph_def(
            without_weights(body),
            input_map={f"{INPUT_NAME}:0": normalised},
            return_elements=list(outputs),
            name="",
        )
        with tf.name_scope("MultipleGridAnchorGenerator"):
            table = tf.constant(anchors, name="anchors")
        boxes, kept, classes, count = _postprocess(encodings, scores, table, contract.postprocess)
        tf.identity(boxes, "detection_boxes")
        tf.identity(kept, "detection_scores")
        # Label maps begin at 1.
        tf.add(classes, 1.0, "detection_classes")
        tf.cast(count, tf.float32, name="num_detections")
        return with_weights(prune(graph.as_graph_def(), DETECTION_OUTPUTS), body)


def _preprocess(image: tf.Tensor, preprocessing: Preprocessing) -> tf.Tensor:
    size = [preprocessing.height, preprocessing.width]
    with tf.name_scope("Preprocessor/"):
        resized = tf.image.resize_bilinear(image, size, name="ResizeImage/ResizeBilinear")
        scaled = tf.multiply(np.array(preprocessing.scale, np.float32), resized, name="mul")
        return tf.subtract(scaled, np.array(preprocessing.offset, np.float32), name="sub")


def _postprocess(
    encodings: tf.Tensor, scores: tf.Tensor, anchors: tf.Tensor, attributes: PostprocessAttributes
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decode, and suppress for each class, as the OD API's batch_non_max_suppression."""
    with tf.name_scope("Postprocessor/"):
        boxes = _decode(tf.reshape(encodings, [-1, 4]), anchors, attributes)
        without_background = tf.slice(scores, [0, 0, 1], [-1, -1, -1], name="Slice")
        kept = tf.image.combined_non_max_suppression(
            tf.reshape(boxes, [1, -1, 1, 4]),
            without_background,
            max_output_size_per_class=attributes.detections_per_class,
            max_total_size=attributes.max_detections,
            iou_threshold=attributes.nms_iou_threshold,
            score_threshold=attributes.nms_score_threshold,
            clip_boxes=True,
            name="BatchMultiClassNonMaxSuppression",
        )
    return (kept.nmsed_boxes, kept.nmsed_scores, kept.nmsed_classes, kept.valid_detections)


def _decode(
    encodings: tf.Tensor, anchors: tf.Tensor, attributes: PostprocessAttributes
) -> tf.Tensor:
    """Boxes [N, 4] as corners; the inverse of the faster_rcnn_box_coder."""
    with tf.name_scope("Decode"):
        with tf.name_scope("get_center_coordinates_and_sizes"):
            ymin, xmin, ymax, xmax = tf.unstack(tf.transpose(anchors))
            height, width = ymax - ymin, xmax - xmin
            y_center, x_center = ymin + height / 2.0, xmin + width / 2.0
        ty, tx, th, tw = tf.unstack(tf.transpose(encodings))
        y = ty / attributes.y_scale * height + y_center
        x = tx / attributes.x_scale * width + x_center
        half_h = tf.exp(th / attributes.h_scale) * height / 2.0
        half_w = tf.exp(tw / attributes.w_scale) * width / 2.0
        corners = [y - half_h, x - half_w, y + half_h, x + half_w]
        return tf.transpose(tf.stack(corners))
