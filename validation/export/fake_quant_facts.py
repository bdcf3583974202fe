"""The FakeQuant nodes of an exported graph: ranges, and what has none.

Needs no TensorFlow, so that a run over cached facts does not import it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FakeQuantRange:
    """One FakeQuant node.

    Args:
        name: The node.
        op: Of the node that reads the quantised weights, empty where nothing does; or of the
            node whose output is quantised, for example Relu6 or BiasAdd.
        minimum: Lower end of the range.
        maximum: Upper end of the range.
        num_bits: Of the node.
        narrow_range: Of the node: the lowest level is left out.
    """

    name: str
    op: str
    minimum: float
    maximum: float
    num_bits: int
    narrow_range: bool


@dataclass(frozen=True)
class WeightRange(FakeQuantRange):
    """One FakeQuant node on weights, and the weights themselves.

    Args:
        layer: The node that reads the quantised weights; empty where nothing does.
        clipped_share: Share of the weights that the range cuts by more than half a step.
        channel_spans: For each output channel the extent of its weights and 0.
    """

    layer: str
    clipped_share: float
    channel_spans: tuple[float, ...]


@dataclass(frozen=True)
class ActivationRange(FakeQuantRange):
    """One FakeQuant node on what is computed from the image.

    Args:
        source: The node whose output it quantises; reshapes between them are skipped.
    """

    source: str


@dataclass(frozen=True)
class Activation:
    """One tensor that a converter to 8 bits needs a range for.

    Args:
        name: The node that makes it.
        ops: What makes it, first to last, for example Conv2D, BiasAdd, Relu6.
        ranged_by: The FakeQuant node that gives its range; None: there is none.
    """

    name: str
    ops: tuple[str, ...]
    ranged_by: str | None


@dataclass(frozen=True)
class ConcatInput:
    """One input of a concatenation.

    Args:
        source: The FakeQuant node, or the node that makes it where there is none.
        minimum: Lower end of its range; None where it has no FakeQuant node.
        maximum: Upper end of its range, None likewise.
    """

    source: str
    minimum: float | None
    maximum: float | None


@dataclass(frozen=True)
class Concatenation:
    """A concatenation of tensors that are computed from the image.

    Args:
        name: The node.
        inputs: In its order.
    """

    name: str
    inputs: tuple[ConcatInput, ...]


@dataclass(frozen=True)
class FakeQuantFacts:
    """All fake quantisation of one exported graph.

    Args:
        weights: FakeQuant nodes on weights, in graph order.
        ranges: FakeQuant nodes on activations, in graph order.
        activations: Every tensor that needs a range, in graph order.
        bare_weights: Layers whose weights have no FakeQuant node.
        concatenations: In graph order.
    """

    weights: tuple[WeightRange, ...]
    ranges: tuple[ActivationRange, ...]
    activations: tuple[Activation, ...]
    bare_weights: tuple[str, ...]
    concatenations: tuple[Concatenation, ...]


@dataclass(frozen=True)
class MeasuredRange:
    """The range of one FakeQuant node beside what it is given on some images.

    Args:
        name: The node.
        minimum: Lower end of the range.
        maximum: Upper end of the range.
        low: The least of the values, or 0, which every range has.
        high: The greatest of the values, or 0.
        values: How many there are.
        outside: How many lie outside of the range by more than half a step.
    """

    name: str
    minimum: float
    maximum: float
    low: float
    high: float
    values: int
    outside: int

    @property
    def outside_share(self) -> float:
        """Of the values."""
        return self.outside / self.values if self.values else 0.0

    @property
    def factor(self) -> float:
        """How many times as wide as its values the range is; 1 where all values are 0."""
        span = self.high - self.low
        return (self.maximum - self.minimum) / span if span else 1.0
