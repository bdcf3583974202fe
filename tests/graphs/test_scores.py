"""The score converter inside the graph."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

from validation.graphs.scores import convert_scores

LOGITS = np.random.default_rng(5).normal(0, 3, (1, 4, 3)).astype(np.float32)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of exp over the last axis."""
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("converter", "expected"),
    [("IDENTITY", lambda x: x), ("SIGMOID", lambda x: 1 / (1 + np.exp(-x))), ("SOFTMAX", softmax)],
)
@pytest.mark.parametrize("logit_scale", [1.0, 2.5])
def test_scores(converter: str, expected, logit_scale: float) -> None:
    """Each converter is its formula, of logits divided by logit_scale."""
    with tf.Graph().as_default() as graph:
        scores = convert_scores(tf.constant(LOGITS), converter, logit_scale)
        with tf.Session(graph=graph) as session:
            found = session.run(scores)
    np.testing.assert_allclose(found, expected(LOGITS / logit_scale), rtol=1e-5)


def test_a_scale_of_one_adds_no_operation() -> None:
    """Only then does the graph hold a division."""
    ops = {}
    for scale in (1.0, 2.0):
        with tf.Graph().as_default() as graph:
            convert_scores(tf.constant(LOGITS), "SIGMOID", scale)
        ops[scale] = {node.op for node in graph.as_graph_def().node}
    assert "RealDiv" not in ops[1.0]
    assert "RealDiv" in ops[2.0]
