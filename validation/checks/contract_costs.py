"""What each difference from a reference costs: the file scored with that one thing put right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.comparison.contract_differences import SideFacts
from validation.comparison.reference_differences import worst_first
from validation.record.detections import Detections
from validation.record.difference_facts import AnchorChange, ClassFacts, DifferenceKind
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.specs.contracts import Preprocessing

_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")


@dataclass(frozen=True)
class Repair:
    """What is put right in a copy of a file, or in how it is fed and read.

    Args:
        attributes: Of the op, by name.
        anchors: Of the op; None leaves them.
        preprocessing: From image to input, by real values; None leaves the feed.
        classes: Which numbers are to be changed; None leaves them.
    """

    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    anchors: NDArray[np.float32] | None = None
    preprocessing: Preprocessing | None = None
    classes: ClassFacts | None = None

    @property
    def changes_the_run(self) -> bool:
        """False where only what was detected is read otherwise."""
        return bool(self.attributes) or not (self.anchors is None and self.preprocessing is None)

    def __or__(self, other: Repair) -> Repair:
        """Both together."""
        return Repair(
            {**self.attributes, **other.attributes},
            self.anchors if other.anchors is None else other.anchors,
            other.preprocessing or self.preprocessing,
            other.classes or self.classes,
        )


# Nothing is put right.
AS_IT_IS = Repair()

# What a repaired file detects, and the AP of that.
Run = Callable[[Repair], Mapping[str, Detections]]
Score = Callable[[Mapping[str, Detections], str], float]


def repair_of(
    difference: ReferenceDifference, reference: SideFacts, candidate: SideFacts
) -> Repair | None:
    """What would put a difference right; None where only another conversion does."""
    kind = difference.kind
    if kind is DifferenceKind.SCALES:
        (fact,) = difference.facts
        return Repair(dict(zip(_SCALES, fact.expected, strict=True)))
    if kind in _ATTRIBUTES:
        changes = {fact.name: fact.expected for fact in difference.facts}
        # NMS for each class reads an attribute that fast NMS never does.
        if changes.get("use_regular_nms") and reference.attributes is not None:
            changes["detections_per_class"] = reference.attributes.detections_per_class
        return Repair(changes)
    if kind is DifferenceKind.ANCHORS:
        facts = difference.anchors
        fits = facts is not None and facts.change is not AnchorChange.COUNT
        return Repair(anchors=reference.anchors) if fits else None
    if kind in (DifferenceKind.FEED, DifferenceKind.STATED_FEED):
        wanted = reference if kind is DifferenceKind.FEED else candidate
        preprocessing = _feed(candidate.preprocessing, wanted.preprocessing)
        return None if preprocessing is None else Repair(preprocessing=preprocessing)
    if difference.classes is not None:
        return Repair(classes=difference.classes)
    return None


_ATTRIBUTES = (
    DifferenceKind.GUIDE_DEFAULTS,
    DifferenceKind.NMS,
    DifferenceKind.DETECTIONS,
    DifferenceKind.THRESHOLDS,
)


def _feed(own: Preprocessing | None, wanted: Preprocessing | None) -> Preprocessing | None:
    """The file's own size with what the other side makes of a pixel."""
    if own is None or wanted is None:
        return None
    return dataclasses.replace(own, scale=wanted.scale, offset=wanted.offset)


def with_costs(
    found: ReferenceDifferences,
    repairs: Mapping[DifferenceKind, Repair],
    run: Run,
    score: Score,
    images: int,
) -> ReferenceDifferences:
    """The differences with what each costs, the worst first.

    Args:
        found: Without any price.
        repairs: Of the kinds that can be put right.
        run: Gives the detections of the file with a repair.
        score: Gives AP, and the words under which it is cached.
        images: Labelled ones that AP is of.
    """
    if not repairs:
        return dataclasses.replace(found, unpriced=_why_unpriced(found))
    own = score(run(Repair()), "as it is")
    prices = {
        kind: score(run(repair), f"with the reference's {kind.value}")
        for kind, repair in repairs.items()
    }
    # What a file's own metadata states is not what the reference has.
    asked = [kind for kind in repairs if kind is not DifferenceKind.STATED_FEED]
    everything = Repair()
    for kind in asked:
        everything |= repairs[kind]
    of_all = None if len(asked) != 1 else prices[asked[0]]
    if len(asked) > 1:
        of_all = score(run(everything), "with everything as the reference has it")
    priced = dataclasses.replace(
        found,
        differences=tuple(
            dataclasses.replace(each, ap=prices.get(each.kind)) for each in found.differences
        ),
        ap=own,
        ap_of_all=of_all,
        images=images,
    )
    return dataclasses.replace(priced, differences=worst_first(priced))


def _why_unpriced(found: ReferenceDifferences) -> str:
    if {each.kind for each in found.differences} == {DifferenceKind.OUTPUT_ORDER}:
        return "no cost in AP: outputs were read here by what writes them, whatever their order"
    return "nothing of it can be put right without another conversion, so it has no price"
