"""What a given file has otherwise than its reference, and what each difference costs in AP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.record.difference_facts import AnchorFacts, ClassFacts, DifferenceKind, Fact
from validation.record.difference_words import kind_in_words, words_of
from validation.record.types import OfVariant
from validation.specs.references import ReferenceKind

# A finding that stands for two kinds is counted for both.
_COUNTED_AS: Mapping[DifferenceKind, tuple[DifferenceKind, ...]] = {
    DifferenceKind.GUIDE_DEFAULTS: (DifferenceKind.NMS, DifferenceKind.DETECTIONS)
}
# The measure of an order that no reference states.
UNSTATED_ORDER = "output_order_unstated"


@dataclass(frozen=True)
class ReferenceDifference:
    """One thing that a file does not have as its reference has it.

    Args:
        kind: What it is.
        amount: How much differs: of the feed steps of a 255th, of anchors rows, of classes
            their numbers; else how many values.
        facts: The values themselves.
        anchors: Of `ANCHORS`.
        classes: Of `CLASS_SHIFT` and `CLASS_ORDER`.
        is_named: Of `OUTPUT_ORDER`: the file says by name which output is which.
        is_stated: Of `OUTPUT_ORDER`: the reference has an order; else the op's own is meant.
        ap: Of the file with this one thing as the reference has it; None where that was not
            measured.
    """

    kind: DifferenceKind
    amount: float
    facts: tuple[Fact, ...] = ()
    anchors: AnchorFacts | None = None
    classes: ClassFacts | None = None
    is_named: bool = False
    is_stated: bool = True
    ap: float | None = None

    def describe(self, ap: float | None = None) -> str:
        """The finding on one line, with what it costs where that is known.

        Args:
            ap: Of the file as it is.
        """
        words = words_of(self)
        change = self.ap_change(ap)
        return words if change is None else f"{words}: {_signed(change)} AP"

    def ap_change(self, ap: float | None) -> float | None:
        """What the difference does to AP: below 0 where it costs something."""
        return None if ap is None or self.ap is None else ap - self.ap


@dataclass(frozen=True)
class NotCompared:
    """What could not be held against the reference, and why.

    Args:
        kinds: What.
        why: One reason for all of them.
    """

    kinds: tuple[DifferenceKind, ...]
    why: str

    def describe(self) -> str:
        """On one line."""
        return f"not compared: {', '.join(map(kind_in_words, self.kinds))} ({self.why})"


@dataclass(frozen=True)
class ReferenceDifferences(OfVariant):
    """Everything that a given file has otherwise than its reference.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        reference: What it was compared with.
        differences: The one that costs most first.
        compared: What both sides state.
        not_compared: What one of them does not.
        ap: Of the file as it is; None where nothing was priced.
        ap_of_all: With all that could be priced as the reference has it.
        images: Labelled images that AP is of.
        unpriced: Why nothing has a price; empty where something has, and where nothing differs.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    reference: ReferenceKind
    differences: tuple[ReferenceDifference, ...]
    compared: tuple[DifferenceKind, ...]
    not_compared: tuple[NotCompared, ...] = ()
    ap: float | None = None
    ap_of_all: float | None = None
    images: int = 0
    unpriced: str = ""
    file: str = ""

    @property
    def figures(self) -> dict[str, float]:
        """What differs by how much, by the names of the check's measures."""
        found: dict[str, float] = {kind.value: 0 for kind in self.compared}
        for each in self.differences:
            for name in measures_of(each):
                found[name] = max(found.get(name, 0), each.amount)
        return found

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each difference on a line."""
        return tuple(each.describe(self.ap) for each in self.differences)


def measures_of(difference: ReferenceDifference) -> tuple[str, ...]:
    """Names of the measures that it counts for; none for an order that the file names."""
    if difference.kind is DifferenceKind.OUTPUT_ORDER:
        if difference.is_named:
            return ()
        return (difference.kind.value if difference.is_stated else UNSTATED_ORDER,)
    return tuple(each.value for each in _COUNTED_AS.get(difference.kind, (difference.kind,)))


def _signed(change: float) -> str:
    """Three digits after the point, four where three would hide the change; no sign of nothing."""
    text = f"{change:+.3f}"
    if float(text):
        return text
    return f"{change:+.4f}" if abs(change) >= 5e-5 else "0.000"
