"""SpaghettiNet: its tables, and the graph that is made of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from extractor_graphs import bare_graph
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.extractors.spaghettinet import ENTRIES, STEM, TABLES, Grouped
from validation.graphs.hyperparams import ConvHyperparams

# tf-slim calls it for every layer.
pytestmark = pytest.mark.filterwarnings("ignore:.layer.apply. is deprecated")

SMALL = "spaghettinet_edgetpu_s"


def built(architecture: str, *, changed: bool = False) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """The graph for an oblong image and its feature maps."""
    return _built(architecture, changed)


@functools.cache
def _built(architecture: str, changed: bool) -> tuple[tf.Graph, Sequence[tf.Tensor]]:
    """As `built`, made once: it takes seconds.

    Changed is with explicit padding, and for training.
    """
    options = ExtractorOptions(
        kind="ssd_spaghettinet",
        depth_multiplier=0.5,
        min_depth=16,
        pad_to_multiple=32,
        use_explicit_padding=changed,
        use_depthwise=False,
        override_base_hyperparams=False,
        hyperparams=ConvHyperparams(None, None),
        pyramid=Pyramid(),
        num_layers=6,
        is_training=changed,
    )
    scope = tf.variable_scope("FeatureExtractor")
    with bare_graph() as graph, tf.variable_creator_scope(_initialised_range), scope:
        image = tf.placeholder(tf.float32, [1, 320, 200, 3])
        return graph, ENTRIES[architecture].build(image, options)


def _initialised_range(following: Callable[..., Any], **asked: Any) -> Any:
    """Of all variables only the ends of ranges get their first values."""
    if not asked["name"].endswith(("/min", "/max")):
        return following(**asked)
    names = ("initial_value", "name", "trainable", "collections", "dtype", "shape")
    return ResourceVariable(**{name: asked.get(name) for name in names})


def operations(graph: tf.Graph, kind: str) -> list[tf.Operation]:
    """The operations of one type."""
    return [operation for operation in graph.get_operations() if operation.type == kind]


@pytest.mark.parametrize(
    ("architecture", "count", "parameters"),
    [
        ("spaghettinet_edgetpu_s", 526, 3141170),
        ("spaghettinet_edgetpu_m", 582, 3832068),
        ("spaghettinet_edgetpu_l", 648, 5439570),
    ],
)
def test_trained_parameters(architecture: str, count: int, parameters: int) -> None:
    """With the heads' 0.3 million they are the 3.4, 4.1 and 5.7 million that are published."""
    graph, _ = built(architecture)
    variables = graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    sizes = {v.op.name: int(np.prod(v.shape.as_list())) for v in variables}
    assert len(sizes) == count
    assert sum(size for name, size in sizes.items() if "moving" not in name) == parameters
    assert {name.split("/")[1] for name in sizes} == {architecture}


@pytest.mark.parametrize("changed", [False, True])
def test_feature_maps_of_an_oblong_image(changed: bool) -> None:
    """The last two are of one size; padding explicitly leaves the sizes."""
    _, maps = built(SMALL, changed=changed)
    assert [net.shape.as_list()[1:] for net in maps] == [
        [20, 13, 120],
        [10, 7, 168],
        [5, 4, 136],
        [3, 2, 136],
        [3, 2, 64],
    ]


def test_scopes_of_nodes_and_edges() -> None:
    """Edges lie beside the net's scope, and separable layers alone have biases."""
    graph, _ = built(SMALL)
    names = {v.op.name for v in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)}
    top = f"FeatureExtractor/{SMALL}"
    assert {
        f"{top}/spaghetti_net/stem_node/stem/weights",
        f"{top}/spaghetti_net/n0_0/slice_2/BatchNorm/gamma",
        f"{top}/spaghetti_net/n0_0/concat/min",
        f"{top}/spaghetti_net/n3_1/expansion/weights",
        f"{top}/spaghetti_net/n5_0/pointwise/weights",
        f"{top}/edge_n4_c0n0/1x1_before_upsample/weights",
        f"{top}/edge_c0n1_c0n2/1x1_after_downsampling/weights",
        f"{top}/edge_n5_c0n4/1x1_no_resampling/weights",
    } <= names
    biased = {name.split("/")[3] for name in names if name.endswith("biases")}
    assert biased == {"n4_1", "n4_2", "n4_3", "n5_0", "n5_1", "c0n3_1", "c0n5_0", "c0n5_1"}


def test_all_layers_but_a_nodes_first_are_residual() -> None:
    """One sum for each of them, and one for each node of two inputs."""
    graph, _ = built(SMALL)
    layers = sum(len(node.layers) - 1 for node in TABLES.architectures[SMALL].values())
    merging = sum(len(wire.inputs) > 1 for wire in TABLES.wiring)
    assert len(operations(graph, "AddV2")) == layers + merging


def test_groups_share_one_quantised_range() -> None:
    """Every group of a grouped convolution is fake-quantised to 0 to 6 until it is trained."""
    graph, _ = built(SMALL)
    groups = sum(
        layer.groups
        for node in TABLES.architectures[SMALL].values()
        for layer in node.layers
        if isinstance(layer, Grouped)
    )
    assert len(operations(graph, "FakeQuantWithMinMaxVars")) == groups
    with graph.as_default(), tf.Session() as session:
        ends = [v for v in tf.global_variables() if v.op.name.endswith(("/min", "/max"))]
        session.run([v.initializer for v in ends])
        assert set(session.run(ends)) == {0.0, 6.0}


@pytest.mark.parametrize("changed", [False, True])
def test_batch_norm_is_the_networks_own(changed: bool) -> None:
    """Epsilon is 0.001 though the config has no batch norm, and training goes by the batch."""
    graph, _ = built(SMALL, changed=changed)
    norms: list[Any] = operations(graph, "FusedBatchNormV3")
    assert {round(norm.get_attr("epsilon"), 6) for norm in norms} == {0.001}
    assert {norm.get_attr("is_training") for norm in norms} == {changed}


@pytest.mark.parametrize("architecture", TABLES.architectures)
def test_tables_fit_the_wiring(architecture: str) -> None:
    """Every node is wired to earlier ones and computed, and groups divide their channels."""
    nodes = TABLES.architectures[architecture]
    channels = {STEM: 24}
    for wire in TABLES.wiring:
        assert set(wire.inputs) <= set(channels)
        node = nodes[wire.node]
        given = channels[wire.inputs[0]] if len(wire.inputs) == 1 else node.filters
        for layer in node.layers:
            assert not isinstance(layer, Grouped) or given % layer.groups == 0
            given = node.filters
        channels[wire.node] = node.filters
    assert set(nodes) == set(channels) - {STEM}
    assert set(TABLES.outputs) <= set(nodes)
