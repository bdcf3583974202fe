"""Faults that were undone one at a time: which of them brings agreement back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.agreement import RestoreRules, by_chance, is_gain, is_restored
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import ModelKey

_Floats = NDArray[np.float64]

AGREEMENT = "agreement"
"""Measure: mean agreement of single images with the reference, see `diagnosis.agreement`."""
OBJECTS_FOUND = "AP of single images"
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
        also_in: Other places that it may lie in as well.
    """

    fault: FaultKind
    place: Place
    got: Any = None
    expected: Any = None
    where: str = ""
    also: tuple[FaultKind, ...] = ()
    also_in: tuple[Place, ...] = ()


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

    @property
    def gain(self) -> float:
        """By which undoing it raises the mean image's figure."""
        return float((self.after - self.before).mean())


def explanation(tried: Sequence[Tried], rules: RestoreRules) -> tuple[Tried, ...]:
    """The cause of which undoing restores most, with those that restore as much; () for none.

    Of one kind of fault the best alone. The first is the best one; of equals the one that was
    tried first.

    Args:
        tried: Each of the same images.
        rules: Say what restores, and what is as much.
    """
    restoring = [each for each in tried if is_restored(each.before, each.after, rules)]
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


def explanation_by_labels(tried: Sequence[Tried], rules: RestoreRules) -> tuple[Tried, ...]:
    """The cause of which undoing gains most on labels, with those that gain as much; () for none.

    Labels are noisy and no model meets them all, so that several causes may gain alike. Of those
    the one that was tried first is the first, and of one kind of fault the first alone.

    Args:
        tried: Each of the same images, the likelier ones first.
        rules: Say what is a gain, and what is as much.
    """
    gaining = [each for each in tried if is_gain(each.before, each.after, rules)]
    if not gaining:
        return ()
    best = max(gaining, key=lambda each: each.gain)
    least = best.gain * (1 - rules.gain_tie)
    of_kind: dict[FaultKind, Tried] = {}
    for each in tried:
        # What is as good needs less proof: that there is a fault is known by the best.
        is_as_good = (
            each.gain >= least
            and by_chance(each.before, each.after) <= rules.chance
            and by_chance(each.after, best.after) > rules.chance
        )
        if each is best or is_as_good:
            of_kind.setdefault(each.cause.fault, each)
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
    places = dict.fromkeys((*cause.also_in, *(each.cause.place for each in others)))
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
            other_places=tuple(each for each in places if each is not cause.place),
            file=key.file,
        ),
    )


def at_place(cause: Cause, place: Place) -> Cause:
    """The same cause in another place."""
    return dataclasses.replace(cause, place=place)


def spread(images: Sequence[str], count: int) -> list[str]:
    """So many of them, evenly."""
    places = np.unique(np.linspace(0, len(images) - 1, min(count, len(images))).astype(int))
    return [images[place] for place in places.tolist()] if images else []
