"""What was done to a table of anchors, by what would make the reference's of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from validation.comparison.difference_rules import DifferenceRules
from validation.record.difference_facts import AnchorChange, AnchorFacts

_Floats = NDArray[np.float64]

# Fewer changed rows are a damaged table rather than another one.
_SOME_SHARE = 0.5
# Tells rows from columns that are each in an order of their own.
_MIXED = np.array([[2], [3], [5], [7]])


def anchor_difference(
    reference: NDArray[np.float32],
    candidate: NDArray[np.float32],
    *,
    step: float,
    rules: DifferenceRules,
) -> AnchorFacts | None:
    """How a file's anchors differ from its reference's; None where they do not.

    Args:
        reference: [N, 4] in centre form: y, x, height, width.
        candidate: As the reference.
        step: What the coarser of the two is stored in steps of; 0 for floats.
        rules: Say what is rounding.
    """
    if reference.shape != candidate.shape:
        return AnchorFacts(len(reference), len(candidate), 0, AnchorChange.COUNT)
    differ = differing_rows(reference, candidate, step=step, rules=rules)
    rows = int(np.count_nonzero(differ))
    if not rows:
        return None
    ours, theirs = reference.astype(np.float64), candidate.astype(np.float64)
    change, factors = _change(ours, theirs, differ, _tolerance(step, rules), rules)
    return AnchorFacts(len(ours), len(theirs), rows, change, factors)


def differing_rows(
    reference: NDArray[np.float32],
    candidate: NDArray[np.float32],
    *,
    step: float,
    rules: DifferenceRules,
) -> NDArray[np.bool_]:
    """Which rows of two tables of one shape differ: bool [N]. Arguments as `anchor_difference`."""
    ours, theirs = reference.astype(np.float64), candidate.astype(np.float64)
    differ: NDArray[np.bool_] = np.any(~_near(ours, theirs, _tolerance(step, rules)), axis=1)
    return differ


def _tolerance(step: float, rules: DifferenceRules) -> float:
    """Rounding to a step moves a value by half of it; a step more is another value."""
    return max(rules.rounding, step)


def _near(first: _Floats, second: _Floats, tolerance: float) -> NDArray[np.bool_]:
    """NaN is near nothing."""
    near: NDArray[np.bool_] = np.abs(first - second) <= tolerance * np.maximum(1.0, np.abs(first))
    return near


def _change(
    ours: _Floats,
    theirs: _Floats,
    differ: NDArray[np.bool_],
    tolerance: float,
    rules: DifferenceRules,
) -> tuple[AnchorChange, tuple[float, ...]]:
    def explains(made: _Floats, found: _Floats, rounding: float) -> bool:
        """Most of them: what 8 bits cut off is no other change."""
        return bool(_near(made, found, rounding).mean() >= rules.min_share)

    moved = ~_near(ours, theirs, tolerance)
    for change, remade in _REMADE.items():
        made = remade(ours)
        # Of all values, and of those that moved: where few did, nothing at all explains most.
        if all(explains(made[of], theirs[of], 2 * tolerance) for of in (..., moved)):
            return change, ()
    if all(
        explains(*_sorted(ours[differ], theirs[differ], mix), tolerance * mix.sum(axis=0).max())
        for mix in (np.eye(4), _MIXED)
    ):
        return AnchorChange.ROW_ORDER, ()
    if differ.mean() < _SOME_SHARE:
        return AnchorChange.SOME_ROWS, ()
    return _constant(ours[differ], theirs[differ], 2 * tolerance, explains)


def _corners(anchors: _Floats) -> _Floats:
    centres, half = anchors[:, :2], anchors[:, 2:] / 2
    return np.concatenate([centres - half, centres + half], axis=1)


_REMADE: dict[AnchorChange, Callable[[_Floats], _Floats]] = {
    AnchorChange.AXES: lambda anchors: anchors[:, [1, 0, 3, 2]],
    AnchorChange.SIDES: lambda anchors: anchors[:, [0, 1, 3, 2]],
    AnchorChange.CORNERS: _corners,
}


def _sorted(ours: _Floats, theirs: _Floats, mix: _Floats) -> tuple[_Floats, _Floats]:
    """Values of both tables, each in their order: rounding moves none past another."""
    first, second = (np.sort(side @ mix, axis=0) for side in (ours, theirs))
    return first, second


def _constant(
    ours: _Floats,
    theirs: _Floats,
    tolerance: float,
    explains: Callable[[_Floats, _Floats, float], bool],
) -> tuple[AnchorChange, tuple[float, ...]]:
    """One factor of all sides, one shift of all centres, or other shapes of the same areas."""
    (centres, sides), (others, other_sides) = (
        (table[:, :2], table[:, 2:]) for table in (ours, theirs)
    )
    if explains(centres, others, tolerance) and (sides > 0).all():
        factors = np.median(other_sides / sides, axis=0)
        if explains(sides * factors, other_sides, tolerance):
            return AnchorChange.SCALED, tuple(factors.tolist())
        if explains(sides.prod(axis=1), other_sides.prod(axis=1), 2 * tolerance):
            return AnchorChange.ASPECT, ()
    if explains(sides, other_sides, tolerance):
        shift = np.median(others - centres, axis=0)
        if explains(centres + shift, others, tolerance):
            return AnchorChange.SHIFTED, tuple(shift.tolist())
    return AnchorChange.OTHER, ()
