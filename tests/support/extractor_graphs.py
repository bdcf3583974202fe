"""Graphs of feature extractors, each built once, and what their variables are."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from validation.graphs.bare_variables import bare_variables
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams
from validation.graphs.light_layers import light_layers
from validation.graphs.registry import extractor_entry

_PUBLISHED: dict[str, Any] = {
    "depth_multiplier": 1.0,
    "min_depth": 16,
    "pad_to_multiple": 1,
    "use_explicit_padding": False,
    "use_depthwise": False,
    "override_base_hyperparams": True,
    "hyperparams": ConvHyperparams(tf.nn.relu6, BatchNorm(0.001, 0.97, scale=True)),
    "pyramid": Pyramid(),
    "num_layers": 6,
}


def extractor_options(kind: str, **changes: Any) -> ExtractorOptions:
    """Options as most published configs have them, with changes."""
    return ExtractorOptions(**{"kind": kind, **_PUBLISHED, **changes})


@contextmanager
def bare_graph() -> Iterator[tf.Graph]:
    """A new graph whose variables wait for their values, as `build` makes it for a checkpoint."""
    with tf.Graph().as_default() as graph, bare_variables(), light_layers():
        yield graph


@functools.cache
def built_extractor(
    options: ExtractorOptions, height: int, width: int
) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """The bare graph of an extractor and its feature maps, made once: it takes seconds.

    Args:
        options: Of the extractor.
        height: Of the image.
        width: Of the image.
    """
    with bare_graph() as graph, tf.variable_scope("FeatureExtractor"):
        image = tf.placeholder(tf.float32, [1, height, width, 3])
        return graph, extractor_entry(options.kind, "the test").build(image, options)


def run_bare(
    graph: tf.Graph,
    tensors: Sequence[tf.Tensor],
    feed: Mapping[str, np.ndarray],
    value: Callable[[str, tuple[int, ...]], np.ndarray],
) -> list[np.ndarray]:
    """Tensors of a bare graph.

    Args:
        graph: See `bare_graph`.
        tensors: What to compute.
        feed: Of the placeholders, by tensor name.
        value: Of a variable, by its name and shape.
    """
    reads = [op for op in graph.get_operations() if op.type == "ReadVariableOp"]
    values = {
        read.outputs[0].name: value(read.inputs[0].op.name, tuple(read.outputs[0].shape.as_list()))
        for read in reads
    }
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with tf.Session(graph=graph, config=config) as session:
        found: list[np.ndarray] = session.run(list(tensors), {**values, **feed})
    return found


def variable_shapes(graph: tf.Graph) -> dict[str, list[int]]:
    """Shapes of the variables by name."""
    variables = graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    return {variable.op.name: variable.shape.as_list() for variable in variables}


def digest_of(shapes: dict[str, list[int]]) -> str:
    """One value for a whole list of names and shapes."""
    lines = "\n".join(f"{name} {shape}" for name, shape in sorted(shapes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def batch_norm_epsilons(graph: tf.Graph) -> set[float]:
    """Of all batch norms."""
    norms = [op for op in graph.get_operations() if op.type == "FusedBatchNormV3"]
    return {round(op.get_attr("epsilon"), 6) for op in norms}
