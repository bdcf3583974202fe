"""Graphs of feature extractors, each built once, and what their variables are."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

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


@functools.cache
def built_extractor(
    options: ExtractorOptions, height: int, width: int, *, initialised: bool = False
) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """The graph of an extractor and its feature maps, made once: it takes seconds.

    Args:
        options: Of the extractor.
        height: Of the image.
        width: Of the image.
        initialised: Whether the graph is to be run with its variables' first values.
    """
    variables = nullcontext() if initialised else bare_variables()
    layers = nullcontext() if initialised else light_layers()
    scope = tf.variable_scope("FeatureExtractor")
    with tf.Graph().as_default() as graph, variables, layers, scope:
        image = tf.placeholder(tf.float32, [1, height, width, 3])
        return graph, extractor_entry(options.kind, "the test").build(image, options)


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
