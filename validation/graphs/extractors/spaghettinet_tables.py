"""SpaghettiNet as tables: ``spaghettinet.toml``, and what its rows mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.files.structured import read_toml, register_union


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
