"""What was done to a table of anchors, by what would make the reference's of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from validation.comparison.difference_rules import DifferenceRules
from validation.record.reference_differences import AnchorChange, AnchorFacts

_Floats = NDArray[np.float64]

# Fewer changed rows are a damaged table rather than another one.
_SOME_SHARE = 0.5


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
    ours, theirs = reference.astype(np.float64), candidate.astype(np.float64)
    if ours.shape != theirs.shape:
        return AnchorFacts(len(ours), len(theirs), 0, AnchorChange.COUNT)
    # Rounding to a step moves a value by half of it; a step more is another value.
    tolerance = max(rules.rounding, step)
    differ: NDArray[np.bool_] = np.any(~_near(ours, theirs, tolerance), axis=1)
    rows = int(np.count_nonzero(differ))
    if not rows:
        return None
    change, factors = _change(ours, theirs, differ, tolerance)
    return AnchorFacts(len(ours), len(theirs), rows, change, factors)


def _near(first: _Floats, second: _Floats, tolerance: float) -> NDArray[np.bool_]:
    """NaN is near nothing."""
    near: NDArray[np.bool_] = np.abs(first - second) <= tolerance * np.maximum(1.0, np.abs(first))
    return near


def _change(
    ours: _Floats, theirs: _Floats, differ: NDArray[np.bool_], tolerance: float
) -> tuple[AnchorChange, tuple[float, ...]]:
    for change, remade in _REMADE.items():
        if _near(remade(ours), theirs, 2 * tolerance).all():
            return change, ()
    if _near(_sorted_rows(ours), _sorted_rows(theirs), tolerance).all():
        return AnchorChange.ROW_ORDER, ()
    for change, factors in _constants(ours[differ], theirs[differ], tolerance):
        return change, factors
    if differ.mean() < _SOME_SHARE:
        return AnchorChange.SOME_ROWS, ()
    return AnchorChange.OTHER, ()


def _corners(anchors: _Floats) -> _Floats:
    centres, half = anchors[:, :2], anchors[:, 2:] / 2
    return np.concatenate([centres - half, centres + half], axis=1)


_REMADE: dict[AnchorChange, Callable[[_Floats], _Floats]] = {
    AnchorChange.AXES: lambda anchors: anchors[:, [1, 0, 3, 2]],
    AnchorChange.CORNERS: _corners,
}


def _sorted_rows(anchors: _Floats) -> _Floats:
    rounded = np.round(anchors, 5)
    out: _Floats = anchors[np.lexsort(rounded.T)]
    return out


def _constants(
    ours: _Floats, theirs: _Floats, tolerance: float
) -> Iterator[tuple[AnchorChange, tuple[float, ...]]]:
    """One factor of all sides, one shift of all centres, or other shapes of the same areas."""
    same_centres = _near(ours[:, :2], theirs[:, :2], tolerance).all()
    same_sides = _near(ours[:, 2:], theirs[:, 2:], tolerance).all()
    positive = (ours[:, 2:] > 0).all() and (theirs[:, 2:] > 0).all()
    if same_centres and positive:
        factors = np.median(theirs[:, 2:] / ours[:, 2:], axis=0)
        if _near(ours[:, 2:] * factors, theirs[:, 2:], 2 * tolerance).all():
            yield AnchorChange.SCALED, tuple(factors.tolist())
        areas, others = (side[:, 2:].prod(axis=1) for side in (ours, theirs))
        if _near(areas, others, 4 * tolerance).all():
            yield AnchorChange.ASPECT, ()
    if same_sides:
        shift = np.median(theirs[:, :2] - ours[:, :2], axis=0)
        if _near(ours[:, :2] + shift, theirs[:, :2], 2 * tolerance).all():
            yield AnchorChange.SHIFTED, tuple(shift.tolist())
