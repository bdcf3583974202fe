"""Which tensor of the float file holds the value of a tensor of the quantised file.

The converter names a tensor after the TensorFlow nodes that it replaces, the last one
first, joined by semicolons: ``scope/Relu6;scope/BiasAdd;scope/Conv2D``. Both files come
from one graph, but what was fused differs, so names agree in part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from validation.diagnosis.operators import Operator, OperatorGraph

# They change how a value is stored, not the value itself.
STORAGE_OPS = ("QUANTIZE", "DEQUANTIZE")

_SEPARATOR = ";"


@dataclass(frozen=True)
class _Value:
    """What one operator computes.

    Args:
        tensor: Index of the tensor.
        op: TFLite's name of the operator.
        shape: Of the tensor, without dimensions of one: what is squeezed is the same value.
        position: Among the values of its file, in the order of execution.
        names: TensorFlow nodes, the one that the value is called by first.
    """

    tensor: int
    op: str
    shape: tuple[int, ...]
    position: int
    names: tuple[str, ...]

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of the nodes."""
        return frozenset(name.rpartition("/")[0] for name in self.names) - {""}


def counterparts(
    quantised: OperatorGraph,
    float_graph: OperatorGraph,
    quantised_shapes: Mapping[int, tuple[int, ...]],
    float_shapes: Mapping[int, tuple[int, ...]],
) -> dict[int, int]:
    """For each tensor of the quantised file, by index, that of the float file.

    Inputs are taken by their order. A computed tensor is paired with one of the same shape
    by the nodes that both names hold, then by the scopes of these nodes if the operator is
    the same; each at most once, the most similar first. What is left is paired in the order of
    execution, where both files have as many of one operator and shape left. Tensors that
    are only stored in another form share the counterpart of their source.

    Args:
        quantised: The quantised file.
        float_graph: The float file.
        quantised_shapes: By tensor index.
        float_shapes: By tensor index.
    """
    left = _values(quantised, quantised_shapes)
    right = _values(float_graph, float_shapes)
    pairs = _by_name(left, right)
    taken = set(pairs.values())
    pairs |= _by_order(
        [each for each in left if each.tensor not in pairs],
        [each for each in right if each.tensor not in taken],
    )
    pairs |= dict(zip(quantised.inputs, float_graph.inputs, strict=False))
    for operator in quantised.operators:
        if operator.op in STORAGE_OPS and operator.inputs[0] in pairs:
            pairs |= dict.fromkeys(operator.outputs, pairs[operator.inputs[0]])
    return pairs


def _values(graph: OperatorGraph, shapes: Mapping[int, tuple[int, ...]]) -> list[_Value]:
    computing = [each for each in graph.moving if is_computing(each)]
    return [
        _Value(
            tensor,
            operator.op,
            tuple(side for side in shapes[tensor] if side != 1),
            position,
            tuple(graph.names[tensor].split(_SEPARATOR)),
        )
        for position, operator in enumerate(computing)
        for tensor in operator.outputs
    ]


def is_computing(operator: Operator) -> bool:
    """False for what only stores a value in another form, and for custom ops."""
    return operator.op not in STORAGE_OPS and not operator.is_custom


def _by_name(left: Sequence[_Value], right: Sequence[_Value]) -> dict[int, int]:
    scored = [
        (score, -abs(one.position - other.position), one.tensor, other.tensor)
        for one in left
        for other in right
        if one.shape == other.shape and any(score := _similarity(one, other))
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, tensor, other in sorted(scored, reverse=True):
        if tensor not in pairs and other not in taken:
            pairs[tensor] = other
            taken.add(other)
    return pairs


def _similarity(one: _Value, other: _Value) -> tuple[int, int, int, int]:
    """Same name, name but for the converter's number, nodes shared, scopes shared."""
    same = int(one.names[0] == other.names[0])
    numbered = int(_same_but_number(one.names[0], other.names[0]))
    nodes = len(set(one.names) & set(other.names))
    scopes = len(one.scopes & other.scopes) if one.op == other.op else 0
    return same, numbered, nodes, scopes


def _same_but_number(one: str, other: str) -> bool:
    """The converter makes names unique by digits at their end."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and long[len(short) :].isdecimal()


def _by_order(left: Iterable[_Value], right: Iterable[_Value]) -> dict[int, int]:
    rows: dict[tuple[str, tuple[int, ...]], tuple[list[int], list[int]]] = defaultdict(
        lambda: ([], [])
    )
    for side, values in enumerate((left, right)):
        for value in values:
            rows[value.op, value.shape][side].append(value.tensor)
    return {
        tensor: other
        for ours, theirs in rows.values()
        if len(ours) == len(theirs)
        for tensor, other in zip(ours, theirs, strict=True)
    }
