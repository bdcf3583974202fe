"""Which node of one file is which of another's, by names, or by content and flow of data.

Names are the converter's, and lost or given anew by other tools. Without them constants that are
alike are anchors, and nodes between anchors are found along the flow of data, from both ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.counterparts import counterparts
from validation.diagnosis.dataflow import Flow, Node

Pairs = dict[int, int]
"""Position of a node of the first file, and of the second's."""

_Key = Callable[[Node], Hashable]
# Of a constant these many values tell it from others.
_SAMPLED = 4096
_TINY = 1e-30
# Correlation of constants that are one: 8 bits, and even 4, keep more.
_ALIKE = 0.97


def align(first: Flow, second: Flow, disagreements: Callable[[Pairs], float]) -> Pairs:
    """The pairing by which two files differ least; names decide between equal ones.

    Args:
        first: A file.
        second: Another of the same model.
        disagreements: In so many places the files differ, if these are the pairs.
    """
    return min((by_names(first, second), by_flow(first, second)), key=disagreements)


def by_names(first: Flow, second: Flow) -> Pairs:
    """By TensorFlow's names of what they write, and for the rest by the flow of data."""
    shapes = [dict(enumerate(_shapes(flow))) for flow in (first, second)]
    tensors = counterparts(first.graph, second.graph, *shapes)
    written = {
        tensor: position
        for position, node in enumerate(second.nodes)
        for tensor in node.operator.outputs
    }
    pairs = {
        position: written[other]
        for position, node in enumerate(first.nodes)
        if (other := tensors.get(node.operator.outputs[0])) in written
        and second.nodes[written[other]].op == node.op
        and _share_a_name(first, node, second, second.nodes[written[other]])
    }
    return _along_the_flow(first, second, pairs)


def by_flow(first: Flow, second: Flow) -> Pairs:
    """By the content of constants, and from these along the flow of data."""
    return _along_the_flow(first, second, _by_content(first, second))


def _share_a_name(first: Flow, node: Node, second: Flow, other: Node) -> bool:
    ours, theirs = (
        set(flow.graph.names[each.operator.outputs[0]].split(";")) - {""}
        for flow, each in ((first, node), (second, other))
    )
    return bool(ours & theirs)


def _shapes(flow: Flow) -> Iterator[tuple[int, ...]]:
    for tensor in flow.graph.model.graph.tensors:
        yield () if tensor.shape is None else tuple(int(side) for side in tensor.shape)


def _kind(node: Node) -> Hashable:
    return node.op


def _signature(flow: Flow, *, with_shape: bool = True) -> _Key:
    """Kind, size of what it writes, and how many numbers it reads."""

    def key(node: Node) -> Hashable:
        sizes = tuple(
            int(np.prod(flow.graph.model.graph.tensors[tensor].shape, dtype=np.int64))
            for tensor in node.weights.values()
            if flow.graph.model.graph.tensors[tensor].shape is not None
        )
        return node.op, node.shape if with_shape else (), sizes[:1]

    return key


def _by_content(first: Flow, second: Flow) -> Pairs:
    """Nodes of one kind whose first constants are most alike, each to the other."""
    groups: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, flow in enumerate((first, second)):
        # A stride that differs changes the size of all that follows.
        key = _signature(flow, with_shape=False)
        for position, node in enumerate(flow.nodes):
            if node.weights:
                groups[key(node)][side].append(position)
    pairs: Pairs = {}
    for ours, theirs in groups.values():
        if not ours or not theirs:
            continue
        sides = [_prints(first, ours), _prints(second, theirs)]
        width = max(len(row) for side in sides for row in side)
        prints = [np.stack([np.resize(row, width) for row in side]) for side in sides]
        lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in prints]
        units = [each / np.maximum(size, _TINY) for each, size in zip(prints, lengths, strict=True)]
        alike = units[0] @ units[1].T
        for row, position in enumerate(ours):
            column = int(alike[row].argmax())
            is_mutual = int(alike[:, column].argmax()) == row
            # What several files of equal weights have is distinguished by the flow alone.
            is_alone = np.count_nonzero(alike[row] > 1 - 1e-6) <= 1
            if is_mutual and is_alone and alike[row, column] > _ALIKE:
                pairs[position] = theirs[column]
    return pairs


def _prints(flow: Flow, positions: Sequence[int]) -> list[NDArray[np.float64]]:
    """Some values of each node's first constant."""
    rows = []
    for position in positions:
        tensor = next(iter(flow.nodes[position].weights.values()))
        constant = flow.constants.read(tensor)
        values = np.zeros(1) if constant is None or not constant.size else constant.real.ravel()
        values = values[:: max(1, values.size // _SAMPLED)]
        rows.append(values if np.isfinite(values).all() else np.zeros(1))
    return rows


def _along_the_flow(first: Flow, second: Flow, pairs: Pairs) -> Pairs:
    """With what can only be paired with each other, given the pairs that there are."""
    found = _Found(first, second, pairs)
    strict, loose = (_signature(first), _signature(second)), (_kind, _kind)
    while (
        found.grow(*strict)
        or found.grow(*loose)
        or found.exchanged()
        or found.in_order(*strict)
        or found.in_order(*loose)
    ):
        pass
    return found.pairs


class _Found:
    def __init__(self, first: Flow, second: Flow, pairs: Pairs) -> None:
        self.pairs = dict(pairs)
        self._taken = set(pairs.values())
        self._first, self._second = first, second
        self._readers = first.readers(), second.readers()

    def grow(self, ours: _Key, theirs: _Key) -> bool:
        """Pair neighbours of paired nodes; True where there was something to pair."""
        before = len(self.pairs)
        self._alone(range(len(self._first.nodes)), range(len(self._second.nodes)), ours, theirs, 1)
        inputs = min(len(self._first.graph.inputs), len(self._second.graph.inputs))
        ends = {-1 - place: -1 - place for place in range(inputs)}
        for one, other in [*ends.items(), *self.pairs.items()]:
            self._alone(
                self._readers[0].get(one, ()), self._readers[1].get(other, ()), ours, theirs
            )
            if one >= 0:
                self._sources(one, other, ours, theirs)
        return len(self.pairs) > before

    def exchanged(self) -> bool:
        """Pair one node with a node of another kind in exactly the same place."""
        places: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for position, node in self._left():
            around = self._around(node, position, self._readers[0], self.pairs)
            places[around][0].append(position)
        known = {other: other for other in self._taken}
        for position, node in self._right():
            around = self._around(node, position, self._readers[1], known)
            places[around][1].append(position)
        before = len(self.pairs)
        for around, (ours, theirs) in places.items():
            if around is not None and len(ours) == len(theirs) == 1:
                self._pair(ours[0], theirs[0])
        return len(self.pairs) > before

    def in_order(self, ours: _Key, theirs: _Key) -> bool:
        """Pair in the order of execution what there are as many left of in both files."""
        groups: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for position, node in self._left():
            groups[ours(node)][0].append(position)
        for position, node in self._right():
            groups[theirs(node)][1].append(position)
        for one, other in groups.values():
            if one and len(one) == len(other):
                self._pair(one[0], other[0])
                return True
        return False

    def _left(self) -> list[tuple[int, Node]]:
        return [each for each in enumerate(self._first.nodes) if each[0] not in self.pairs]

    def _right(self) -> list[tuple[int, Node]]:
        return [each for each in enumerate(self._second.nodes) if each[0] not in self._taken]

    def _pair(self, one: int, other: int) -> None:
        self.pairs[one] = other
        self._taken.add(other)

    def _alone(
        self,
        left: Iterable[int],
        right: Iterable[int],
        ours: _Key,
        theirs: _Key,
        at_least: int = 1,
    ) -> None:
        """Pair what is the only one of its kind on both sides."""
        groups: dict[Hashable, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for position in left:
            if position not in self.pairs:
                groups[ours(self._first.nodes[position])][0].append(position)
        for position in right:
            if position not in self._taken:
                groups[theirs(self._second.nodes[position])][1].append(position)
        for one, other in groups.values():
            if len(one) == len(other) == at_least:
                self._pair(one[0], other[0])

    def _sources(self, one: int, other: int, ours: _Key, theirs: _Key) -> None:
        """Pair what two paired nodes read: by what it is, and by its place where that fits."""
        left, right = (
            [source for source, _ in flow.nodes[position].sources if source >= 0]
            for flow, position in ((self._first, one), (self._second, other))
        )
        self._alone(dict.fromkeys(left), dict.fromkeys(right), ours, theirs)

    @staticmethod
    def _around(
        node: Node, position: int, readers: dict[int, tuple[int, ...]], known: Pairs
    ) -> Hashable:
        """What it reads and what reads it, as nodes of the second file; None where not known."""
        sources = [each if each < 0 else known.get(each) for each, _ in node.sources]
        after = [known.get(each) for each in readers.get(position, ())]
        if None in sources or None in after or not after:
            return None
        return tuple(sources), tuple(sorted(each for each in after if each is not None))
