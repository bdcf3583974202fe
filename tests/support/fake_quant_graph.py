"""The smallest SSD that was trained with quantisation, as the exporter would leave it.

Two convolutions and a depthwise one, heads on two maps, FakeQuant nodes where
TensorFlow 1's quantisation put them; weights seeded, every range fitting.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

from validation.export.exported import ANCHORS_FILE, CONTRACT_FILE, GRAPH_FILE
from validation.export.postprocess_node import add_postprocess_node
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    PostprocessAttributes,
    Preprocessing,
    SsdContract,
)

HEIGHT, WIDTH, CLASSES, PER_CELL = 16, 24, 2, 2
# Maps of 4 x 6 and 2 x 3 cells.
NUM_ANCHORS = PER_CELL * (4 * 6 + 2 * 3)
SYMMETRIC = Preprocessing(HEIGHT, WIDTH, (2 / 255,) * 3, (1.0,) * 3)
ATTRIBUTES = PostprocessAttributes(
    max_detections=5,
    max_classes_per_detection=1,
    nms_score_threshold=0.01,
    nms_iou_threshold=0.6,
    num_classes=CLASSES,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
    detections_per_class=5,
    use_regular_nms=True,
)
CONTRACT = SsdContract(SYMMETRIC, NUM_ANCHORS, CLASSES, "SIGMOID", ATTRIBUTES)


class _Layers:
    """Makes the layers, with ranges or without."""

    def __init__(self, ranges: bool) -> None:
        self._ranges = ranges
        self._random = np.random.default_rng(7)

    def conv(
        self, net: Any, scope: str, depth: int, *, size: int = 3, stride: int = 2, relu: bool = True
    ) -> Any:
        """A convolution with bias, Relu6 unless it is a head, and a range behind it."""
        weights = self._weights(scope, (size, size, int(net.shape[-1]), depth))
        net = tf.nn.conv2d(net, weights, strides=stride, padding="SAME", name=f"{scope}/Conv2D")
        return self._finish(net, scope, depth, relu)

    def depthwise(self, net: Any, scope: str) -> Any:
        """A depthwise convolution of stride 1."""
        depth = int(net.shape[-1])
        weights = self._weights(scope, (3, 3, depth, 1))
        net = tf.nn.depthwise_conv2d(
            net, weights, strides=[1, 1, 1, 1], padding="SAME", name=f"{scope}/depthwise"
        )
        return self._finish(net, scope, depth, relu=True)

    def ranged(
        self, net: Any, scope: str, ends: tuple[float, float], *, narrow: bool = False
    ) -> Any:
        """The tensor behind its FakeQuant node; the tensor itself without ranges."""
        if not self._ranges:
            return net
        low, high = (
            tf.constant(value, tf.float32, name=f"{scope}/{name}/read")
            for name, value in zip(("min", "max"), ends, strict=True)
        )
        return tf.quantization.fake_quant_with_min_max_vars(
            net, low, high, narrow_range=narrow, name=f"{scope}/FakeQuantWithMinMaxVars"
        )

    def _weights(self, scope: str, shape: tuple[int, ...]) -> Any:
        fan_in = shape[0] * shape[1] * (shape[2] if shape[3] > 1 else 1)
        values = self._random.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
        widest = float(np.abs(values).max())
        weights = tf.constant(values, name=f"{scope}/weights")
        return self.ranged(weights, f"{scope}/weights_quant", (-widest, widest), narrow=True)

    def _finish(self, net: Any, scope: str, depth: int, relu: bool) -> Any:
        biases = self._random.normal(0.1, 0.2, depth).astype(np.float32)
        net = tf.nn.bias_add(net, tf.constant(biases), name=f"{scope}/BiasAdd")
        if relu:
            net = tf.nn.relu6(net, name=f"{scope}/Relu6")
        return self.ranged(net, f"{scope}/act_quant", (0.0, 6.0) if relu else (-8.0, 8.0))


def build_graph(*, ranges: bool = True, with_op: bool = True) -> Any:
    """The exported graph as a GraphDef.

    Args:
        ranges: False leaves the FakeQuant nodes out: the float twin, of the same weights.
        with_op: It ends in the post-processing op.
    """
    layers = _Layers(ranges)
    with tf.Graph().as_default() as scope:
        image = tf.placeholder(tf.float32, [1, HEIGHT, WIDTH, 3], INPUT_NAME)
        net = layers.conv(image, "Conv2d_0", 8)
        net = layers.depthwise(net, "Conv2d_1_depthwise")
        first = layers.conv(net, "Conv2d_1_pointwise", 16)
        maps = [first, layers.conv(first, "Conv2d_2", 16)]
        boxes = layers.ranged(_heads(layers, maps, "BoxEncodingPredictor", 4), "boxes", (-8.0, 8.0))
        logits = _heads(layers, maps, "ClassPredictor", CLASSES + 1)
        logits = layers.ranged(logits, "scores", (-8.0, 8.0))
        tf.identity(boxes, name=BOX_ENCODINGS_NAME)
        tf.identity(tf.sigmoid(logits), name=CLASS_PREDICTIONS_NAME)
        tf.constant(anchors(), name=ANCHORS_NAME)
    graph = scope.as_graph_def()
    if with_op:
        add_postprocess_node(graph, ATTRIBUTES)
    return graph


def write_graph(path: Path, *, ranges: bool = True, with_op: bool = True) -> Path:
    """tflite_graph.pb."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(build_graph(ranges=ranges, with_op=with_op).SerializeToString())
    return path


def write_export(folder: Path) -> Path:
    """The graph with its contract and anchors beside it, as the exporter here writes them."""
    graph = write_graph(folder / GRAPH_FILE)
    about = {**dataclasses.asdict(CONTRACT), "add_postprocessing_op": True}
    (folder / CONTRACT_FILE).write_text(json.dumps(about))
    np.save(folder / ANCHORS_FILE, anchors())
    return graph


def anchors() -> NDArray[np.float32]:
    """Centre form [N, 4], well inside the image."""
    rows = []
    for height, width, side in ((4, 6, 0.2), (2, 3, 0.4)):
        y, x = np.meshgrid(
            np.linspace(0.3, 0.7, height), np.linspace(0.3, 0.7, width), indexing="ij"
        )
        centres = np.repeat(np.stack([y, x], axis=2).reshape(-1, 2), PER_CELL, axis=0)
        sides = np.tile([[side, side], [side / 2, side]], (height * width, 1))
        rows.append(np.concatenate([centres, sides], axis=1))
    return np.concatenate(rows).astype(np.float32)


def feeds(count: int, seed: int = 1) -> NDArray[np.float32]:
    """Soft images as the model is fed them, over the whole of [-1, 1]; [I, 1, H, W, 3]."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(-1, 1, (count, 1, HEIGHT // 4, WIDTH // 4, 3))
    coarse[:, 0, 0, 0], coarse[:, 0, -1, -1] = -1, 1
    return coarse.repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)


def _heads(layers: _Layers, maps: Sequence[Any], name: str, columns: int) -> Any:
    parts = []
    for place, features in enumerate(maps):
        scope = f"BoxPredictor_{place}/{name}"
        head = layers.conv(features, scope, PER_CELL * columns, size=1, stride=1, relu=False)
        parts.append(tf.reshape(head, [1, -1, columns], name=f"{scope}/Reshape"))
    return tf.concat(parts, axis=1, name=f"{name}/concat")
