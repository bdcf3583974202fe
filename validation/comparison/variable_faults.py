"""What a variable that two files state otherwise means: its fault, and in words how it differs."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from validation.arrays.relations import Change, Relation, relation
from validation.arrays.stored_numbers import stored_floats
from validation.errors import first_few
from validation.record.diagnosis import FaultKind
from validation.record.formatting import number

_FEW = 4


class VariableFault(NamedTuple):
    """What was done to a variable.

    Args:
        fault: Its kind.
        words: What exactly; empty where the values say it.
        expected: See `Diagnosis`.
        got: See `Diagnosis`.
    """

    fault: FaultKind
    words: str = ""
    expected: Any = None
    got: Any = None


def variable_fault(expected: NDArray[Any], got: NDArray[Any], rounding: float) -> VariableFault:
    """How one array became another that is not the same.

    Args:
        expected: Finite, of any shape.
        got: Alike.
        rounding: Share of a value that is no difference.
    """
    if expected.shape != got.shape:
        words = f"{list(got.shape)} instead of {list(expected.shape)}"
        return VariableFault(FaultKind.WEIGHTS, words)
    found = relation(stored_floats(expected), stored_floats(got), rounding)
    if found.change in (Change.REVERSED, Change.ORDER, Change.AXES, Change.SHUFFLED):
        return VariableFault(FaultKind.WEIGHTS_PERMUTED, got=_moved(found))
    if found.change is Change.FACTOR:
        return VariableFault(FaultKind.WEIGHTS_FACTOR, "", 1.0, found.values[0])
    if found.change is Change.ROUNDED and found.rounding is not None:
        return VariableFault(FaultKind.WEIGHTS_ROUNDED, got=found.rounding.words)
    if found.change is Change.CHANNEL_FACTORS:
        return _of_channels(found)
    return VariableFault(FaultKind.WEIGHTS, _values(found), found.expected, found.got)


def _moved(found: Relation) -> str:
    if found.change is Change.REVERSED:
        return f"axis {found.axis} reversed"
    if found.change is Change.AXES:
        return f"axes {found.axis} and {found.other_axis} exchanged"
    if found.change is Change.SHUFFLED:
        return "the same values in other places"
    moved = [f"{at} from {each}" for at, each in enumerate(found.order) if at != each]
    return f"axis {found.axis} in another order: {first_few(moved, _FEW)}"


def _of_channels(found: Relation) -> VariableFault:
    changed = [(at, each) for at, each in enumerate(found.values) if each != 1]
    places = first_few([str(at) for at, _ in changed], _FEW)
    where = f"{len(changed)} of {len(found.values)} channels, axis {found.axis} at {places}"
    factors = sorted({float(f"{each:.4g}") for _, each in changed})
    if factors == [0.0]:
        return VariableFault(FaultKind.WEIGHTS, f"{where} are 0", found.expected, found.got)
    got: Any = factors[0] if len(factors) == 1 else [factors[0], factors[-1]]
    if isinstance(got, list):
        got = " to ".join(map(number, got))
    return VariableFault(FaultKind.WEIGHTS_FACTOR, where, 1.0, got)


def _values(found: Relation) -> str:
    """How many differ, and by how much."""
    if found.change is Change.ZERO:
        return "all of them 0"
    if found.change is Change.OFFSET:
        return f"every value {found.values[0]:+.4g}"
    where = ""
    if found.change is Change.SOME and found.places:
        where = f", axis {found.axis} at {first_few([str(each) for each in found.places], _FEW)}"
    most = abs((found.expected or 0.0) - (found.got or 0.0))
    return f"{found.differing} of {found.size} values, by up to {most:.3g}{where}"
