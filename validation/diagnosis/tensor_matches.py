"""Which value of a reference each layer of a file computes, by names, values and data flow.

Names agree where one converter made both sides of one graph. Another converter calls tensors by
numbers, and fuses otherwise; then a float tensor is recognised by its values on the same image,
and one that no value of the reference equals by what it is computed of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from validation.diagnosis.operators import Operator
from validation.diagnosis.reference_values import IMAGE, Flow, ReferenceValues
from validation.diagnosis.value_samples import Samples
from validation.record.first_divergence import MatchedBy

_SEPARATOR = ";"
_SCOPE = "/"


@dataclass(frozen=True)
class Match:
    """A value of the reference.

    Args:
        key: In `ReferenceValues`; `IMAGE` for the input.
        by: How it was found.
    """

    key: int
    by: MatchedBy


def match_layers(
    flow: Flow,
    samples: Samples,
    reference: ReferenceValues,
    known: Samples,
    same: float | None,
) -> dict[int, Match]:
    """The reference's value of each layer's tensor; those without one are left out.

    Args:
        flow: Of the file.
        samples: Of its layers' tensors.
        reference: What it is compared with.
        known: Samples of its values.
        same: Tensors that differ by no more than this share of their largest value are one. None
            where a file is quantised: its values are near to several, and flow goes before them.
    """
    return _Matching(flow, samples, reference, known, same).matches()


class _Matching:
    def __init__(
        self,
        flow: Flow,
        samples: Samples,
        reference: ReferenceValues,
        known: Samples,
        same: float | None,
    ) -> None:
        self._flow, self._samples, self._known, self._same = flow, samples, known, same
        self._reference = reference
        self._found: dict[int, Match] = {IMAGE: Match(IMAGE, MatchedBy.NAME)}
        self._of_shape = defaultdict(list)
        for key in reference.names:
            self._of_shape[known.shapes[key]].append(key)
        self._named = _by_node(reference.names)
        self._readers: Mapping[tuple[int, ...], list[Operator]] = _readers(reference.flow)

    def matches(self) -> dict[int, Match]:
        for layer in self._flow.layers:
            found = self._match(layer)
            if found is not None:
                self._found[layer.outputs[0]] = found
        return self._found

    def _match(self, layer: Operator) -> Match | None:
        tensor = layer.outputs[0]
        alike = self._of_shape[self._samples.shapes[tensor]]
        named = [key for key in self._names_of(tensor) if key in alike]
        flowing = [key for key in self._flowing(layer) if key in alike]
        if self._is_called_by(tensor, named):
            # Where its activation is missing, it equals another node of its own name.
            return Match(named[0], MatchedBy.NAME)
        equal = self._equal(tensor, alike)
        if equal:
            return self._first(equal, named, flowing) or Match(
                self._nearest(tensor, layer, equal), MatchedBy.VALUES
            )
        if len(flowing) == 1 or (flowing and not set(flowing) & set(named)):
            best = max(flowing, key=lambda key: self._samples.correlation(tensor, self._known, key))
            return Match(best, MatchedBy.NAME if best in named else MatchedBy.FLOW)
        return Match(named[0], MatchedBy.NAME) if named else None

    def _is_called_by(self, tensor: int, named: list[int]) -> bool:
        """The first node of its name lies in a scope, and is in the reference too."""
        first = self._flow.graph.names[tensor].partition(_SEPARATOR)[0]
        return _SCOPE in first and bool(named) and named[0] in self._named.get(first, ())

    def _equal(self, tensor: int, alike: Iterable[int]) -> list[int]:
        if self._same is None:
            return []
        return [
            key for key in alike if self._samples.distance(tensor, self._known, key) <= self._same
        ]

    @staticmethod
    def _first(equal: list[int], named: list[int], flowing: list[int]) -> Match | None:
        for keys, by in ((named, MatchedBy.NAME), (flowing, MatchedBy.FLOW)):
            for key in keys:
                if key in equal:
                    return Match(key, by)
        return None

    def _nearest(self, tensor: int, layer: Operator, equal: list[int]) -> int:
        """Of equal ones that which the same operator computes, then the closest."""

        def rank(key: int) -> tuple[bool, float]:
            other = self._layer_of(key)
            is_other = other is not None and other.op != layer.op
            return is_other, self._samples.distance(tensor, self._known, key)

        return min(equal, key=rank)

    def _layer_of(self, key: int) -> Operator | None:
        return None if self._reference.flow is None else self._reference.flow.layer(key)

    def _names_of(self, tensor: int) -> list[int]:
        """Values that are called by a node of the tensor's name, its first node first."""
        nodes = nodes_of(self._flow.graph.names[tensor])
        return list(dict.fromkeys(key for node in nodes for key in self._named.get(node, ())))

    def _flowing(self, layer: Operator) -> list[int]:
        """What the reference computes of the same values, by the same operator if there is one."""
        sources = [self._found.get(each) for each in self._flow.sources(layer)]
        if any(each is None for each in sources):
            return []
        read = tuple(sorted(each.key for each in sources if each is not None))
        readers = self._readers.get(read, [])
        same_op = [each for each in readers if each.op == layer.op]
        return [each.outputs[0] for each in same_op or readers]


def nodes_of(name: str) -> list[str]:
    """The nodes that a tensor is called after, the first one first.

    The converter makes names unique by digits at their end: what a node is called without them
    comes after it.
    """
    found = []
    for node in name.split(_SEPARATOR):
        found += [node, node.rstrip("0123456789")]
    return list(dict.fromkeys(found))


def _by_node(names: Mapping[int, str]) -> Mapping[str, list[int]]:
    """Values by each node of their names; those that are called by it first come first."""
    found: dict[str, list[int]] = defaultdict(list)
    split = {key: name.split(_SEPARATOR) for key, name in names.items()}
    for key, nodes in split.items():
        found[nodes[0]].append(key)
    for key, nodes in split.items():
        for node in nodes[1:]:
            found[node].append(key)
    return found


def _readers(flow: Flow | None) -> Mapping[tuple[int, ...], list[Operator]]:
    """Layers of a reference by what they read, in any order."""
    found: dict[tuple[int, ...], list[Operator]] = defaultdict(list)
    for layer in () if flow is None else flow.layers:
        found[tuple(sorted(flow.sources(layer)))].append(layer)  # type: ignore[union-attr]
    return found
