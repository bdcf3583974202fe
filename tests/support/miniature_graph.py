"""A tiny SSD inference graph, wired as the TensorFlow 1 OD API wires its own.

Scopes, control flow and the ops between the parts are those of real graphs; the
backbone is four small convolutions. Weights are seeded by their names, so a
miniature is the same on every machine.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from miniature_postprocessor import postprocess

# Rows and columns that one cell of each feature map stands for, in pixels.
STRIDES = (8, 16)
# Height and width of each anchor of a cell, in shares of the shorter side.
ANCHORS = (((0.34, 0.28), (0.24, 0.4)), ((0.5, 0.42), (0.38, 0.5), (0.46, 0.34)))
CHANNEL_MEANS = (123.68, 116.78, 103.94)

Spread = float | np.ndarray


@dataclass(frozen=True)
class Miniature:
    """What a miniature is like; the defaults are those of a common zoo model, but tiny.

    Args:
        height: Input height in pixels.
        width: Input width in pixels.
        num_classes: Without the background.
        score_converter: SIGMOID, SOFTMAX or IDENTITY.
        box_coder_scales: (y, x, h, w); None leaves the divisions out.
        logit_scale: What logits are divided by.
        cut_first: Drop the background's column before the scores are converted, as in 2017.
        nms_op: V1 or V2 with filters ahead of it, V3, V5, or Combined.
        score_threshold: Of the NMS.
        iou_threshold: Of the NMS.
        per_class: max_detections_per_class.
        total: max_total_detections.
        normalisation: symmetric (2/255 x - 1) or channel_means.
        squeeze_outside: False lets the encodings enter the post-processor as [B, N, 1, 4].
        resizer: fixed, keep_aspect, or none: exported for one image of the input's own size.
        architecture: ssd, or faster_rcnn: the scopes of one around the same wiring.
    """

    height: int = 48
    width: int = 64
    num_classes: int = 2
    score_converter: str = "SIGMOID"
    box_coder_scales: tuple[float, float, float, float] | None = (10.0, 10.0, 5.0, 5.0)
    logit_scale: float = 1.0
    cut_first: bool = False
    nms_op: str = "V3"
    score_threshold: float = 1e-8
    iou_threshold: float = 0.6
    per_class: int = 12
    total: int = 20
    normalisation: str = "symmetric"
    squeeze_outside: bool = True
    resizer: str = "fixed"
    architecture: str = "ssd"

    @property
    def grids(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each feature map."""
        return tuple(
            (math.ceil(self.height / stride), math.ceil(self.width / stride)) for stride in STRIDES
        )

    @property
    def num_anchors(self) -> int:
        """Anchors of all cells."""
        return sum(
            rows * columns * len(boxes)
            for (rows, columns), boxes in zip(self.grids, ANCHORS, strict=True)
        )


class Parameters:
    """Makes the weights: constants, or variables to be saved; each with its ``read``.

    Args:
        frozen: Constants.
    """

    def __init__(self, frozen: bool) -> None:
        self._frozen = frozen

    def __call__(
        self, name: str, shape: tuple[int, ...], spread: Spread, mean: float | Sequence[float] = 0
    ) -> Any:
        """A tensor of normal values, seeded by its name."""
        noise = np.random.default_rng(zlib.crc32(name.encode())).normal(0, spread, shape)
        if shape[:2] == (1, 1):
            # A head reads features that are never negative: without this each of its
            # columns would answer every image alike.
            noise -= noise.mean(axis=2, keepdims=True)
        values = (noise + np.asarray(mean)).astype(np.float32)
        if self._frozen:
            return tf.identity(tf.constant(values, name=name), name=f"{name}/read")
        return tf.Variable(values, name=name, use_resource=False).value()


# Nothing in here is Python for autograph to rewrite, and its search for that takes half a second.
@tf.autograph.experimental.do_not_convert
def build_graph(miniature: Miniature, *, frozen: bool = True) -> Any:
    """A tf.Graph from image_tensor to the four detection outputs.

    Args:
        miniature: What to build.
        frozen: False leaves variables, initialised to the same values.
    """
    graph = tf.Graph()
    with _control_flow_v1(), graph.as_default():
        shape = [None, None, None, 3]
        if miniature.resizer == "none":
            shape = [1, miniature.height, miniature.width, 3]
        image_tensor = tf.placeholder(tf.uint8, shape, "image_tensor")
        images = tf.cast(image_tensor, tf.float32, name="ToFloat")
        prepared, true_shapes = _preprocess(images, miniature)
        encodings, logits = _heads(prepared, miniature, Parameters(frozen))
        anchors = _anchors(prepared, miniature)
        second = "SecondStage" if miniature.architecture == "faster_rcnn" else ""
        with tf.name_scope(f"{second}Postprocessor"):
            found = postprocess(encodings, logits, anchors, true_shapes, miniature)
        boxes, scores, classes, count = found
        label_offset = tf.constant(1.0, name="add/y")
        tf.identity(boxes, name="detection_boxes")
        tf.identity(scores, name="detection_scores")
        tf.identity(tf.add(classes, label_offset, name="add"), name="detection_classes")
        tf.identity(count, name="num_detections")
    return graph


@contextlib.contextmanager
def _control_flow_v1() -> Iterator[None]:
    """Loops of Enter, Merge and Exit over TensorArrays, as TensorFlow 1 wrote them."""
    was_on = tf.control_flow_v2_enabled()
    tf.disable_control_flow_v2()
    try:
        yield
    finally:
        if was_on:
            tf.enable_control_flow_v2()


def _preprocess(images: Any, miniature: Miniature) -> tuple[Any, Any]:
    """Each image resized on its own, with the shape it then has; then the normalisation."""

    def resize(image: Any) -> tuple[Any, Any]:
        size = tf.stack([miniature.height, miniature.width], name="ResizeImage/stack")
        if miniature.resizer == "keep_aspect":
            stored = tf.cast(tf.shape(image)[:2], tf.float32)
            size = tf.cast(stored * miniature.height / tf.reduce_min(stored), tf.int32)
        with tf.name_scope("ResizeImage"):
            resized = tf.raw_ops.ResizeBilinear(images=image[tf.newaxis], size=size)
        return resized[0], tf.concat([size, [3]], axis=0)

    if miniature.resizer == "none":
        with tf.name_scope("Preprocessor"):
            one = tf.stack(tf.unstack(images, num=1))
            shape = tf.constant([[miniature.height, miniature.width, 3]])
            return _normalised(one, miniature), shape
    with tf.name_scope("Preprocessor"):
        resized, shapes = tf.map_fn(resize, images, fn_output_signature=(tf.float32, tf.int32))
        return _normalised(resized, miniature), shapes


def _normalised(images: Any, miniature: Miniature) -> Any:
    if miniature.normalisation == "channel_means":
        return tf.subtract(images, [[list(CHANNEL_MEANS)]], name="sub")
    scaled = tf.multiply(tf.constant(2 / 255, name="mul/x"), images, name="mul")
    return tf.subtract(scaled, tf.constant(1.0, name="sub/y"), name="sub")


def _heads(images: Any, miniature: Miniature, weights: Parameters) -> tuple[Any, Any]:
    """Encodings [B, N, 1, 4] or [B, N, 4] and logits [B, N, C+1] of both feature maps."""
    first = "FirstStage" if miniature.architecture == "faster_rcnn" else ""
    scope = f"{first}FeatureExtractor/Miniature"
    spread = 60.0 if miniature.normalisation == "channel_means" else 0.5
    net = _convolution(images, f"{scope}/Conv2d_0", 12, weights, spread)
    net = _convolution(net, f"{scope}/Conv2d_1", 16, weights)
    net = _convolution(net, f"{scope}/Conv2d_2", 24, weights)
    # Without it all cells over a plain ground would score the same, and ties have no order.
    position = weights(f"{scope}/position", (1, *miniature.grids[0], 24), 0.5)
    first_map = tf.add(net, position, name=f"{scope}/add")
    second_map = _convolution(first_map, f"{scope}/Conv2d_3", 24, weights)
    heads = [
        _predict(features, f"BoxPredictor_{place}", len(boxes), miniature, weights)
        for place, (features, boxes) in enumerate(
            zip((first_map, second_map), ANCHORS, strict=True)
        )
    ]
    encodings = tf.concat([encoding for encoding, _ in heads], axis=1, name="concat")
    if miniature.squeeze_outside:
        encodings = tf.squeeze(encodings, axis=[2], name="Squeeze")
    return encodings, tf.concat([logit for _, logit in heads], axis=1, name="concat_1")


def _convolution(
    net: Any, scope: str, depth: int, weights: Parameters, input_spread: float = 1.0
) -> Any:
    """Convolution of stride 2, batch norm by stored moments, Relu6."""
    fan_in = 9 * net.shape[-1]
    kernel = weights(f"{scope}/weights", (3, 3, net.shape[-1], depth), math.sqrt(2 / fan_in))
    net = tf.nn.conv2d(net, kernel, strides=2, padding="SAME", name=f"{scope}/Conv2D")
    norm = f"{scope}/BatchNorm"
    net, *_ = tf.nn.fused_batch_norm(
        net,
        weights(f"{norm}/gamma", (depth,), 0.1, 1.0),
        weights(f"{norm}/beta", (depth,), 0.3, 0.5),
        weights(f"{norm}/moving_mean", (depth,), 0.1),
        weights(f"{norm}/moving_variance", (depth,), 0.05, input_spread**2),
        epsilon=0.001,
        is_training=False,
        name=f"{norm}/FusedBatchNorm",
    )
    return tf.nn.relu6(net, name=f"{scope}/Relu6")


def _predict(
    features: Any, scope: str, per_cell: int, miniature: Miniature, weights: Parameters
) -> tuple[Any, Any]:
    """One box predictor: two 1x1 convolutions, reshaped by the batch size that arrives."""
    columns = miniature.num_classes + 1
    # Small enough for every box to stay inside the image: the graph clips and TFLite does not.
    spreads = 0.006 * np.tile(miniature.box_coder_scales or (1.0,) * 4, per_cell)
    boxes = _head(features, f"{scope}/BoxEncodingPredictor", [0.0] * 4 * per_cell, spreads, weights)
    biases = [0.0, *[-3.2] * miniature.num_classes] * per_cell
    scores = _head(features, f"{scope}/ClassPredictor", biases, 0.2, weights)
    with tf.name_scope(scope):
        encodings = tf.reshape(boxes, tf.stack([tf.shape(features)[0], -1, 1, 4]))
        logits = tf.reshape(scores, tf.stack([tf.shape(features)[0], -1, columns]))
    return encodings, logits


def _head(
    features: Any, scope: str, biases: Sequence[float], spread: Spread, weights: Parameters
) -> Any:
    depth = len(biases)
    kernel = weights(f"{scope}/weights", (1, 1, features.shape[-1], depth), spread)
    net = tf.nn.conv2d(features, kernel, strides=1, padding="SAME", name=f"{scope}/Conv2D")
    added = weights(f"{scope}/biases", (depth,), spread, biases)
    return tf.nn.bias_add(net, added, name=f"{scope}/BiasAdd")


def _anchors(images: Any, miniature: Miniature) -> Any:
    """Corner anchors [N, 4], from the size that the preprocessed images have."""
    maps = []
    with tf.name_scope("MultipleGridAnchorGenerator"):
        size = tf.cast(tf.shape(images)[1:3], tf.float32, name="ToFloat")
        # Square in pixels: a share of the shorter side, whatever the image's shape.
        shares = tf.reduce_min(size, name="Minimum") / size
        for (rows, columns), boxes in zip(miniature.grids, ANCHORS, strict=True):
            # Centres keep away from the borders, see `_predict`.
            y = 0.35 + 0.32 / max(rows - 1, 1) * tf.cast(tf.range(rows), tf.float32)
            x = 0.28 + 0.44 / max(columns - 1, 1) * tf.cast(tf.range(columns), tf.float32)
            grid = tf.stack(tf.meshgrid(y, x, indexing="ij"), axis=2)
            centres = tf.reshape(tf.tile(grid[:, :, tf.newaxis], [1, 1, len(boxes), 1]), [-1, 2])
            halves = tf.tile(0.5 * shares * tf.constant(boxes), [rows * columns, 1])
            maps.append(tf.identity(tf.concat([centres - halves, centres + halves], axis=1)))
    return tf.concat(maps, axis=0, name="Concatenate/concat")


__all__ = ["ANCHORS", "CHANNEL_MEANS", "Miniature", "build_graph"]
