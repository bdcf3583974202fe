"""The post-processor of a tiny SSD graph, in the scopes and with the ops of the OD API's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf


def postprocess(
    encodings: Any, logits: Any, anchors: Any, true_shapes: Any, miniature: Any
) -> tuple[Any, Any, Any, Any]:
    """Boxes, scores, classes from 0 and counts, as the meta-architecture's postprocess.

    Args:
        encodings: [B, N, 4] or [B, N, 1, 4].
        logits: [B, N, C+1].
        anchors: [N, 4] corners.
        true_shapes: [B, 3] of the resized images.
        miniature: See `miniature_graph.Miniature`.
    """
    encodings = tf.identity(encodings, name="raw_box_encodings")
    shape = tf.shape(encodings)
    tiled = tf.tile(tf.expand_dims(anchors, 0), tf.stack([shape[0], 1, 1]))
    with tf.name_scope("Decode"):
        decoded = _decode(
            tf.reshape(encodings, [-1, 4]), tf.reshape(tiled, [-1, 4]), miniature.box_coder_scales
        )
    boxes = tf.reshape(decoded, tf.stack([shape[0], shape[1], 4]))
    foreground = _scores(logits, miniature)
    parts = tf.unstack(tf.cast(true_shapes, tf.float32), num=3, axis=1)
    window = tf.stack(
        [
            tf.zeros_like(parts[0]),
            tf.zeros_like(parts[1]),
            parts[0] / miniature.height,
            parts[1] / miniature.width,
        ],
        axis=1,
    )
    suppress = _combined_nms if miniature.nms_op == "Combined" else _looped_nms
    return suppress(tf.expand_dims(boxes, 2), foreground, window, miniature)


def _scores(logits: Any, miniature: Any) -> Any:
    """Without the background, whose column went before or after the conversion."""

    def converted(logits: Any) -> Any:
        scaled = tf.divide(logits, miniature.logit_scale, name="scale_logits")
        return _converter(miniature)(scaled)

    if miniature.cut_first:
        return tf.identity(converted(tf.slice(logits, [0, 0, 1], [-1, -1, -1])), name="scores")
    return tf.slice(converted(logits), [0, 0, 1], [-1, -1, -1])


def _converter(miniature: Any) -> Callable[[Any], Any]:
    def softmax(logits: Any) -> Any:
        rows = tf.reshape(logits, [-1, logits.shape[-1]])
        return tf.reshape(tf.nn.softmax(rows, name="convert_scores"), tf.shape(logits))

    return {
        "SIGMOID": lambda logits: tf.sigmoid(logits, name="convert_scores"),
        "SOFTMAX": softmax,
        "IDENTITY": lambda logits: tf.identity(logits, name="convert_scores"),
    }[miniature.score_converter]


def _decode(encodings: Any, anchors: Any, scales: tuple[float, ...] | None) -> Any:
    """The faster_rcnn_box_coder: shifts in anchor sizes, sizes by their logarithm."""
    with tf.name_scope("get_center_coordinates_and_sizes"):
        ymin, xmin, ymax, xmax = tf.unstack(tf.transpose(anchors), num=4)
        width, height = xmax - xmin, ymax - ymin
        y, x = ymin + height / 2.0, xmin + width / 2.0
    parts = tf.unstack(tf.transpose(encodings), num=4)
    if scales is not None:
        parts = [part / scale for part, scale in zip(parts, scales, strict=True)]
    ty, tx, th, tw = parts
    half_width, half_height = tf.exp(tw) * width / 2.0, tf.exp(th) * height / 2.0
    y, x = ty * height + y, tx * width + x
    corners = [y - half_height, x - half_width, y + half_height, x + half_width]
    return tf.transpose(tf.stack(corners))


def _combined_nms(boxes: Any, scores: Any, _: Any, miniature: Any) -> tuple[Any, Any, Any, Any]:
    """One op for classes and batch, as the OD API has it with use_combined_nms.

    Args:
        boxes: [B, N, 1, 4] corners.
        scores: [B, N, C] without background.
        miniature: Thresholds and sizes.
    """
    found = tf.image.combined_non_max_suppression(
        boxes,
        scores,
        max_output_size_per_class=miniature.per_class,
        max_total_size=miniature.total,
        iou_threshold=miniature.iou_threshold,
        score_threshold=miniature.score_threshold,
        name="CombinedNonMaxSuppression",
    )
    return found[0], found[1], found[2], tf.cast(found[3], tf.float32)


def _looped_nms(boxes: Any, scores: Any, window: Any, miniature: Any) -> tuple[Any, Any, Any, Any]:
    """A loop over the batch, unrolled over the classes; sorted, cut and padded to ``total``.

    Args:
        boxes: [B, N, 1, 4] corners.
        scores: [B, N, C] without background.
        window: [B, 4] of the image inside the input.
        miniature: Thresholds and sizes.
    """

    def suppress(element: tuple[Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
        image_boxes = tf.reshape(element[0], [-1, 1, 4])
        image_scores = tf.reshape(element[1], [-1, miniature.num_classes])
        with tf.name_scope("MultiClassNonMaxSuppression"):
            found = _all_classes(image_boxes, image_scores, element[2], miniature)
        with tf.name_scope("PadOrClipBoxList"):
            missing = miniature.total - tf.shape(found[1])[0]
            padded = [
                tf.pad(part, [[0, missing], *[[0, 0]] * (part.shape.rank - 1)]) for part in found
            ]
        return padded[0], padded[1], padded[2], tf.shape(found[1])[0]

    with tf.name_scope("BatchMultiClassNonMaxSuppression"):
        dtypes = (tf.float32, tf.float32, tf.float32, tf.int32)
        found = tf.map_fn(suppress, (boxes, scores, window), fn_output_signature=dtypes)
    return found[0], found[1], found[2], tf.cast(found[3], tf.float32, name="ToFloat_3")


def _all_classes(boxes: Any, scores: Any, window: Any, miniature: Any) -> tuple[Any, Any, Any]:
    (one_box,) = tf.unstack(boxes, num=1, axis=1)
    found = [
        _one_class(one_box, tf.reshape(scores[:, number], [-1]), window, miniature)
        for number in range(miniature.num_classes)
    ]
    classes = [
        tf.zeros_like(class_scores) + float(number)
        for number, (_, class_scores) in enumerate(found)
    ]
    merged = tf.concat([class_boxes for class_boxes, _ in found], axis=0)
    merged_scores = tf.concat([class_scores for _, class_scores in found], axis=0)
    with tf.name_scope("SortByField"):
        order = tf.nn.top_k(merged_scores, tf.shape(merged_scores)[0])[1]
    most = tf.minimum(miniature.total, tf.shape(order)[0])
    kept = tf.gather(order, tf.range(most))
    return (
        _clip(tf.gather(merged, kept), window),
        tf.gather(merged_scores, kept),
        tf.gather(tf.concat(classes, axis=0), kept),
    )


def _one_class(boxes: Any, scores: Any, window: Any, miniature: Any) -> tuple[Any, Any]:
    if miniature.nms_op in ("V1", "V2"):
        with tf.name_scope("FilterGreaterThan"):
            kept = tf.reshape(tf.where(tf.greater(scores, miniature.score_threshold)), [-1])
            boxes, scores = tf.gather(boxes, kept), tf.gather(scores, kept)
        with tf.name_scope("ClipToWindow"):
            boxes = _clip(boxes, window)
            sides = boxes[:, 2:] - boxes[:, :2]
            kept = tf.reshape(tf.where(tf.greater(sides[:, 0] * sides[:, 1], 0.0)), [-1])
            boxes, scores = tf.gather(boxes, kept), tf.gather(scores, kept)
    size = tf.minimum(miniature.per_class, tf.shape(boxes)[0])
    with tf.name_scope("non_max_suppression"):
        if miniature.nms_op == "V1":
            chosen = tf.raw_ops.NonMaxSuppression(
                boxes=boxes,
                scores=scores,
                max_output_size=size,
                iou_threshold=miniature.iou_threshold,
            )
            return tf.gather(boxes, chosen), tf.gather(scores, chosen)
        arguments = {
            "boxes": boxes,
            "scores": scores,
            "max_output_size": size,
            "iou_threshold": tf.constant(miniature.iou_threshold, name="iou_threshold"),
        }
        if miniature.nms_op == "V2":
            chosen = tf.raw_ops.NonMaxSuppressionV2(**arguments)
            return tf.gather(boxes, chosen), tf.gather(scores, chosen)
        threshold = tf.constant(miniature.score_threshold, name="score_threshold")
        if miniature.nms_op == "V3":
            chosen = tf.raw_ops.NonMaxSuppressionV3(score_threshold=threshold, **arguments)
            return tf.gather(boxes, chosen), tf.gather(scores, chosen)
        sigma = tf.constant(0.0, name="soft_nms_sigma")
        chosen, chosen_scores, _ = tf.raw_ops.NonMaxSuppressionV5(
            score_threshold=threshold, soft_nms_sigma=sigma, **arguments
        )
        return tf.gather(boxes, chosen), chosen_scores


def _clip(boxes: Any, window: Any) -> Any:
    low, high = tf.tile(window[:2], [2]), tf.tile(window[2:], [2])
    return tf.maximum(tf.minimum(boxes, high), low)
