"""The exported graph is the source graph's body, under the exporter's names."""

import dataclasses
import functools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature

from validation.errors import GraphError, NotSsdGraph
from validation.export.checkpoint import open_checkpoint
from validation.export.exported import ExportOptions
from validation.export.freezing import variables
from validation.export.from_graph import (
    export_from_graph,
    with_options,
    without_postprocessing,
)
from validation.export.graph_io import read_graph
from validation.preprocess.prepare import prepare
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    INPUT_NAME,
    POSTPROCESS_NAME,
    PostprocessAttributes,
)

RAW = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
CORNERS = "Concatenate/concat"

KNOBS = {
    "default": Miniature(),
    "tall": Miniature(height=64, width=40),
    "one class": Miniature(num_classes=1),
    "five classes": Miniature(num_classes=5),
    "softmax": Miniature(score_converter="SOFTMAX"),
    "identity": Miniature(score_converter="IDENTITY"),
    "no scales": Miniature(box_coder_scales=None),
    "four scales": Miniature(box_coder_scales=(8.0, 9.0, 4.0, 6.0)),
    "scaled logits": Miniature(logit_scale=2.0),
    "cut first": Miniature(cut_first=True),
    "cut first, scaled logits": Miniature(cut_first=True, logit_scale=2.0),
    "cut first, softmax": Miniature(cut_first=True, score_converter="SOFTMAX", logit_scale=0.5),
    "cut first, identity": Miniature(cut_first=True, score_converter="IDENTITY"),
    "nms v1": Miniature(nms_op="V1", score_threshold=0.3, iou_threshold=0.45),
    "nms v2": Miniature(nms_op="V2", score_threshold=0.3),
    "nms v5": Miniature(nms_op="V5", score_threshold=0.01),
    "combined nms": Miniature(nms_op="Combined", iou_threshold=0.45),
    "sizes": Miniature(per_class=7, total=9, iou_threshold=0.5),
    "channel means": Miniature(normalisation="channel_means"),
    "squeezed inside": Miniature(squeeze_outside=False),
    "one size": Miniature(resizer="none"),
}


@pytest.fixture(params=KNOBS.values(), ids=KNOBS.keys())
def miniature(request):
    """Every kind of graph that can be exported."""
    return request.param


# Of another size and shape than any input, so that the resize takes part.
IMAGE = np.random.default_rng(3).integers(0, 256, (1, 70, 50, 3), np.uint8)


def image_for(miniature):
    """`IMAGE`, or what a graph of one size takes."""
    height, width = (48, 64) if miniature.resizer == "none" else (70, 50)
    return np.resize(IMAGE, (1, height, width, 3))


@pytest.fixture(scope="module")
def source_values(graph_of, run_graph):
    """What the source graphs make of their images, each run once."""

    @functools.cache
    def values(miniature):
        asked = ("Preprocessor/sub", *_raw_of(miniature), CORNERS)
        return run_graph(graph_of(miniature), asked, {"image_tensor": image_for(miniature)})

    return values


def _raw_of(miniature):
    encodings = "Squeeze" if miniature.squeeze_outside else "concat"
    return encodings, "Postprocessor/scores" if miniature.cut_first else "Postprocessor/Slice"


def test_raw_outputs_are_those_of_the_source(miniature, source_values, export_of, run_graph):
    """Fed with what the source's preprocessor makes, both give the same encodings and scores."""
    encodings, foreground = _raw_of(miniature)
    expected = source_values(miniature)
    body = without_postprocessing(export_of(miniature)).graph
    got = run_graph(body, RAW, {INPUT_NAME: expected["Preprocessor/sub"]})
    boxes, scores = (got[name] for name in RAW)
    assert boxes.shape == (1, miniature.num_anchors, 4)
    assert scores.shape == (1, miniature.num_anchors, miniature.num_classes + 1)
    assert expected[encodings].std() > 0.01
    np.testing.assert_allclose(boxes, expected[encodings].reshape(boxes.shape), atol=1e-5)
    np.testing.assert_allclose(scores[:, :, 1:], expected[foreground], atol=1e-6)
    if miniature.score_converter == "SOFTMAX" and miniature.cut_first:
        np.testing.assert_allclose(scores[:, :, 1:].sum(axis=2), 1, atol=1e-6)
        assert not scores[:, :, 0].any()
    elif miniature.score_converter == "SOFTMAX":
        np.testing.assert_allclose(scores.sum(axis=2), 1, atol=1e-6)


def test_anchors_are_those_of_the_source(miniature, source_values, export_of):
    """The constant holds the source's corner anchors as centre and size."""
    corners = source_values(miniature)[CORNERS]
    export = export_of(miniature)
    (node,) = [node for node in export.graph.node if node.name == ANCHORS_NAME]
    np.testing.assert_array_equal(tf.make_ndarray(node.attr["value"].tensor), export.anchors)
    assert export.anchors.dtype == np.float32
    assert export.anchors.shape == (miniature.num_anchors, 4)
    y, x, height, width = export.anchors.T
    back = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    np.testing.assert_allclose(back, corners, atol=1e-6)


def test_contract_says_what_the_miniature_is(miniature, export_of):
    """Sizes, classes, converter and every attribute, with the model's own values."""
    contract = export_of(miniature).contract
    scales = miniature.box_coder_scales or (1.0,) * 4
    assert (contract.preprocessing.height, contract.preprocessing.width) == (
        miniature.height,
        miniature.width,
    )
    assert contract.num_anchors == miniature.num_anchors
    assert contract.num_classes == miniature.num_classes
    assert contract.score_converter == miniature.score_converter
    assert contract.postprocess == PostprocessAttributes(
        max_detections=miniature.total,
        max_classes_per_detection=1,
        nms_score_threshold=float(np.float32(miniature.score_threshold)),
        nms_iou_threshold=float(np.float32(miniature.iou_threshold)),
        num_classes=miniature.num_classes,
        y_scale=scales[0],
        x_scale=scales[1],
        h_scale=scales[2],
        w_scale=scales[3],
        detections_per_class=miniature.per_class,
        use_regular_nms=True,
    )


def test_contract_prepares_an_image_as_the_source_does(miniature, source_values, export_of):
    """Resize and normalisation read from the graph give the tensor that the graph makes."""
    image = image_for(miniature)
    expected = source_values(miniature)
    got = prepare(image[0], export_of(miniature).contract.preprocessing)
    np.testing.assert_allclose(got, expected["Preprocessor/sub"], atol=2e-4)


def test_both_forms_end_where_the_exporter_ends(miniature, export_of):
    """One placeholder in, the op or the raw outputs out, and no trace of the loops."""
    export = export_of(miniature)
    for form, ends in ((export, [POSTPROCESS_NAME]), (without_postprocessing(export), [*RAW])):
        nodes = {node.name: node for node in form.graph.node}
        read = {name.partition(":")[0] for node in form.graph.node for name in node.input}
        placeholder = nodes[INPUT_NAME]
        assert [node.name for node in form.graph.node if node.op == "Placeholder"] == [INPUT_NAME]
        assert [side.size for side in placeholder.attr["shape"].shape.dim] == [
            1,
            miniature.height,
            miniature.width,
            3,
        ]
        assert sorted(set(nodes) - read) == sorted(ends)
        assert not [node for node in form.graph.node if node.op in ("Enter", "TensorArrayV3")]
        assert variables(form.graph) == {}
    assert export.add_postprocessing_op
    assert not without_postprocessing(export).add_postprocessing_op
    assert ANCHORS_NAME not in {node.name for node in without_postprocessing(export).graph.node}


def test_form_without_the_op_is_what_its_flag_makes(graph_of, export_of):
    """add_postprocessing_op=False and cutting the op away later are the same graph."""
    flags = ExportOptions(add_postprocessing_op=False)
    direct = export_from_graph(graph_of(), flags)
    cut = without_postprocessing(export_of())
    assert direct.graph == cut.graph
    assert direct.contract == cut.contract
    assert not direct.add_postprocessing_op


FLAGS = ExportOptions(
    max_detections=3, detections_per_class=2, max_classes_per_detection=2, use_regular_nms=False
)


def test_flags_replace_the_models_own_values(graph_of, export_of):
    """The exporter's flags reach the node; what has no flag stays."""
    attributes = export_from_graph(graph_of(), FLAGS).contract.postprocess
    assert attributes == dataclasses.replace(
        export_of().contract.postprocess,
        max_detections=3,
        detections_per_class=2,
        max_classes_per_detection=2,
        use_regular_nms=False,
    )


def test_flags_given_later_make_the_same_graph(graph_of, export_of):
    """Other flags on a finished export and on the source graph come to the same."""
    later = with_options(export_of(), FLAGS)
    direct = export_from_graph(graph_of(), FLAGS)
    assert later.graph == direct.graph
    assert later.contract == direct.contract
    np.testing.assert_array_equal(later.anchors, direct.anchors)


def test_flags_that_are_none_keep_the_exports_values(export_of):
    """No flag, no change."""
    assert with_options(export_of(), ExportOptions()).contract == export_of().contract


def test_checkpoint_and_meta_make_the_frozen_graphs_export(checkpoint, export_of, run_graph):
    """A .meta with its checkpoint is as good as a frozen graph."""
    meta = read_graph(checkpoint.with_name("model.ckpt.meta"))
    export = export_from_graph(meta, ExportOptions(), values=open_checkpoint(checkpoint))
    assert export.contract == export_of().contract
    np.testing.assert_array_equal(export.anchors, export_of().anchors)
    feed = {INPUT_NAME: np.random.default_rng(5).normal(0, 1, (1, 48, 64, 3)).astype(np.float32)}
    got = run_graph(without_postprocessing(export).graph, RAW, feed)
    expected = run_graph(without_postprocessing(export_of()).graph, RAW, feed)
    for name in RAW:
        np.testing.assert_array_equal(got[name], expected[name])


def test_variables_without_values_are_named(checkpoint):
    """A .meta alone cannot be exported, and the message says what is missing."""
    meta = read_graph(checkpoint.with_name("model.ckpt.meta"))
    with pytest.raises(GraphError, match=r"not frozen.*variables, 'BoxPredictor_0.*checkpoint"):
        export_from_graph(meta, ExportOptions(), where="model.ckpt.meta")


def test_anchors_that_do_not_fit_the_outputs_are_refused(graph_of, node_of):
    """Encodings of one number of anchors and another number of anchors are no model."""
    graph = graph_of()
    anchors = node_of(graph, "Concatenate/concat")
    anchors.input[1] = anchors.input[0]
    with pytest.raises(
        NotSsdGraph, match=r"have different sizes.*\[1, 192, 4\].*got \[1, 132, 4\]"
    ):
        export_from_graph(graph, ExportOptions())


def test_body_that_does_not_run_is_refused(graph_of, node_of):
    """TensorFlow's complaint is passed on, in one line."""
    graph = graph_of()
    node_of(graph, "FeatureExtractor/Miniature/Conv2d_1/Relu6").op = "Relu66"
    with pytest.raises(
        GraphError, match="cannot run the graph: got Op type not registered"
    ) as caught:
        export_from_graph(graph, ExportOptions())
    assert "\n" not in str(caught.value)


def test_source_graph_is_left_as_it_was(graph_of):
    """An export reads its source and never writes to it."""
    graph, before = graph_of(), graph_of()
    export_from_graph(graph, ExportOptions())
    assert graph == before
