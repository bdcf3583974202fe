"""Lint of a fake-quant graph before it is converted: ready or not, and why.

What breaks the conversion or leaves nothing of the model fails; what only costs accuracy
warns. The policy's limits draw the line.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from validation.errors import first_few
from validation.export.fake_quant_facts import (
    ActivationRange,
    Concatenation,
    FakeQuantFacts,
    WeightRange,
)
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy
from validation.record.types import CheckResult, Measure, ModelKey

CHECK = "fake_quant_lint"
READY, NOT_READY = "ready", "not ready"

_RELU, _RELU6 = "Relu", "Relu6"
# What Relu6 clips at, and what the rewriter's ranges begin with: weights and sums at -6 to 6,
# other activations at 0 to 6 (tensorflow/contrib/quantize/python/quant_ops.py and quantize.py).
_SIX = 6
_BITS = 8

_Range = WeightRange | ActivationRange
_Node = TypeVar("_Node", WeightRange, ActivationRange, Concatenation)


@dataclass(frozen=True)
class _Finding:
    """One measured value and what is to be said where it is beyond its limit.

    Args:
        name: Of the measure.
        value: Measured.
        clause: For the reader.
        where: The nodes that it is about, worst first.
    """

    name: str
    value: float
    clause: str
    where: tuple[str, ...] = ()


def check_fake_quant(
    facts: FakeQuantFacts, policy: Policy, key: ModelKey, *, check: str = CHECK
) -> CheckResult:
    """The graph has a usable range wherever the converter to 8 bits needs one.

    Args:
        facts: See `validation.export.fake_quant_reading`.
        policy: Its limits for every measure below.
        key: Model and variant.
        check: Name in the record.
    """
    sound = [each for each in _ranges(facts) if _is_sound(each)]
    findings = (
        _unranged(facts),
        _degenerate(facts),
        _bits(facts),
        _untouched(sound),
        _zero_outside(sound),
        _beyond_activation(sound),
        _concatenations(facts.concatenations),
        _wide_weights(sound),
        _clipped_weights(sound),
        _bare_weights(facts),
    )
    limits = [policy.limit(check, found.name, key.model, key.variant) for found in findings]
    judged = [
        (found, Measure(found.name, found.value, limit))
        for found, limit in zip(findings, limits, strict=True)
    ]
    beyond = [
        (found, measure.status) for found, measure in judged if measure.status is not Status.PASS
    ]
    breaks = [found for found, status in beyond if status is Status.FAIL]
    ready = Measure(
        "ready",
        NOT_READY if breaks else READY,
        Limit("equal", READY, "nothing that breaks the conversion"),
    )
    unjudged = (
        Measure("activations", len(facts.activations)),
        Measure("activation_ranges", len(facts.ranges)),
        Measure("weight_ranges", len(facts.weights)),
    )
    ordered = [*breaks, *(found for found, status in beyond if status is not Status.FAIL)]
    return CheckResult.judged(
        check,
        key,
        (ready, *(measure for _, measure in judged), *unjudged),
        where=next((found.where[0] for found in ordered if found.where), ""),
        message="; ".join(
            f"{found.clause}: {first_few(found.where)}" if found.where else found.clause
            for found in ordered
        ),
    )


def _ranges(facts: FakeQuantFacts) -> list[_Range]:
    return [*facts.weights, *facts.ranges]


def _is_sound(node: _Range) -> bool:
    finite = math.isfinite(node.minimum) and math.isfinite(node.maximum)
    return finite and node.minimum < node.maximum


def _share(part: Sequence[object], whole: Sequence[object]) -> float:
    return len(part) / len(whole) if whole else 0.0


def _unranged(facts: FakeQuantFacts) -> _Finding:
    bare = [each for each in facts.activations if each.ranged_by is None]
    total = len(facts.activations)
    clause = f"{total - len(bare)} of {total} activations have FakeQuant ranges"
    if len(bare) == total:
        # A graph without activations is no evidence.
        clause += ": use float, or a QAT checkpoint, or `validation fakequant`"
        return _Finding("unranged_share", 1.0, clause)
    names = tuple(f"{each.name} ({' '.join(each.ops)})" for each in bare)
    return _Finding("unranged_share", _share(bare, facts.activations), f"only {clause}, not", names)


def _degenerate(facts: FakeQuantFacts) -> _Finding:
    found = [each for each in _ranges(facts) if not _is_sound(each)]
    return _Finding(
        "degenerate_ranges",
        len(found),
        f"{len(found)} ranges are empty or not finite",
        _named(found),
    )


def _bits(facts: FakeQuantFacts) -> _Finding:
    found = [each for each in _ranges(facts) if each.num_bits != _BITS]
    names = tuple(f"{each.name} ({each.num_bits} bits)" for each in found)
    return _Finding(
        "other_bit_widths", len(found), f"{len(found)} ranges are not of {_BITS} bits", names
    )


def _untouched(ranges: Sequence[_Range]) -> _Finding:
    """Exactly as initialised where training would have moved them; 0 to 6 behind Relu6 may be."""

    def initial(node: _Range) -> bool:
        bounds = (node.minimum, node.maximum)
        if isinstance(node, WeightRange):
            return bounds == (-_SIX, _SIX)
        return bounds == (-_SIX, _SIX) or (bounds == (0, _SIX) and node.op not in (_RELU, _RELU6))

    found = [each for each in ranges if initial(each)]
    return _Finding(
        "untouched_share",
        _share(found, ranges),
        f"{len(found)} of {len(ranges)} ranges are as initialised, +-6: was the "
        "model trained with quantisation",
        _named(found),
    )


def _zero_outside(ranges: Sequence[_Range]) -> _Finding:
    found = [each for each in ranges if not each.minimum <= 0 <= each.maximum]
    return _Finding(
        "zero_outside_share",
        _share(found, ranges),
        f"{len(found)} ranges leave out 0, and are moved until they have it",
        _named(found),
    )


def _beyond_activation(ranges: Iterable[_Range]) -> _Finding:
    """Range over what the activation function can give; 1 wastes nothing."""

    def excess(node: ActivationRange) -> float:
        possible = min(node.maximum, _SIX) if node.op == _RELU6 else node.maximum
        return (node.maximum - min(node.minimum, 0)) / possible if possible > 0 else math.inf

    behind = [
        each for each in ranges if isinstance(each, ActivationRange) and each.op in (_RELU, _RELU6)
    ]
    return _worst("activation_excess", behind, excess, "{} times as wide as what follows {op}")


def _concatenations(found: Iterable[Concatenation]) -> _Finding:
    """Bits that the narrowest input loses to the common scale."""

    def lost(concat: Concatenation) -> float:
        ranges = [
            (each.minimum, each.maximum)
            for each in concat.inputs
            if each.minimum is not None and each.maximum is not None
        ]
        spans = [high - low for low, high in ranges if low < high]
        if not spans:
            return 0.0
        together = max(high for _, high in ranges) - min(low for low, _ in ranges)
        return math.log2(together / min(spans))

    return _worst(
        "concat_bits_lost",
        [each for each in found if _has_finite_ranges(each)],
        lost,
        "{} bits lost to unequal ranges of what is concatenated",
    )


def _has_finite_ranges(concat: Concatenation) -> bool:
    return all(
        end is None or math.isfinite(end)
        for each in concat.inputs
        for end in (each.minimum, each.maximum)
    )


def _wide_weights(ranges: Iterable[_Range]) -> _Finding:
    """Bits that the median channel loses to the one range of all channels."""

    def lost(node: WeightRange) -> float:
        spans = [span for span in node.channel_spans if span > 0]
        if not spans:
            return 0.0
        return math.log2((node.maximum - node.minimum) / statistics.median(spans))

    return _worst(
        "weights_bits_lost",
        [each for each in ranges if isinstance(each, WeightRange)],
        lost,
        "{} bits lost in the median channel to one range for all channels",
    )


def _clipped_weights(ranges: Iterable[_Range]) -> _Finding:
    return _worst(
        "weights_clipped_share",
        [each for each in ranges if isinstance(each, WeightRange)],
        lambda node: node.clipped_share,
        "share {} of the weights lies outside of their range",
    )


def _bare_weights(facts: FakeQuantFacts) -> _Finding:
    layers = len(facts.bare_weights) + len(facts.weights)
    return _Finding(
        "bare_weights_share",
        len(facts.bare_weights) / layers if layers else 0.0,
        f"{len(facts.bare_weights)} of {layers} layers have no range for their weights",
        facts.bare_weights,
    )


def _worst(
    name: str, nodes: Sequence[_Node], value: Callable[[_Node], float], clause: str
) -> _Finding:
    if not nodes:
        return _Finding(name, 0.0, clause)
    ordered = sorted(nodes, key=value, reverse=True)
    worst = ordered[0]
    op = getattr(worst, "op", "")
    return _Finding(
        name, value(worst), clause.format(f"{value(worst):.3g}", op=op), _named(ordered[:1])
    )


def _named(nodes: Iterable[_Range | Concatenation]) -> tuple[str, ...]:
    return tuple(
        each.name
        if isinstance(each, Concatenation)
        else f"{each.name} [{each.minimum:.4g}, {each.maximum:.4g}]"
        for each in nodes
    )
