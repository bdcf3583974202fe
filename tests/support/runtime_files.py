"""Files that runtimes load: a miniature's two forms, and a detector of two anchors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature, build_graph

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import write_export
from validation.export.postprocess_node import add_postprocess_node
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    PostprocessAttributes,
)

TINY = PostprocessAttributes(
    max_detections=3,
    max_classes_per_detection=1,
    nms_score_threshold=0.125,
    nms_iou_threshold=0.5,
    num_classes=2,
    y_scale=10.0,
    x_scale=9.0,
    h_scale=5.0,
    w_scale=4.0,
    detections_per_class=7,
    use_regular_nms=True,
)


@dataclass(frozen=True)
class Files:
    """A miniature's exported graph of raw outputs, and both .tflite files."""

    graph: Path
    raw: Path
    float: Path


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Of the default miniature; not to be changed."""
    folder = tmp_path_factory.mktemp("runtimes")
    export = export_from_graph(build_graph(Miniature()).as_graph_def(), ExportOptions())
    raw = write_export(folder / "raw", without_postprocessing(export)).graph
    with_op = write_export(folder / "float", export).graph
    return Files(
        graph=raw,
        raw=convert(raw, conversion_of("raw"), folder / "mini-raw.tflite"),
        float=convert(with_op, conversion_of("float"), folder / "mini-float.tflite"),
    )


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A .tflite of a few thousand bytes with the op, `TINY` its attributes, and no weights."""
    with tf.Graph().as_default() as scope:
        image = tf.placeholder(tf.float32, [1, 1, 2, 4], INPUT_NAME)
        tf.reshape(image, [1, 2, 4], name=BOX_ENCODINGS_NAME)
        tf.sigmoid(tf.reshape(image[..., :3], [1, 2, 3]), name=CLASS_PREDICTIONS_NAME)
        tf.constant([[0.25, 0.25, 0.5, 0.5], [0.75, 0.5, 0.25, 0.5]], name=ANCHORS_NAME)
    graph = scope.as_graph_def()
    add_postprocess_node(graph, TINY)
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.pb").write_bytes(graph.SerializeToString())
    path = convert(folder / "tiny.pb", conversion_of("float"), folder / "tiny.tflite")
    return path.read_bytes()


@pytest.fixture(scope="session")
def tiny_attributes() -> PostprocessAttributes:
    """What the tiny file says of its op."""
    return TINY


@pytest.fixture(scope="session")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .tflite that takes uint8 at scale 2/255 and zero point 128."""
    path = tmp_path_factory.mktemp("quantised") / "uint8.tflite"
    with tf.Graph().as_default() as scope:
        image = tf.placeholder(tf.float32, [1, 2, 2, 3], "image")
        inside = tf.quantization.fake_quant_with_min_max_args(image, -1, 1)
        end = tf.nn.relu(inside * 2.0)
        outside = tf.quantization.fake_quant_with_min_max_args(end, 0, 2, name="end")
        with tf.Session(graph=scope) as session:
            converter = tf.lite.TFLiteConverter.from_session(session, [image], [outside])
            converter.inference_type = tf.uint8
            converter.quantized_input_stats = {"image": (128.0, 127.0)}
            path.write_bytes(converter.convert())
    return path
