"""Two .tflite files of one model, part by part: constants, attributes, operators and wiring.

Facts only: what each of them means for a detector is said elsewhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from validation.arrays.relations import Change, Relation, is_in_order, is_same, relation
from validation.diagnosis.alignment import Pairs, align
from validation.diagnosis.constants import StoredConstant
from validation.diagnosis.dataflow import Flow, Padding, Source, read_flow
from validation.diagnosis.operators import OperatorGraph, read_operators
from validation.diagnosis.quantised_tensors import QuantisedFact, quantised_differences

# Relative distance of two attributes that is float32's rounding.
_ROUNDING = 1e-6
# Of the nodes with weights, so many have to have a counterpart: else it is another model.
_SAME_MODEL = 0.5
_COMMUTATIVE = ("ADD", "MUL", "MAXIMUM", "MINIMUM")


@dataclass(frozen=True)
class ConstantFact:
    """One constant of the first file and how the second's is made of it.

    Args:
        node: That reads it, by its position in the first file.
        place: Among what the node reads.
        shape: In the first file.
        relation: See `Relation`.
        exchanged_with: The node of the first file whose constant the second has here.
        is_absent: The second reads none here; what it should read is not all zero.
    """

    node: int
    place: int
    shape: tuple[int, ...]
    relation: Relation
    exchanged_with: int | None = None
    is_absent: bool = False


@dataclass(frozen=True)
class AttributeFact:
    """One attribute of a node that differs; ``activation`` is one of them."""

    node: int
    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class OperatorFact:
    """A node of one file alone, or of another kind in the other file.

    Args:
        first: Its position in the first file; None where only the second has it.
        second: See first.
    """

    first: int | None
    second: int | None


@dataclass(frozen=True)
class WiringFact:
    """A node, or the graph's outputs, that reads the same things in another order, or others.

    Args:
        node: By its position in the first file; None for the graph's outputs.
        first: What it reads, in the first file's numbers.
        second: See first, translated; None for what only the second has.
    """

    node: int | None
    first: tuple[Source, ...]
    second: tuple[Source | None, ...]


@dataclass(frozen=True, eq=False)
class FileDiff:
    """Two files.

    Args:
        first: That says what is right.
        second: That is compared with it.
        pairs: Nodes that are the same, by position.
        constants: Of paired nodes, all of them.
        attributes: That differ.
        operators: Without a counterpart, or of another kind.
        wiring: That differs.
        quantised: Scales and zero points that differ.
        is_one_model: Most of what has weights has a counterpart.
    """

    first: Flow
    second: Flow
    pairs: Pairs
    constants: tuple[ConstantFact, ...]
    attributes: tuple[AttributeFact, ...]
    operators: tuple[OperatorFact, ...]
    wiring: tuple[WiringFact, ...]
    quantised: tuple[QuantisedFact, ...]
    is_one_model: bool


def file_diff(first: Path | OperatorGraph, second: Path | OperatorGraph) -> FileDiff:
    """Compare two files.

    Args:
        first: That says what is right, such as a conversion made here.
        second: Any other.

    Raises:
        ArtefactMissing, ConversionError: See `read_operators`.
    """
    flows = [
        read_flow(read_operators(each) if isinstance(each, Path) else each)
        for each in (first, second)
    ]
    return _Comparison(*flows).diff()


class _Comparison:
    def __init__(self, first: Flow, second: Flow) -> None:
        self._first, self._second = first, second
        self._read: dict[tuple[int, int], StoredConstant | None] = {}
        self._same: dict[tuple[int, int], bool] = {}

    def diff(self) -> FileDiff:
        pairs = align(self._first, self._second, self._disagreements)
        operators = tuple(self._operators(pairs))
        return FileDiff(
            self._first,
            self._second,
            pairs,
            self._with_exchanges(tuple(self._constants(pairs)), pairs),
            tuple(self._attributes(pairs)),
            operators,
            tuple(self._wiring(pairs)),
            quantised_differences(self._first, self._second, pairs),
            self._is_one_model(pairs),
        )

    def _constant(self, side: int, tensor: int) -> StoredConstant | None:
        if (side, tensor) not in self._read:
            flow = (self._first, self._second)[side]
            self._read[side, tensor] = flow.constants.read(tensor)
        return self._read[side, tensor]

    def _is_same(self, ours: int, theirs: int) -> bool:
        if (ours, theirs) not in self._same:
            one, other = self._constant(0, ours), self._constant(1, theirs)
            self._same[ours, theirs] = one is not None and other is not None and is_same(one, other)
        return self._same[ours, theirs]

    def _disagreements(self, pairs: Pairs) -> float:
        """In so many places two files differ by a pairing; a node without partner counts thrice."""
        other = 0
        for one, theirs in pairs.items():
            node, counterpart = self._first.nodes[one], self._second.nodes[theirs]
            other += sum(
                place not in counterpart.weights
                or not self._is_same(tensor, counterpart.weights[place])
                for place, tensor in node.weights.items()
            )
            other += node.op != counterpart.op
        other += sum(1 for _ in self._wiring(pairs)) + sum(1 for _ in self._attributes(pairs))
        return other + 3 * sum(1 for _ in self._operators(pairs))

    def _is_one_model(self, pairs: Pairs) -> bool:
        weighted = [
            [bool(node.weights) for node in flow.nodes] for flow in (self._first, self._second)
        ]
        paired = sum(weighted[0][one] for one in pairs)
        return paired >= _SAME_MODEL * max(sum(each) for each in weighted)

    def _constants(self, pairs: Pairs) -> Iterator[ConstantFact]:
        for position in sorted(pairs):
            node, other = self._first.nodes[position], self._second.nodes[pairs[position]]
            if node.op != other.op:
                continue
            channels: Relation | None = None
            for place, tensor in node.weights.items():
                ours = self._constant(0, tensor)
                if ours is None:
                    continue
                shape = ours.real.shape
                if place not in other.weights:
                    if ours.real.any():
                        lost = Relation(Change.ZERO, differing=ours.size, size=ours.size, error=1.0)
                        yield ConstantFact(position, place, shape, lost, is_absent=True)
                    continue
                theirs = self._constant(1, other.weights[place])
                if theirs is None or theirs.size != ours.size:
                    misfit = Relation(Change.OTHER, size=ours.size, error=math.inf)
                    yield ConstantFact(position, place, shape, misfit)
                    continue
                how = relation(ours, theirs)
                if how.change is Change.ORDER:
                    channels = how
                elif channels is not None and how.change in (Change.SOME, Change.OTHER):
                    # One value among many has no order of its own; that of its channels is known.
                    moved = replace(how, change=Change.ORDER, axis=0, order=channels.order)
                    how = moved if is_in_order(ours, theirs, channels) else how
                yield ConstantFact(position, place, shape, how)

    def _with_exchanges(
        self, facts: tuple[ConstantFact, ...], paired: Pairs
    ) -> tuple[ConstantFact, ...]:
        """Constants that differ in everything may be another node's."""
        found = {(fact.node, fact.place): fact for fact in facts}
        other = [fact for fact in facts if fact.relation.change is Change.OTHER]
        # In another model's file nothing is another node's.
        if len(other) * 2 > len(facts):
            return facts
        for fact in other:
            theirs = self._second.nodes[paired[fact.node]].weights.get(fact.place)
            for node, place in found:
                tensor = self._first.nodes[node].weights[place]
                is_other = node != fact.node and theirs is not None
                if is_other and theirs is not None and self._is_same(tensor, theirs):
                    found[fact.node, fact.place] = replace(fact, exchanged_with=node)
                    break
        return tuple(found.values())

    def _attributes(self, pairs: Pairs) -> Iterator[AttributeFact]:
        for position in sorted(pairs):
            node, other = self._first.nodes[position], self._second.nodes[pairs[position]]
            if node.op != other.op:
                continue
            ours = {"activation": node.activation, **node.attributes}
            theirs = {"activation": other.activation, **other.attributes}
            for name in dict.fromkeys((*ours, *theirs)):
                values = ours.get(name), theirs.get(name)
                if name in ours and name in theirs and not _same_value(*values):
                    yield AttributeFact(position, name, *values)

    def _operators(self, pairs: Pairs) -> Iterator[OperatorFact]:
        taken = set(pairs.values())
        for position, node in enumerate(self._first.nodes):
            if position not in pairs:
                yield OperatorFact(position, None)
            elif self._second.nodes[pairs[position]].op != node.op:
                yield OperatorFact(position, pairs[position])
        for position in range(len(self._second.nodes)):
            if position not in taken:
                yield OperatorFact(None, position)

    def _wiring(self, pairs: Pairs) -> Iterator[WiringFact]:
        back = {other: one for one, other in pairs.items()}
        for position in sorted(pairs):
            node, other = self._first.nodes[position], self._second.nodes[pairs[position]]
            ours = self._known(self._first, node.sources, pairs)
            theirs = self._known(self._second, other.sources, back)
            translated = tuple(_translated(each, back) for each in theirs)
            if node.op in _COMMUTATIVE and Counter(ours) == Counter(translated):
                continue
            if ours != translated:
                yield WiringFact(position, ours, translated)
        ours = self._known(self._first, self._first.outputs, pairs)
        theirs = self._known(self._second, self._second.outputs, back)
        translated = tuple(_translated(each, back) for each in theirs)
        if ours != translated:
            yield WiringFact(None, ours, translated)

    @staticmethod
    def _known(
        flow: Flow, sources: tuple[Source, ...], known: Mapping[int, int]
    ) -> tuple[Source, ...]:
        """Through nodes without a counterpart to what they read: these are facts of their own."""
        found = []
        for source in sources:
            each = source
            while each[0] >= 0 and each[0] not in known and len(flow.nodes[each[0]].sources) == 1:
                each = flow.nodes[each[0]].sources[0]
            found.append(each)
        return tuple(found)


def _translated(source: Source, back: Mapping[int, int]) -> Source | None:
    """A value of the second file in the first's numbers; None for what only the second has."""
    position, slot = source
    if position < 0:
        return source
    return (back[position], slot) if position in back else None


def _same_value(first: Any, second: Any) -> bool:
    if isinstance(first, Padding) and isinstance(second, Padding):
        return first.is_as(second)
    if isinstance(first, float) or isinstance(second, float):
        return math.isclose(first, second, rel_tol=_ROUNDING, abs_tol=_ROUNDING)
    return bool(first == second)
