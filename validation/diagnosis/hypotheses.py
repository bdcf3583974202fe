"""Faults that were undone one at a time: which of them brings agreement back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.agreement import RestoreRules, is_restored
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import ModelKey

_Floats = NDArray[np.float64]

AGREEMENT = "agreement"
"""Measure: mean agreement of single images with the reference, see `diagnosis.agreement`."""
OBJECTS_FOUND = "AP50 of single images"
"""Measure: mean average precision of single images, see `agreement.found_objects`."""


@dataclass(frozen=True)
class Cause:
    """What would be wrong.

    Args:
        fault: Its kind.
        place: In what.
        got: What there is.
        expected: What there should be.
        where: See `Diagnosis`.
        also: Other faults that are undone in the same way: nothing tells them apart.
    """

    fault: FaultKind
    place: Place
    got: Any = None
    expected: Any = None
    where: str = ""
    also: tuple[FaultKind, ...] = ()


@dataclass(frozen=True, eq=False)
class Tried:
    """A cause that was undone.

    Args:
        cause: What was undone.
        before: Agreement of each image as it is.
        after: Alike, with the cause undone.
    """

    cause: Cause
    before: _Floats
    after: _Floats

    @property
    def left(self) -> float:
        """Disagreement that is left, of the mean image."""
        return float((1 - self.after).mean())


def explanation(
    tried: Sequence[Tried],
    rules: RestoreRules,
    restores: Callable[[_Floats, _Floats, RestoreRules], bool] = is_restored,
) -> tuple[Tried, ...]:
    """The cause of which undoing restores most, with those that restore as much; () for none.

    Of one kind of fault the best alone. The first is the best one; of equals the one that was
    tried first.

    Args:
        tried: Each of the same images.
        rules: Say what restores, and what is as much.
        restores: Whether figures of single images, before and after, do.
    """
    restoring = [each for each in tried if restores(each.before, each.after, rules)]
    if not restoring:
        return ()
    best = min(restoring, key=lambda each: each.left)
    missing = float((1 - best.before).mean())
    near = [each for each in restoring if each.left - best.left <= rules.tie * missing]
    # Of equals the one that was tried first: the list begins with the simplest.
    of_kind: dict[FaultKind, Tried] = {}
    for each in near:
        known = of_kind.get(each.cause.fault)
        if known is None or each.left < known.left - rules.exact * missing:
            of_kind[each.cause.fault] = each
    return tuple(of_kind.values())


def is_exact(found: Sequence[Tried], rules: RestoreRules) -> bool:
    """True where nothing is left for another hypothesis to explain.

    Args:
        found: Of `explanation`.
        rules: Say what rounding leaves.
    """
    return bool(found) and found[0].left <= rules.exact * float((1 - found[0].before).mean())


def diagnosis_of(found: Sequence[Tried], key: ModelKey, measure: str) -> tuple[Diagnosis, ...]:
    """One diagnosis of the best explanation, the others as its ties; () of none."""
    if not found:
        return ()
    first, *others = found
    cause = first.cause
    ties = (*cause.also, *(each.cause.fault for each in others))
    return (
        Diagnosis(
            key.model,
            key.variant,
            cause.fault,
            cause.place,
            DiagnosedBy.HYPOTHESIS,
            where=cause.where,
            expected=cause.expected,
            got=cause.got,
            measure=measure,
            before=float(first.before.mean()),
            after=float(first.after.mean()),
            ties=tuple(dict.fromkeys(each for each in ties if each is not cause.fault)),
            file=key.file,
        ),
    )


def at_place(cause: Cause, place: Place) -> Cause:
    """The same cause in another place."""
    return dataclasses.replace(cause, place=place)
