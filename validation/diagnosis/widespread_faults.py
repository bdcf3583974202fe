"""Faults that most constants of a file have in common: said once, not for each layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from validation.arrays.relations import Change
from validation.diagnosis.file_diff import ConstantFact
from validation.diagnosis.found_fault import KERNEL, OUTPUTS, Named, axis_name, found_fault
from validation.record.diagnosis import Diagnosis, FaultKind
from validation.record.formatting import plural

# More of a file's constants that differ in everything are those of another training.
_MOST = 0.5
_FEW = 4
# Distance of values, as a share of their size, that coarse rounding explains.
_NEAR = 0.05
# Rounding of a factor that is none.
_ONE = 1e-3


def is_rounded(fact: ConstantFact, *, all_are: bool) -> bool:
    """Few values show no step; among others that are rounded they are too."""
    relation = fact.relation
    is_near = relation.change in (Change.SOME, Change.OTHER) and relation.error < _NEAR
    return relation.change is Change.ROUNDED or (all_are and is_near)


def rounding_faults(facts: Sequence[ConstantFact], namer: Named, total: int) -> Iterator[Diagnosis]:
    """What was rounded, once with the number of bits."""
    found = [fact.relation.rounding for fact in facts if fact.relation.rounding is not None]
    if not found:
        return
    where = f"{len(facts)} of {plural(total, 'constant')}, first {namer.constant(facts[0])}"
    bits = sorted({each.bits for each in found})
    words = {each.words for each in found}
    got = f"{bits[0]} bits" if len(bits) == 1 else f"{bits[0]} to {bits[-1]} bits"
    got = words.pop() if len(words) == 1 else got
    yield found_fault(FaultKind.WEIGHTS_ROUNDED, where, got=got)


def fault_of_all(
    facts: Sequence[ConstantFact], every: Sequence[ConstantFact], namer: Named
) -> Diagnosis | None:
    """One fault that most constants have; None where they have none in common."""
    kernels = [fact for fact in facts if fact.place == KERNEL]
    all_kernels = sum(fact.place == KERNEL for fact in every)
    scaled = [fact for fact in kernels if _scales_outputs(fact, namer)]
    factors = [each - 1 for fact in scaled for each in fact.relation.values]
    is_one_sided = min(factors, default=0.0) > -_ONE or max(factors, default=0.0) < _ONE
    if len(scaled) > _MOST * all_kernels and len(scaled) > 1 and is_one_sided:
        where = f"{len(scaled)} of {all_kernels} kernels have a factor for each output channel"
        return found_fault(FaultKind.EPSILON, where, ties=(FaultKind.WEIGHTS_FACTOR,))
    other = [fact for fact in kernels if fact.relation.change is Change.OTHER]
    if len(other) > _MOST * all_kernels and len(other) > 1:
        where = f"{len(other)} of {all_kernels} kernels, first {namer.constant(other[0])}"
        return found_fault(FaultKind.WEIGHTS, where, ties=(FaultKind.MOVING_AVERAGES,))
    return None


def _scales_outputs(fact: ConstantFact, namer: Named) -> bool:
    relation = fact.relation
    if relation.change is not Change.CHANNEL_FACTORS or relation.axis is None:
        return False
    changed = sum(abs(each - 1) > _ONE for each in relation.values)
    return axis_name(namer.op(fact.node), relation.axis) == OUTPUTS and changed > _FEW
