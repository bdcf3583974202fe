"""A fault that was found in a file, before it is known whose file it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from validation.diagnosis.dataflow import Source
from validation.diagnosis.file_diff import ConstantFact, FileDiff
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place

# Places of what a convolution reads.
KERNEL, BIAS = 1, 2
KERNELS = {"CONV_2D": "kernel", "DEPTHWISE_CONV_2D": "kernel", "FULLY_CONNECTED": "weights"}
OUTPUTS, INPUTS = "output channels", "input channels"
_AXES = {
    "CONV_2D": (OUTPUTS, "height", "width", INPUTS),
    "DEPTHWISE_CONV_2D": ("", "height", "width", OUTPUTS),
    "FULLY_CONNECTED": (OUTPUTS, INPUTS),
}
_FEW = 3


def axis_name(op: str, axis: int | None) -> str:
    """What lies along an axis of a kernel."""
    names = _AXES.get(op, ())
    return names[axis] if axis is not None and axis < len(names) else f"axis {axis}"


def found_fault(
    fault: FaultKind,
    where: str,
    *,
    expected: Any = None,
    got: Any = None,
    count: int = 1,
    ties: tuple[FaultKind, ...] = (),
    place: Place = Place.FILE,
) -> Diagnosis:
    """A diagnosis of no subject yet; arguments as its fields."""
    by = DiagnosedBy.FILE_DIFF
    return Diagnosis("", "", fault, place, by, where, expected, got, count, ties=ties)


def grouped(found: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """What was done in several places once, with their number."""
    every = list(found)
    first: dict[str, Diagnosis] = {}
    for each in every:
        key = repr((each.fault, each.expected, each.got, each.ties))
        # What says only where it lies is another fault at each place, while these are few.
        alike = sum(each.fault is other.fault for other in every)
        if each.expected is None and each.got is None and alike <= _FEW:
            key += each.where
        known = first.get(key)
        first[key] = (
            each if known is None else dataclasses.replace(known, count=known.count + each.count)
        )
    return tuple(first.values())


class Named:
    """What nodes are called: by the first file's names, which are the ones that are known."""

    def __init__(self, diff: FileDiff) -> None:
        self._diff = diff

    def op(self, node: int) -> str:
        """TFLite's name of a node's operator."""
        return self._diff.first.nodes[node].op

    def node(self, node: int) -> str:
        """A node of the first file, or an input."""
        return "the input" if node < 0 else self._diff.first.nodes[node].name

    def constant(self, fact: ConstantFact) -> str:
        """``kernel of FeatureExtractor/Conv2d_0``."""
        op = self.op(fact.node)
        name = KERNELS.get(op, "constant")
        if op in KERNELS and fact.place == BIAS:
            name = "bias"
        return f"{name} of {self.node(fact.node)}"

    def of_second(self, node: int) -> str:
        """A node that only the second file has, by what it reads."""
        name = self._diff.second.nodes[node].name
        back = {other: one for one, other in self._diff.pairs.items()}
        sources = [each for each, _ in self._diff.second.nodes[node].sources]
        before = [self.node(back.get(each, each)) for each in sources if each < 0 or each in back]
        return f"after {before[0]}" if before else name

    def source(self, source: Source | None) -> str:
        """What a node reads."""
        return "another value" if source is None else self.node(source[0])
