"""Scales and zero points of computed tensors: other than in another file, or at odds in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from validation.diagnosis.dataflow import Flow, Node
from validation.specs.tensors import TensorSpec
from validation.tflite.model import tensor_spec

# Relative distance of two scales that is float32's rounding of their products.
_ROUNDING = 1e-4
# LiteRT itself takes a bias whose scale is off by less.
_AT_ODDS = 0.02
_INPUT, _WEIGHTS, _BIAS = range(3)
_FROM_ZERO = ("RELU", "RELU6")
# A file says by the others of its tensors where ReLUs begin.
# Whole numbers that NumPy does not have.
_NO_BYTES = ("int4", "int2", "uint4")
_LEAST_OTHERS, _MOST_ODD = 8, 0.1
_MOST_TRAINED, _MOST_CALIBRATED = 0.5, 0.06


@dataclass(frozen=True)
class QuantisedFact:
    """Scale and zero point of a computed tensor that are other than they should be.

    Args:
        node: That writes it, by its position in the first file; of inputs -1, -2, ...
        second: In the second file.
        first: In the first file; None where the second contradicts itself.
        reader: That says so by its own constants; None where the first file does.
        implied: The scale by which the second file's own constants were made; None where the
            zero point is at odds.
    """

    node: int
    second: TensorSpec
    first: TensorSpec | None = None
    reader: int | None = None
    implied: float | None = None


def quantised_differences(
    first: Flow, second: Flow, pairs: Mapping[int, int]
) -> tuple[QuantisedFact, ...]:
    """What two files quantise otherwise, and where the second contradicts itself.

    Args:
        first: A file.
        second: Another of the same model.
        pairs: Their nodes.
    """
    apart, alike = [], 0
    ends = zip(first.graph.inputs, second.graph.inputs, strict=False)
    values = [
        *((-1 - place, *tensors) for place, tensors in enumerate(ends)),
        *(
            (one, _written(first.nodes[one]), _written(second.nodes[other]))
            for one, other in sorted(pairs.items())
        ),
    ]
    for node, ours, theirs in values:
        one, other = _spec(first, ours), _spec(second, theirs)
        if one.scale is None or other.scale is None:
            continue
        if _is_alike(one, other):
            alike += 1
        else:
            apart.append(QuantisedFact(node, other, one))
    found = apart if len(apart) <= _most_odd(second) * (len(apart) + alike) else []
    known = {fact.node for fact in found}
    back = {other: one for one, other in pairs.items()}
    odd = (*_odd_scales(second, back), *_odd_zero_points(second, back))
    return (*found, *(each for each in odd if each.node not in known))


def _most_odd(second: Flow) -> float:
    """The share of tensors up to which another scale is a fault, and beyond another calibration.

    uint8 has the ranges that the graph was trained with; of a calibrated file many may be equal by
    a ReLU6 alone.
    """
    kinds = {_spec(second, _written(node)).dtype for node in second.nodes}
    return _MOST_TRAINED if "uint8" in kinds else _MOST_CALIBRATED


def _odd_scales(second: Flow, back: Mapping[int, int]) -> Iterator[QuantisedFact]:
    """A bias is kept in steps of the input's scale times the weights'."""
    seen = set()
    for position, node in enumerate(second.nodes):
        inputs = node.operator.inputs
        if position not in back or len(inputs) <= _BIAS or not {_WEIGHTS, _BIAS} <= {*node.weights}:
            continue
        image = _spec(second, inputs[_INPUT])
        weights, bias = (_scales(second, inputs[each]) for each in (_WEIGHTS, _BIAS))
        if image.scale is None or not len(weights) or len(bias) != len(weights):
            continue
        with np.errstate(all="ignore"):
            implied = bias / weights
        middle = float(np.median(implied))
        is_one = np.isfinite(middle) and (np.abs(implied - middle) <= _AT_ODDS * middle).all()
        source = node.sources[0][0] if node.sources else None
        if not is_one or source is None or abs(middle - image.scale) <= _AT_ODDS * middle:
            continue
        source = source if source < 0 else back.get(source)
        if source is not None and source not in seen:
            seen.add(source)
            yield QuantisedFact(source, image, reader=back[position], implied=middle)


def _odd_zero_points(second: Flow, back: Mapping[int, int]) -> Iterator[QuantisedFact]:
    """What follows a ReLU begins at 0, which is the lowest of its whole numbers."""
    specs = [
        (position, _spec(second, _written(node)))
        for position, node in enumerate(second.nodes)
        if node.activation in _FROM_ZERO
    ]
    kept = [each for each in specs if each[1].scale is not None]
    odd = [each for each in kept if each[1].zero_point != _lowest(each[1])]
    if len(kept) < _LEAST_OTHERS or len(odd) > _MOST_ODD * len(kept):
        return
    for position, spec in odd:
        if position in back:
            yield QuantisedFact(back[position], spec)


def _written(node: Node) -> int:
    return node.operator.outputs[0]


def _spec(flow: Flow, tensor: int) -> TensorSpec:
    return tensor_spec(flow.graph.model.graph.tensors[tensor])


def _scales(flow: Flow, tensor: int) -> Any:
    quantisation = flow.graph.model.graph.tensors[tensor].quantization
    scale = None if quantisation is None else quantisation.scale
    return np.zeros(0) if scale is None else np.asarray(scale, np.float64)


def _lowest(spec: TensorSpec) -> int:
    is_whole = spec.dtype.startswith(("int", "uint"))
    return int(np.iinfo(spec.dtype).min) if is_whole and spec.dtype not in _NO_BYTES else 0


def _is_alike(first: TensorSpec, second: TensorSpec) -> bool:
    """int8 with zero point -128 means what uint8 with 0 does."""
    one, other = float(first.scale or 0), float(second.scale or 0)
    zeros = [int(each.zero_point or 0) - _lowest(each) for each in (first, second)]
    return abs(one - other) <= _ROUNDING * abs(one) and zeros[0] == zeros[1]
