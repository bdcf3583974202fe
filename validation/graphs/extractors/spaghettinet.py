"""SpaghettiNet: a backbone and pyramid in one graph of nodes.

conv_hyperparams, depth_multiplier, min_depth and pad_to_multiple are without effect, as in the
OD API: the tables say everything.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow.compat.v1 as tf

from validation.files.structured import read_toml, register_union
from validation.graphs.extractor import ExtractorEntry, ExtractorOptions
from validation.graphs.extractors.feature_maps import explicit_padding, padded, upsample
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Ibn:
    """An inverted bottleneck.

    Args:
        expansion: Inner channels, as a multiple of the node's.
        kernel: Side of the depthwise kernel.
    """

    expansion: int
    kernel: int = 3


@dataclass(frozen=True)
class Grouped:
    """A fused inverted bottleneck whose full convolution is split into groups.

    Args:
        expansion: Inner channels, as a multiple of the input's.
        groups: Number of convolutions side by side.
    """

    expansion: int
    groups: int


@dataclass(frozen=True)
class Separable:
    """A depthwise and a 1x1 convolution.

    Args:
        kernel: Side of the depthwise kernel.
    """

    kernel: int = 3


Layer = Ibn | Grouped | Separable
register_union(Layer, "layer")


@dataclass(frozen=True)
class Wire:
    """Where a node takes its input from.

    Args:
        node: Its name.
        level: Resolution that inputs of other levels are brought to.
        stride: Of the node's first layer.
        inputs: One is passed on as it is; several are brought together.
    """

    node: str
    level: int
    stride: int
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """What a node computes.

    Args:
        filters: Output channels of every layer.
        layers: In order; all but the first add their input to their output.
    """

    filters: int
    layers: tuple[Layer, ...]


# The first convolution, of stride 2, is a node that others read.
STEM = "s0"
STEM_LEVEL, STEM_FILTERS, STEM_KERNEL = 1, 24, 5


@dataclass(frozen=True)
class Tables:
    """Three networks that share their wiring.

    Args:
        wiring: Of all nodes, each behind those that it reads.
        outputs: Nodes that are the feature maps, finest first.
        architectures: Nodes by name, by name of the network.
    """

    wiring: tuple[Wire, ...]
    outputs: tuple[str, ...]
    architectures: Mapping[str, Mapping[str, Node]]


TABLES = read_toml(Path(__file__).with_name("spaghettinet.toml"), Tables)

_HYPERPARAMS = ConvHyperparams(tf.nn.relu6, BatchNorm(0.001, 0.97, scale=True, center=True))
_SCOPE = "spaghetti_net"
# The range of grouped convolutions before it is trained: what ReLU 6 gives.
_RANGE = (0.0, 6.0)
_GROUPED_KERNEL = 3
_LEVELS = {STEM: STEM_LEVEL} | {wire.node: wire.level for wire in TABLES.wiring}


def ssd_spaghettinet(
    image: tf.Tensor, options: ExtractorOptions, *, architecture: str
) -> Sequence[tf.Tensor]:
    """Five feature maps, of strides 16, 32, 64, 128 and 128.

    Args:
        image: [batch, H, W, 3] float32, normalised.
        options: use_explicit_padding and is_training are read.
        architecture: Of the tables: spaghettinet_arch_name of the config.
    """
    explicit = options.use_explicit_padding
    nodes: dict[str, tf.Tensor] = {}
    with tf.variable_scope(architecture), _HYPERPARAMS.scope(is_training=options.is_training):
        nodes[STEM] = slim.conv2d(
            explicit_padding(image, STEM_KERNEL) if explicit else image,
            STEM_FILTERS,
            [STEM_KERNEL, STEM_KERNEL],
            stride=2,
            padding="VALID" if explicit else "SAME",
            scope=f"{_SCOPE}/stem_node/stem",
        )
        for wire in TABLES.wiring:
            node = TABLES.architectures[architecture][wire.node]
            net = _merged(nodes, wire, node.filters, explicit=explicit)
            for index, layer in enumerate(node.layers):
                scope = f"{_SCOPE}/{wire.node}_{index}"
                stride = wire.stride if index == 0 else 1
                output = _layer(net, layer, node.filters, stride, scope, explicit=explicit)
                net = output if index == 0 else output + net
            nodes[wire.node] = net
    return [nodes[name] for name in TABLES.outputs]


def _merged(nodes: dict[str, tf.Tensor], wire: Wire, filters: int, *, explicit: bool) -> tf.Tensor:
    """A node's input: its one input, or the sum of several at the node's level."""
    if len(wire.inputs) == 1:
        return nodes[wire.inputs[0]]
    edges = [_edge(nodes[name], name, wire, filters, explicit=explicit) for name in wire.inputs]
    # Upsampled maps of odd size are a row or a column too large.
    finest = min(range(len(edges)), key=lambda index: _LEVELS[wire.inputs[index]])
    height, width = edges[finest].shape[1:3].as_list()
    cropped = (
        edge if edge.shape[1:3].as_list() == [height, width] else edge[:, :height, :width, :]
        for edge in edges
    )
    return tf.nn.relu6(functools.reduce(tf.add, cropped))


def _edge(net: tf.Tensor, name: str, wire: Wire, filters: int, *, explicit: bool) -> tf.Tensor:
    """One input at the level and with the channels of the node."""
    scope = f"edge_{name}_{wire.node}"
    level = _LEVELS[name]
    if level == wire.level:
        return _linear(net, filters, scope=f"{scope}/1x1_no_resampling")
    if level > wire.level:
        net = _linear(net, filters, scope=f"{scope}/1x1_before_upsample")
        return upsample(net, 2 ** (level - wire.level))
    stride = 2 ** (wire.level - level)
    net, padding = padded(net, stride + 1, explicit=explicit)
    window, pool = [stride + 1, stride + 1], f"{scope}/maxpool_downsampling"
    pooled = slim.max_pool2d(net, window, stride=stride, padding=padding, scope=pool)
    return _linear(pooled, filters, scope=f"{scope}/1x1_after_downsampling")


def _layer(
    net: tf.Tensor, layer: Layer, filters: int, stride: int, scope: str, *, explicit: bool
) -> tf.Tensor:
    """One layer of a node, without its residual."""
    pads = explicit and stride > 1
    if isinstance(layer, Grouped):
        net = _grouped(net, layer, stride, scope, pads=pads)
        return _linear(net, filters, scope=f"{scope}/projection")
    if isinstance(layer, Ibn):
        net = slim.conv2d(net, filters * layer.expansion, [1, 1], scope=f"{scope}/expansion")
    depthwise = slim.separable_conv2d
    if isinstance(layer, Separable):
        # It has biases then.
        depthwise = functools.partial(depthwise, activation_fn=None, normalizer_fn=None)
    net = depthwise(
        explicit_padding(net, layer.kernel) if pads else net,
        None,
        [layer.kernel, layer.kernel],
        stride=stride,
        padding="VALID" if pads else "SAME",
        scope=f"{scope}/depthwise",
    )
    if isinstance(layer, Ibn):
        return _linear(net, filters, scope=f"{scope}/projection")
    return slim.conv2d(net, filters, [1, 1], scope=f"{scope}/pointwise")


def _grouped(net: tf.Tensor, layer: Grouped, stride: int, scope: str, *, pads: bool) -> tf.Tensor:
    """A convolution for each group of channels, all quantised to one range."""
    groups = tf.split(net, layer.groups, axis=-1)
    filters = int(groups[0].shape[-1]) * layer.expansion
    outputs = [
        slim.conv2d(
            explicit_padding(group, _GROUPED_KERNEL) if pads else group,
            filters,
            [_GROUPED_KERNEL, _GROUPED_KERNEL],
            stride=stride,
            padding="VALID" if pads else "SAME",
            scope=f"{scope}/slice_{index}",
        )
        for index, group in enumerate(groups)
    ]
    with tf.variable_scope(f"{scope}/concat"):
        bounds = [
            tf.get_variable(name, [], initializer=tf.constant_initializer(value), trainable=False)
            for name, value in zip(("min", "max"), _RANGE, strict=True)
        ]
        # A concatenation of unequal ranges would have to requantise. The checkpoint has the
        # range, so that the float model of the OD API is fake-quantised here as well.
        return tf.concat([tf.fake_quant_with_min_max_vars(out, *bounds) for out in outputs], -1)


def _linear(net: tf.Tensor, filters: int, *, scope: str) -> tf.Tensor:
    """1x1 convolution and batch norm."""
    # The identity is where quantisation-aware training puts the range of the output.
    return slim.conv2d(net, filters, [1, 1], activation_fn=tf.identity, scope=scope)


# By spaghettinet_arch_name: the type ssd_spaghettinet alone does not tell the network.
ENTRIES: dict[str, ExtractorEntry] = {
    architecture: ExtractorEntry(functools.partial(ssd_spaghettinet, architecture=architecture))
    for architecture in TABLES.architectures
}
