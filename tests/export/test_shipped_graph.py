"""A tflite_graph.pb that somebody else exported."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature, write_config

from validation.errors import GraphConfigMismatch, GraphError, NotSsdGraph
from validation.export.exported import ExportOptions
from validation.export.from_graph import with_options, without_postprocessing
from validation.export.graph_io import GraphExport
from validation.export.inference_graph import inference_graph_of_export
from validation.export.shipped_graph import export_shipped
from validation.pipeline.config import load_pipeline
from validation.specs.contracts import DETECTION_OUTPUTS, IMAGE_TENSOR, INPUT_NAME, RAW_OUTPUTS

# What a reader of the guide ships.
_GUIDE = ExportOptions(max_detections=10, detections_per_class=100, use_regular_nms=False)

Exports = Callable[..., GraphExport]


def _shipped(export: GraphExport) -> Any:
    graph = tf.GraphDef()
    graph.CopyFrom(with_options(export, _GUIDE).graph)
    return graph


def _taken(graph: Any, **options: Any) -> GraphExport:
    return export_shipped(graph, ExportOptions(**options), config=None, where="tflite_graph.pb")


def test_body_and_anchors_stay_as_they_were_shipped(
    export_of: Exports, run_graph: Callable[..., dict[str, np.ndarray]]
) -> None:
    """The same raw outputs and anchors, and the same contract but for the exporter's flags."""
    export = export_of()
    taken = _taken(_shipped(export))
    size = export.contract.preprocessing
    image = np.random.default_rng(0).uniform(-1, 1, (1, size.height, size.width, 3))
    feed = {INPUT_NAME: image.astype(np.float32)}
    expected = run_graph(without_postprocessing(export).graph, RAW_OUTPUTS, feed)
    found = run_graph(without_postprocessing(taken).graph, RAW_OUTPUTS, feed)
    for name in RAW_OUTPUTS:
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_array_equal(taken.anchors, export.anchors)
    np.testing.assert_array_equal(
        np.float32(taken.contract.preprocessing.scale), np.float32(size.scale)
    )
    assert (
        dataclasses.replace(
            taken.contract, postprocess=export.contract.postprocess, preprocessing=size
        )
        == export.contract
    )


def test_evaluation_keeps_more_than_the_guides_ten(export_of: Exports) -> None:
    """Detections and NMS are flags of an export; thresholds are the model's own and stay."""
    export = export_of()
    node = _taken(_shipped(export)).contract.postprocess
    assert (node.max_detections, node.detections_per_class, node.use_regular_nms) == (
        100,
        100,
        True,
    )
    assert node.nms_score_threshold == pytest.approx(
        export.contract.postprocess.nms_score_threshold
    )
    asked = _taken(_shipped(export), max_detections=7, use_regular_nms=False).contract.postprocess
    assert (asked.max_detections, asked.use_regular_nms) == (7, False)


def test_what_old_exporters_left_out_is_the_kernels_default(export_of: Exports) -> None:
    """Graphs of 2018 have neither use_regular_nms nor detections_per_class."""
    graph = _shipped(export_of())
    (node,) = [node for node in graph.node if node.op == "TFLite_Detection_PostProcess"]
    del node.attr["use_regular_nms"]
    del node.attr["detections_per_class"]
    assert _taken(graph).contract.postprocess.detections_per_class == 100


def test_raw_form_can_be_asked_for(export_of: Exports) -> None:
    """add_postprocessing_op false ends the graph in the raw outputs."""
    taken = _taken(_shipped(export_of()), add_postprocessing_op=False)
    assert not taken.add_postprocessing_op
    assert not any(node.op == "TFLite_Detection_PostProcess" for node in taken.graph.node)


def test_config_of_the_archive_counts_and_must_agree(export_of: Exports, tmp_path: Any) -> None:
    """It says how many detections are kept; another number of classes is refused with its line."""
    graph = _shipped(export_of())
    config = load_pipeline(write_config(tmp_path / "pipeline.config"))
    taken = export_shipped(graph, ExportOptions(), config=config, where="tflite_graph.pb")
    assert taken.contract.postprocess.max_detections == config.max_total_detections
    other = load_pipeline(write_config(tmp_path / "other.config", num_classes=9))
    with pytest.raises(GraphConfigMismatch, match=r"num_classes: graph \d+, config 9 \(.*line"):
        export_shipped(graph, ExportOptions(), config=other, where="tflite_graph.pb")


def test_a_graph_of_residual_networks_wants_channel_means(export_of: Exports) -> None:
    """Without a config the extractor is known by its scope: ResNets do not scale to [-1, 1]."""
    graph = _shipped(export_of())
    graph.node.add(name="FeatureExtractor/resnet_v1_50/conv1/noop", op="NoOp")
    preprocessing = _taken(graph).contract.preprocessing
    assert preprocessing.scale == (1.0, 1.0, 1.0)
    assert preprocessing.offset == (123.68, 116.779, 103.939)


def test_other_graphs_are_refused(export_of: Exports, graph_of: Callable[..., Any]) -> None:
    """An inference graph, a graph without anchors, and one that is not frozen."""
    with pytest.raises(NotSsdGraph, match=r"not written by export_tflite.*no normalized_input"):
        _taken(graph_of(Miniature()))
    with pytest.raises(GraphError, match=r"no anchors.*--add_postprocessing_op=true"):
        _taken(without_postprocessing(export_of()).graph)
    graph = _shipped(export_of())
    graph.node.add(name="left", op="VariableV2").attr["dtype"].type = 1
    with pytest.raises(GraphError, match="not frozen"):
        _taken(graph)


def test_classes_must_fit_the_body(export_of: Exports) -> None:
    """A node that names other classes than the head has is no description of the graph."""
    graph = _shipped(export_of())
    (node,) = [node for node in graph.node if node.op == "TFLite_Detection_PostProcess"]
    node.attr["num_classes"].i += 1
    with pytest.raises(NotSsdGraph, match="have different sizes"):
        _taken(graph)


def test_closed_export_finds_objects_in_images(
    export_of: Exports, run_graph: Callable[..., dict[str, np.ndarray]]
) -> None:
    """From image_tensor of any size to detections, boxes inside the image."""
    graph = inference_graph_of_export(export_of())
    image = np.random.default_rng(0).integers(0, 256, (1, 50, 70, 3), np.uint8)
    found = run_graph(graph, DETECTION_OUTPUTS, {IMAGE_TENSOR: image})
    count = int(found["num_detections"][0])
    boxes = found["detection_boxes"][0, :count]
    assert count > 0
    assert boxes.min() >= 0
    assert boxes.max() <= 1
