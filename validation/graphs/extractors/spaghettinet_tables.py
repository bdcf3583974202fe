"""SpaghettiNet for Edge TPU, small, medium and large, as tables.

Source: the OD API's spaghettinet_edgetpu_s, _m and _l. The three share their wiring and differ
in what their nodes compute.
"""

from __future__ import annotations

from dataclasses import dataclass


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


STEM = "s0"
STEM_LEVEL, STEM_FILTERS, STEM_KERNEL = 1, 24, 5

WIRING = (
    Wire("n0", 2, 2, (STEM,)),
    Wire("n1", 3, 2, ("n0",)),
    Wire("n2", 4, 2, ("n1",)),
    Wire("n3", 5, 2, ("n2",)),
    Wire("n4", 6, 2, ("n3",)),
    Wire("n5", 7, 2, ("n4",)),
    Wire("c0n0", 5, 1, ("n3", "n4")),
    Wire("c0n1", 4, 1, ("n2", "c0n0")),
    Wire("c0n2", 5, 1, ("c0n1", "c0n0")),
    Wire("c0n3", 6, 1, ("n5", "c0n0")),
    Wire("c0n4", 7, 1, ("n5", "c0n0")),
    # Of stride 1 all the same: the last two feature maps are of one size.
    Wire("c0n5", 8, 1, ("c0n4",)),
)
OUTPUTS = ("c0n1", "c0n2", "c0n3", "c0n4", "c0n5")

ARCHITECTURES: dict[str, dict[str, Node]] = {
    "spaghettinet_edgetpu_s": {
        "n0": Node(48, (Grouped(8, 3),)),
        "n1": Node(64, (Grouped(4, 4), Grouped(4, 4), Grouped(4, 4))),
        "n2": Node(72, (Ibn(8), Grouped(8, 4), Ibn(8), Ibn(4))),
        "n3": Node(88, (Ibn(8), Ibn(8), Ibn(4), Ibn(4))),
        "n4": Node(88, (Ibn(8), Separable(5), Separable(5), Separable(5))),
        "n5": Node(88, (Separable(5), Separable(3))),
        "c0n0": Node(144, (Ibn(4), Ibn(4), Ibn(4), Ibn(4))),
        "c0n1": Node(120, (Ibn(8), Ibn(4), Ibn(4), Ibn(4))),
        "c0n2": Node(168, (Ibn(4),)),
        "c0n3": Node(136, (Ibn(4), Separable(3))),
        "c0n4": Node(136, (Ibn(4),)),
        "c0n5": Node(64, (Separable(3), Separable(3))),
    },
    "spaghettinet_edgetpu_m": {
        "n0": Node(48, (Grouped(8, 3),)),
        "n1": Node(64, (Grouped(8, 4), Grouped(4, 4), Grouped(4, 4), Grouped(4, 4))),
        "n2": Node(72, (Ibn(8), Grouped(8, 4), Ibn(8), Ibn(8))),
        "n3": Node(96, (Ibn(8), Ibn(8), Ibn(8), Ibn(4))),
        "n4": Node(104, (Ibn(8), Ibn(4), Separable(5), Ibn(4))),
        "n5": Node(56, (Separable(5), Separable(3))),
        "c0n0": Node(152, (Ibn(8), Ibn(4), Ibn(4), Ibn(4))),
        "c0n1": Node(120, (Ibn(8), Ibn(4), Ibn(4), Ibn(4))),
        "c0n2": Node(168, (Ibn(4), Separable(3))),
        "c0n3": Node(136, (Separable(3), Separable(3), Separable(3))),
        "c0n4": Node(136, (Ibn(4), Separable(5))),
        "c0n5": Node(64, (Separable(3), Separable(3))),
    },
    "spaghettinet_edgetpu_l": {
        "n0": Node(48, (Grouped(8, 3),)),
        "n1": Node(64, (Grouped(8, 4), Grouped(8, 4), Grouped(8, 4), Grouped(4, 4))),
        "n2": Node(80, (Ibn(8), Ibn(8), Ibn(8), Ibn(4))),
        "n3": Node(104, (Ibn(8), Ibn(8), Ibn(8), Ibn(8))),
        "n4": Node(88, (Ibn(8), Ibn(4, kernel=5), Ibn(4), Ibn(8))),
        "n5": Node(56, (Ibn(4, kernel=5), Separable(5))),
        "c0n0": Node(160, (Ibn(8), Ibn(4), Ibn(4), Ibn(4))),
        "c0n1": Node(120, (Ibn(8), Ibn(4), Ibn(4), Ibn(8))),
        "c0n2": Node(168, (Ibn(4), Ibn(4), Ibn(4), Ibn(4))),
        "c0n3": Node(112, (Ibn(8), Ibn(4), Separable(3))),
        "c0n4": Node(128, (Ibn(4), Ibn(4))),
        "c0n5": Node(64, (Separable(5), Separable(5))),
    },
}
