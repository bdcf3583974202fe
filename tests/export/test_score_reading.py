"""The converter is found on either side of the cut that drops the background."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature

from validation.export.graph_map import GraphMap
from validation.export.score_reading import (
    read_scores,
    scores_with_background,
    softmax_without_background,
)
from validation.specs.contracts import CLASS_PREDICTIONS_NAME


@pytest.mark.parametrize("converter", ["SIGMOID", "SOFTMAX", "IDENTITY"])
@pytest.mark.parametrize("cut_first", [False, True])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_converter_and_side(graph_of, converter, cut_first, scale):
    """With and without scaled logits; without a converter there is no side."""
    graph = graph_of(Miniature(score_converter=converter, cut_first=cut_first, logit_scale=scale))
    scores = read_scores(GraphMap(graph), "g.pb")
    assert scores.converter == converter
    assert bool(scores.steps) is (cut_first and converter != "IDENTITY")
    assert scores.cut == "Postprocessor/Slice"


def test_nothing_is_added_where_all_columns_are_converted(graph_of):
    """The graph itself, not a copy."""
    graph = graph_of()
    scores = read_scores(GraphMap(graph), "g.pb")
    same, unchanged = scores_with_background(graph, scores)
    assert same is graph
    assert unchanged is scores


def test_a_multiplied_logit_is_scaled_too(graph_of, node_of):
    """A factor before or behind the logits, as an optimised graph may have it."""
    graph = graph_of(cut_first=True, logit_scale=2.0)
    scale = node_of(graph, "Postprocessor/scale_logits")
    scale.op = "Mul"
    scale.input[:] = [scale.input[1], scale.input[0]]
    scores = read_scores(GraphMap(graph), "g.pb")
    assert scores.converter == "SIGMOID"
    added, scores = scores_with_background(graph, scores)
    nodes = GraphMap(added)
    copied = nodes.source(nodes.inputs(nodes.source(scores.tensor))[0])
    assert list(copied.input) == [scale.input[0], "concat_1"]


def test_softmax_of_2017(run_graph):
    """The same logits without the background's, and zeros in its column."""
    logits = np.random.default_rng(0).normal(0, 2, (1, 5, 4)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        softmax = tf.nn.softmax(tf.placeholder(tf.float32, [1, 5, 4], "logits"))
        tf.identity(softmax, name=CLASS_PREDICTIONS_NAME)
    changed = softmax_without_background(graph.as_graph_def())
    scores = run_graph(changed, [CLASS_PREDICTIONS_NAME], {"logits": logits})
    powers = np.exp(logits[:, :, 1:])
    expected = powers / powers.sum(axis=2, keepdims=True)
    assert not scores[CLASS_PREDICTIONS_NAME][:, :, 0].any()
    np.testing.assert_allclose(scores[CLASS_PREDICTIONS_NAME][:, :, 1:], expected, rtol=1e-5)
